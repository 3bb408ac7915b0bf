package main

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
)

// traffic is a few clients that use the service until they are stopped.
func traffic(base string) monitor.Runner {
	return monitor.RunnerFunc(func(ctx context.Context) error {
		client := &http.Client{Timeout: 5 * time.Second}
		defer client.CloseIdleConnections()
		var clients sync.WaitGroup
		for range 4 {
			clients.Go(func() {
				for ctx.Err() == nil {
					visit(ctx, client, base)
					pause(ctx, 25*time.Millisecond)
				}
			})
		}
		clients.Wait()
		return nil
	})
}

// visit makes one request, of a kind drawn by its share.
func visit(ctx context.Context, client *http.Client, base string) {
	symbols := []string{"600519", "601318", "600036", "000858", "300750", "999999"} // the last one is unknown
	symbol := symbols[rand.N(len(symbols))]
	method, path := http.MethodGet, "/api/v1/stocks/"+symbol
	switch p := rand.Float64(); {
	case p < 0.10:
		path = "/api/v1/stocks"
	case p < 0.30:
		path += "/history"
	case p < 0.35:
		method, path = http.MethodPost, "/api/v1/backtests"
	case p < 0.37:
		path = "/favicon.ico"
	}
	req, err := http.NewRequestWithContext(ctx, method, base+path, http.NoBody)
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
