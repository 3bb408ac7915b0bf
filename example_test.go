package chronomon_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/chronoretrace/chronomon/apimon"
	"github.com/chronoretrace/chronomon/monitor"
)

// A complete wiring: the API metrics at /metrics, an event per failed request
// in the log, everything stopped in order.
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()

	m, err := monitor.New(
		monitor.WithService("quotes", "v1.4.0"),
		monitor.WithSampling(monitor.KindRequest, 0), // failed and slow ones are always kept
		monitor.WithSink("stdout", monitor.SinkFunc(func(_ context.Context, batch []monitor.Event) error {
			for _, e := range batch {
				status, _ := e.Attr("status_code")
				fmt.Println("event:", e.Kind, e.Name, status)
			}
			return nil
		}), monitor.WithKinds(monitor.KindRequest)),
	)
	if err != nil {
		slog.Error("monitor", "error", err)
		return
	}
	api, err := apimon.New(m, apimon.WithSkip("/metrics"))
	if err != nil {
		slog.Error("apimon", "error", err)
		return
	}

	mux := http.NewServeMux()
	mux.HandleFunc("GET /stocks/{symbol}", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("symbol") == "bad" {
			http.Error(w, "source is down", http.StatusBadGateway)
			return
		}
		fmt.Fprintln(w, "1700.00")
	})
	mux.Handle("GET /metrics", m.Handler())
	srv := httptest.NewServer(api.Handler(mux))
	defer srv.Close()

	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()

	for _, path := range []string{"/stocks/600519", "/stocks/000858", "/stocks/bad", "/metrics"} {
		body, err := get(ctx, srv.URL+path)
		if err != nil {
			slog.Error("get", "error", err)
			return
		}
		for line := range strings.Lines(body) {
			if strings.HasPrefix(line, "api_request_total") {
				fmt.Print(line)
			}
		}
	}
	stop()
	if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
		slog.Error("run", "error", err)
	}
	// Output:
	// api_request_total{method="GET",endpoint="/stocks/{symbol}",status_code="200"} 2
	// api_request_total{method="GET",endpoint="/stocks/{symbol}",status_code="502"} 1
	// event: request /stocks/{symbol} 502
}

func get(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}
