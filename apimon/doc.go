// Package apimon measures HTTP APIs: a net/http middleware that emits the API
// metrics of Section 6.1 and an event per request.
//
//	api, err := apimon.New(m)
//	if err != nil {
//		return err
//	}
//	mux := http.NewServeMux()
//	mux.HandleFunc("GET /stocks/{symbol}", quote)
//	srv := &http.Server{Handler: api.Handler(mux)}
//
// # Endpoints
//
// The endpoint label is the route's pattern, never the path. Around a
// http.ServeMux it is what the mux matched, without its method; what the mux
// did not match is "unmatched". Where other middlewares stand between, or
// another router is used, one of these says the route:
//
//   - [Middleware.WithRoute], when one handler is one route;
//   - [Middleware.WithMux], when a ServeMux stands behind middlewares that copy
//     the request;
//   - [SetRoute], called by the router's own middleware or by a handler.
//
// Routers that set http.Request.Pattern, as chi does, need none of them. The
// innermost of two middlewares of this package only says the route: a request
// is counted once.
//
// # What counts as what
//
//   - A handler that panics counts as status 500, whatever it had sent, and in
//     api_panics_total; the panic goes on. Where the client had gone away it
//     counts as 499 instead: that is how proxies abort.
//   - A client that goes away before anything was sent counts as 499.
//   - The first final status wins; 1xx are passed on and ignored.
//   - A hijacked connection (a WebSocket) counts once, as 101, in
//     api_request_total, and its lifetime in api_stream_duration_seconds. It is
//     not in the latency histogram.
//   - An event stream is in the latency histogram with the time to its first
//     flush, and its lifetime in api_stream_duration_seconds.
//   - Methods other than the nine of RFC 9110 and RFC 5789 count as "_OTHER".
//
// Put the middleware outside of http.TimeoutHandler and of whatever else answers
// in a handler's place, so that what the client got is what is counted, and
// inside of tracing, so that exemplars find the trace.
//
// # In flight
//
// api_concurrent_requests is computed when it is scraped, from the requests
// that are running then: no request pays for it, and a route that a mux finds
// only later is found again for those few.
//
// # Cost
//
// Once an endpoint has been seen a request allocates nothing. The writer that
// a handler is given is used again for later requests; a handler must not keep
// it after it has returned, which net/http forbids too. [WithUnpooledWriters]
// is for hosts that cannot be sure.
package apimon
