// Package apimon measures HTTP APIs: a net/http middleware that emits the
// rate, the errors and the duration of every endpoint, and an event per request.
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
// examples/routers has the lines for chi, gin and echo. Of two middlewares
// around one request the inner one only says the route: a request is counted
// once. (It knows the outer one by the writer, through layers that unwrap, or by
// the context that SetRoute needs; http.TimeoutHandler hides a mux's.)
//
// # What counts as what
//
//   - A handler that panics counts as status 500, whatever it had sent, and in
//     api_panics_total; the panic goes on. Where the client had gone away it
//     counts as 499 instead: that is how proxies abort. A panic that something
//     further in recovers is not seen: what was sent is what counts.
//   - A client that goes away before anything was sent counts as 499, and so
//     does a failure (5xx) that a handler sends after that.
//   - The first final status wins; 1xx are passed on and ignored.
//   - A hijacked connection (a WebSocket) counts once, as 101, in
//     api_request_total, and the lifetime of its handler in
//     api_stream_duration_seconds. It is not in the latency histogram.
//   - A stream that is flushed (text/event-stream, application/x-ndjson,
//     application/stream+json, multipart/x-mixed-replace) is in the latency
//     histogram with the time to its first flush, and its lifetime in
//     api_stream_duration_seconds.
//   - Methods other than the nine of RFC 9110 and RFC 5789 count as "_OTHER".
//
// Put the middleware outside of http.TimeoutHandler and of whatever else answers
// in a handler's place, so that what the client got is what is counted, and
// inside of tracing, so that exemplars find the trace.
//
// # Events
//
// Each request that is measured is an event of [monitor.KindRequest], if a sink
// wants it: Name is the endpoint, Duration the whole time, Failed is set from
// status 500 on, Slow as [WithSlowThreshold] says, TraceID and User as
// [WithTraceID] and [WithUser] find them. Its attributes are method, status_code,
// request_size and response_size in bytes, and client_net with [WithClientIP].
//
// # In flight
//
// api_concurrent_requests is computed when it is scraped, from the requests
// that are running then: no request pays for it, and a route that a mux finds
// only later is found again for those few.
//
// # Cost
//
// As the outermost handler of net/http's server, around a mux or a route, the
// middleware allocates nothing once an endpoint has been seen (over HTTP/2, where
// a writer may be kept for pushes: two allocations). The writer that a handler
// is given is then used again for later requests. net/http forbids to use a
// writer after the handler has returned, and lends the buffer of its own to
// later responses in the same way; [WithUnpooledWriters] is for hosts that
// cannot be sure of their handlers. Inside of another layer, which may go on using our
// writer when we have returned, each request gets a writer of its own (two
// allocations); [WithPooledWriters] says that no layer does. Around a router
// that needs [SetRoute] each request gets a context of its own (three).
package apimon
