package main

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
)

// visits are what the generated traffic asks for, in turn.
var visits = []struct{ method, path string }{
	{http.MethodGet, "/quotes/600519"},
	{http.MethodGet, "/quotes/000858"},
	{http.MethodGet, "/quotes/999999"}, // unknown: 404, of its route
	{http.MethodGet, "/accounts/7/orders/42"},
	{http.MethodPost, "/accounts/7/orders"},
	{http.MethodGet, "/ticks"},   // an event stream
	{http.MethodGet, "/history"}, // fails: 503
	{http.MethodGet, "/favicon.ico"},
}

// traffic is a client that uses the service until it is stopped.
func traffic(base string) monitor.Runner {
	return monitor.RunnerFunc(func(ctx context.Context) error {
		client := &http.Client{Timeout: 5 * time.Second}
		defer client.CloseIdleConnections()
		pace := time.NewTicker(10 * time.Millisecond)
		defer pace.Stop()
		for i := 0; ; i++ {
			v := visits[i%len(visits)]
			visit(ctx, client, v.method, base+v.path)
			select {
			case <-ctx.Done():
				return nil
			case <-pace.C:
			}
		}
	})
}

func visit(ctx context.Context, client *http.Client, method, url string) {
	req, err := http.NewRequestWithContext(ctx, method, url, http.NoBody)
	if err != nil {
		return
	}
	resp, err := client.Do(req)
	if err != nil {
		return
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
}
