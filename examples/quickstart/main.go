// Command quickstart is a small stock-quote service on loopback with generated
// traffic, measured by chronomon. It needs Go and nothing else.
//
//	go run ./examples/quickstart         # until Ctrl-C
//	go run ./examples/quickstart -once   # ten seconds, then prints what it measured
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/chronoretrace/chronomon/apimon"
	"github.com/chronoretrace/chronomon/monitor"
)

func main() {
	once := flag.Bool("once", false, "run ten seconds of traffic, print the API metrics and exit")
	addr := flag.String("addr", "127.0.0.1:8080", "address to serve on; a free port is taken if it is in use")
	length := flag.Duration("for", 10*time.Second, "with -once: how long the traffic lasts")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *addr, *once, *length)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, addr string, once bool, length time.Duration) error {
	m, err := monitor.New(monitor.WithService("quotes", "v0.1.0"), monitor.WithRuntimeMetrics())
	if err != nil {
		return err
	}
	api, err := apimon.New(m, apimon.WithSkip("/metrics"))
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	newQuotes().routes(mux)
	mux.Handle("GET /metrics", m.Handler())

	ln, err := listen(ctx, addr)
	if err != nil {
		return err
	}
	base := "http://" + ln.Addr().String()
	announce(os.Stdout, m, base)

	if once {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, length)
		defer cancel()
	}
	srv := &http.Server{Handler: api.Handler(mux), ReadHeaderTimeout: 5 * time.Second}
	if err := m.Run(ctx, monitor.Server(srv, ln), traffic(base)); err != nil {
		return err
	}
	if once {
		return summary(os.Stdout, m)
	}
	return nil
}

// listen takes the address, or a free port of the same host if it is in use.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", addr)
	if err == nil {
		return ln, nil
	}
	host, _, splitErr := net.SplitHostPort(addr)
	if splitErr != nil {
		return nil, err
	}
	free, freeErr := lc.Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	if freeErr != nil {
		return nil, errors.Join(err, freeErr)
	}
	return free, nil
}
