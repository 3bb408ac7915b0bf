package main

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
)

// traffic is a few users of the service, until they are stopped.
func traffic(base string) monitor.Runner {
	return monitor.RunnerFunc(func(ctx context.Context) error {
		client := &http.Client{Timeout: 5 * time.Second}
		defer client.CloseIdleConnections()
		var users sync.WaitGroup
		for user := range 4 {
			users.Go(func() {
				for ctx.Err() == nil {
					visit(ctx, client, base, "user "+strconv.Itoa(user))
					pause(ctx, 50*time.Millisecond)
				}
			})
		}
		users.Wait()
		return nil
	})
}

// visit makes one request: a quote as a rule, of a stock that there is not now and then.
func visit(ctx context.Context, client *http.Client, base, user string) {
	method, path := http.MethodGet, "/api/v1/stocks/"+append(symbols, "999999")[rand.N(len(symbols)+1)]
	if rand.Float64() < 0.05 {
		method, path = http.MethodPost, "/api/v1/backtests"
	}
	req, err := http.NewRequestWithContext(ctx, method, base+path, http.NoBody)
	if err != nil {
		return
	}
	req.Header.Set("X-User", user)
	resp, err := client.Do(req)
	if err != nil {
		return
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
}
