package influx_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/influx"
)

// A service that keeps each answer of its data sources. Here a server of the
// example's own says what it was sent.
func Example() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		line, _ := io.ReadAll(r.Body)
		fmt.Print(string(line))
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()

	store, err := influx.New(server.URL, "chronoretrace", influx.WithTags("market"), influx.WithoutGzip())
	if err != nil {
		panic(err)
	}
	defer store.Close()
	m, err := monitor.New(
		monitor.WithService("quotes", "v1.4.0"),
		monitor.WithSink("influx", store, monitor.WithKinds(monitor.KindSource)),
	)
	if err != nil {
		panic(err)
	}
	if err := store.Watch(m); err != nil {
		panic(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- m.Run(ctx, store) }()

	e := monitor.Event{
		Time: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), Kind: monitor.KindSource,
		Name: "sse", Duration: 80 * time.Millisecond,
	}
	e.Add(slog.String("market", "A-share"), slog.Int("rows", 4200))
	m.Record(e)
	stop() // what is left is written
	fmt.Println(<-ended)
	// Output:
	// source,failed=false,name=sse,market=A-share duration_seconds=0.08,slow=false,rows=4200 1772600767000000000
	// <nil>
}
