// Command full is the stock-quote service of quickstart with all of chronomon
// wired into one process. It needs Go and nothing else; PostgreSQL and Redis are
// used if they are named, in a schema and under keys of its own, chronomon_full:
//
//	go run ./examples/full
//	DATABASE_URL=postgres://… REDIS_URL=redis://… go run ./examples/full -data /tmp/full
//
// It prints what may be asked, and where. To begin with a backup, -restore, a
// process needs the PSEUDONYM_KEY of the one that made it: users are known by that.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
)

// settings is what there is to choose.
type settings struct {
	addr          string
	postgres      string // a URL; "" for none
	redis         string
	key           string // of pseudonyms; "" for a new one
	data, restore string // a directory, and a backup's file; "" for none
}

func main() {
	s := settings{postgres: os.Getenv("DATABASE_URL"), redis: os.Getenv("REDIS_URL"), key: os.Getenv("PSEUDONYM_KEY")}
	flag.StringVar(&s.addr, "addr", "127.0.0.1:8080", "address to serve on; a free port is taken if it is in use")
	flag.StringVar(&s.data, "data", "", "directory to keep the history in; without it, it is in memory")
	flag.StringVar(&s.restore, "restore", "", "file from /backup to begin with")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout, s)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "full:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, s settings) error {
	site, err := newSite(ctx, s)
	if err != nil {
		return err
	}
	defer site.close()
	ln, err := listen(ctx, s.addr)
	if err != nil {
		return err
	}
	base := "http://" + ln.Addr().String()
	if err := site.announce(out, base); err != nil {
		return errors.Join(err, ln.Close())
	}
	srv := &http.Server{Handler: site.handler(base), ReadHeaderTimeout: 5 * time.Second}
	return site.m.Run(ctx, append(site.engines, monitor.Server(srv, ln), traffic(base))...)
}

// announce says what is left out, and what may be asked.
func (s *site) announce(w io.Writer, base string) error {
	var text strings.Builder
	for _, part := range s.missing {
		fmt.Fprintln(&text, part)
	}
	tw := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, e := range s.endpoints() {
		fmt.Fprintf(tw, "%s\t%s%s\t%s\n", e.method, base, e.example, e.what)
	}
	_ = tw.Flush() // into memory
	_, err := io.WriteString(w, text.String())
	return err
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
