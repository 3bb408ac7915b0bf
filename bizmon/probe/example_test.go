package probe_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/chronoretrace/chronomon/bizmon/probe"
	"github.com/chronoretrace/chronomon/monitor"
)

func ExampleNew() {
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/news" {
			http.Error(w, "maintenance", http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, `{"symbol":"600519","price":1700.5}`)
	}))
	defer vendor.Close()

	m, err := monitor.New(monitor.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		fmt.Println(err)
		return
	}
	prober, err := probe.New(m, []probe.Target{
		{Name: "quotes", Interval: 30 * time.Second, Check: probe.HTTP{URL: vendor.URL + "/quote", WantBody: `"price":`}},
		{Name: "news", Check: probe.HTTP{URL: vendor.URL + "/news"}},
		{Name: "feed", Check: probe.TCP{Address: vendor.Listener.Addr().String()}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	// A service gives the prober to m.Run. This is one step of it.
	for _, r := range prober.Probe(context.Background(), m.Now()) {
		fmt.Println(r.Target, r.Success, r.Err)
	}
	// Output:
	// quotes true <nil>
	// news false status: got 503, want 200 to 299
	// feed true <nil>
}
