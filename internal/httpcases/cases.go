package httpcases

import "net/http"

// Cases returns the table. Each call makes a new slice.
func Cases() []Case {
	return []Case{
		// Statuses.
		{Name: "error status 503", App: at("/x", unavailable), Visit: get("/x"), Judge: counted(http.StatusServiceUnavailable)},
		{Name: "handler writes nothing", App: at("/x", silent), Visit: get("/x"), Judge: answered()},
		{Name: "HEAD", App: at("/x", ok), Visit: send(http.MethodHead, "/x", nil), Judge: all(answered(), method("HEAD"))},
		{Name: "103 Early Hints, then 200", App: at("/x", earlyHints), Visit: get("/x"), Judge: all(counted(http.StatusOK), got(http.StatusOK, http.StatusEarlyHints))},
		{Name: "WriteHeader 201, then 500", App: at("/x", twoStatuses), Visit: get("/x"), Judge: all(counted(http.StatusCreated), got(http.StatusCreated))},
		{Name: "http.TimeoutHandler answers 503", App: at("/x", timesOut), Visit: get("/x"), Judge: all(counted(http.StatusServiceUnavailable), got(http.StatusServiceUnavailable))},
		{Name: "client leaves before the answer", App: at("/x", waits), Visit: leave("/x"), Judge: abandoned},

		// Panics.
		{Name: "panic before the first write", App: at("/x", panics), Visit: get("/x"), Judge: all(counted(http.StatusInternalServerError), raised)},
		{Name: "panic after status 202", App: at("/x", panicsLate), Visit: get("/x"), Judge: all(counted(http.StatusInternalServerError), raised)},
		{Name: "in flight after two panics", App: at("/x", panics), Visit: twice(get("/x")), Judge: idle},
		{Name: "one request in flight", App: at("/x", waits), Visit: leave("/x"), Judge: busy},

		// Long-lived responses.
		{Name: "connection hijacked", App: at("/x", hijacks), Visit: get("/x"), Judge: all(counted(http.StatusSwitchingProtocols), untimed, got(http.StatusOK))},
		{Name: "WebSocket open for 150 ms", App: at("/x", websocket), Visit: upgrade("/x", openFor), Judge: all(counted(http.StatusSwitchingProtocols), untimed, got(http.StatusSwitchingProtocols))},
		{Name: "event stream of 300 ms", App: at("/x", events), Visit: get("/x"), Judge: all(counted(http.StatusOK), timedBelow(streamLen.Seconds()))},

		// The writer's abilities, and bytes.
		{Name: "Flush reaches the client", App: at("/x", flushes), Visit: firstByte("/x"), Judge: arrived},
		{Name: "ResponseController sets deadlines", App: at("/x", deadlines), Visit: get("/x"), Judge: told},
		{Name: "io.ReaderFrom kept", App: at("/x", readsFrom), Visit: get("/x"), Judge: told},
		{Name: "io.Copy of 10,000 B to the client", App: at("/x", copies), Visit: get("/x"), Judge: responseBytes(copied)},
		{Name: "io.StringWriter kept, 700 B counted", App: at("/x", writesString), Visit: get("/x"), Judge: all(told, responseBytes(written))},
		{Name: "chunked upload of 5,000 B", App: at("/x", reads), Visit: send(http.MethodPost, "/x", chunked(uploaded)), Judge: requestBytes(uploaded)},
		{Name: "http.NoBody kept", App: at("/x", noBody), Visit: get("/x"), Judge: told},

		// HTTP/2.
		{Name: "HTTP/2: answered", HTTP2: true, App: at("/x", ok), Visit: get("/x"), Judge: all(answered(), over("HTTP/2.0"))},
		{Name: "HTTP/2: panic", HTTP2: true, App: at("/x", panics), Visit: get("/x"), Judge: all(counted(http.StatusInternalServerError), raised)},
		{Name: "HTTP/2: Flush reaches the client", HTTP2: true, App: at("/x", flushes), Visit: firstByte("/x"), Judge: arrived},
		{Name: "HTTP/2: io.Copy of 10,000 B", HTTP2: true, App: at("/x", copies), Visit: get("/x"), Judge: responseBytes(copied)},
		{Name: "HTTP/2: no Hijacker pretended", HTTP2: true, App: at("/x", pretendsHijacker), Visit: get("/x"), Judge: told},

		// Routes and label sets.
		{Name: "route kept when a middleware copies the request", App: between(copiesRequest, at("/items/{id}", ok)), Visit: get("/items/7"), Judge: routed},
		{Name: "404", App: at("/x", ok), Visit: get("/nowhere"), Judge: all(counted(http.StatusNotFound), unmatched("/nowhere"))},
		{Name: "405", App: App{Routes: []Route{{http.MethodGet, "/items/{id}", ok}}}, Visit: send(http.MethodPost, "/items/7", nil), Judge: all(counted(http.StatusMethodNotAllowed), unmatched("/items/7"))},
		{Name: "label sets after 20 unknown paths", App: at("/x", ok), Visit: paths("/scan/%d"), Judge: oneSet},
		{Name: "label sets after 20 ids on one route", App: at("/items/{id}", ok), Visit: paths("/items/%d"), Judge: oneSet},
		{Name: "label sets after 20 invented methods", App: at("/x", ok), Visit: methods("BREW%c", "/x"), Judge: all(oneSet, otherMethod)},
		{Name: "label sets after 20 Host headers", App: at("/x", ok), Visit: hosts("host%d.test", "/x"), Judge: oneSet},
		{Name: "second instance on one registry", Instances: 2, App: at("/x", ok), Visit: twice(get("/x")), Judge: both},
	}
}

// at is an app with one route that serves every method.
func at(path string, h http.HandlerFunc) App {
	return App{Routes: []Route{{Path: path, Handler: h}}}
}

func between(mw func(http.Handler) http.Handler, app App) App {
	app.Between = mw
	return app
}
