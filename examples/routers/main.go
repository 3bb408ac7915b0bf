// Command routers shows how apimon stands in chi, gin and echo: the same small
// stock-quote service three times, on loopback, with generated traffic.
//
//	go run .         # until Ctrl-C
//	go run . -once   # a few seconds, then prints what was counted
//
// What to copy is in chi.go, gin.go and echo.go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/chronoretrace/chronomon/apimon"
	"github.com/chronoretrace/chronomon/monitor"
)

// service is one of the routers with the quotes behind it. Each has a monitor
// of its own, so that what it counts can be told apart.
type service struct {
	name, addr string
	router     func(api *apimon.Middleware, metrics http.Handler) http.Handler
}

var services = []service{
	{"chi", "127.0.0.1:8081", func(api *apimon.Middleware, metrics http.Handler) http.Handler {
		return chiRouter(api, chiQuotes(metrics))
	}},
	{"gin", "127.0.0.1:8082", func(api *apimon.Middleware, metrics http.Handler) http.Handler {
		return ginRouter(api, ginQuotes(metrics))
	}},
	{"echo", "127.0.0.1:8083", func(api *apimon.Middleware, metrics http.Handler) http.Handler {
		return echoRouter(api, echoQuotes(metrics))
	}},
}

func main() {
	once := flag.Bool("once", false, "run a few seconds of traffic, print what was counted and exit")
	length := flag.Duration("for", 3*time.Second, "with -once: how long the traffic lasts")
	flag.Parse()
	gin.SetMode(gin.ReleaseMode) // or it prints its routes

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	if *once {
		time.AfterFunc(*length, stop)
	}
	err := run(ctx, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "routers:", err)
		os.Exit(1)
	}
}

// run serves the three until ctx is done or one of them fails, and prints what
// each has counted.
func run(ctx context.Context, out io.Writer) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var (
		running  sync.WaitGroup
		monitors = make([]*monitor.Monitor, len(services))
		errs     = make([]error, len(services))
	)
	to := log.New(out, "", 0)
	for i, s := range services {
		running.Go(func() {
			defer stop()
			monitors[i], errs[i] = s.run(ctx, to)
		})
	}
	running.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for i, s := range services {
		if err := summary(out, s.name, monitors[i]); err != nil {
			return err
		}
	}
	return nil
}

// run serves one of the three until ctx is done.
func (s service) run(ctx context.Context, to *log.Logger) (*monitor.Monitor, error) {
	m, err := monitor.New(monitor.WithService("quotes-"+s.name, "v0.1.0"))
	if err != nil {
		return nil, err
	}
	api, err := apimon.New(m, apimon.WithSkip("/metrics"))
	if err != nil {
		return nil, err
	}
	ln, err := listen(ctx, s.addr)
	if err != nil {
		return nil, err
	}
	base := "http://" + ln.Addr().String()
	to.Printf("%-4s  %s/quotes/600519  %s/metrics", s.name, base, base)
	err = m.Run(ctx, server(ln, s.router(api, m.Handler())), traffic(base))
	return m, err
}
