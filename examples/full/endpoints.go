package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"text/tabwriter"
	"time"

	"github.com/chronoretrace/chronomon/bizmon"
	"github.com/chronoretrace/chronomon/monitor/pgstore"
)

// endpoint is what may be asked of the process.
type endpoint struct {
	method, path string
	example      string // a path to begin with
	what         string
	handler      http.Handler
}

// endpoints lists them; those of parts that are missing are left out.
func (s *site) endpoints() []endpoint {
	out := []endpoint{
		{"GET", "/api/v1/stocks/{symbol}", "/api/v1/stocks/600519", "the service: a quote", http.HandlerFunc(s.quote)},
		{"POST", "/api/v1/backtests", "/api/v1/backtests", "the service: a back-test", http.HandlerFunc(s.backtest)},
		{"GET", "/metrics", "/metrics", "all metrics, for Prometheus", s.m.Handler()},
		{"GET", "/prometheus/", "/prometheus/api/v1/query?query=archive_used_bytes", "the history, in PromQL, for Grafana and Prometheus's clients", http.StripPrefix("/prometheus", s.history.Handler())},
		{"GET", "/trend", "/trend?query=archive_used_bytes", "where a series is going, by the history", http.HandlerFunc(s.trend)},
		{"GET", "/capacity", "/capacity", "when the archive is full, by the history", http.HandlerFunc(s.capacity)},
		{"GET", "/stocks/hottest", "/stocks/hottest", "which stocks are asked for most", http.HandlerFunc(s.hottest)},
		{"GET", "/backup", "/backup", "everything that is known, in one file, for -restore", http.HandlerFunc(s.backup)},
	}
	if s.elector != nil {
		out = append(out, endpoint{"GET", "/leader", "/leader", "whether this process leads", http.HandlerFunc(s.leader)})
	}
	if s.store != nil {
		out = append(out, endpoint{"GET", "/plans", "/plans", "the plans that leaders kept in PostgreSQL", http.HandlerFunc(s.plans)})
	}
	return out
}

// handler serves the endpoints, measured, and a list of them.
func (s *site) handler(base string) http.Handler {
	mux := http.NewServeMux()
	for _, e := range s.endpoints() {
		mux.Handle(e.method+" "+e.path, e.handler)
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { _ = s.announce(w, base) })
	return s.api.Handler(mux)
}

func (s *site) quote(w http.ResponseWriter, r *http.Request) {
	symbol := r.PathValue("symbol")
	price, err := s.quotes.price(r.Context(), symbol)
	switch {
	case errors.Is(err, errUnknown):
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	case err != nil:
		http.Error(w, "no quote", http.StatusServiceUnavailable)
		return
	}
	s.biz.Stocks.Queried(symbol)
	s.biz.Users.Track(bizmon.Action{User: r.Header.Get("X-User"), Name: "quote"})
	reply(w, map[string]any{"symbol": symbol, "price": price})
}

func (s *site) backtest(w http.ResponseWriter, r *http.Request) {
	s.biz.Users.Track(bizmon.Action{User: r.Header.Get("X-User"), Name: "backtest"})
	if err := s.quotes.backtest(r.Context()); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

func (s *site) hottest(w http.ResponseWriter, _ *http.Request) { reply(w, s.biz.Stocks.Hottest(5)) }

// backup answers with a file that is whole.
func (s *site) backup(w http.ResponseWriter, r *http.Request) {
	f, err := os.CreateTemp("", "full-*.backup")
	if err == nil {
		defer func() { _ = errors.Join(f.Close(), os.Remove(f.Name())) }()
		_, err = s.m.Backup(r.Context(), f)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Disposition", `attachment; filename="full.backup"`)
	http.ServeContent(w, r, "", time.Time{}, f)
}

func (s *site) leader(w http.ResponseWriter, _ *http.Request) {
	epoch, leads := s.elector.Leader()
	reply(w, map[string]any{"holder": s.elector.Holder(), "leads": leads, "epoch": epoch})
}

func (s *site) plans(w http.ResponseWriter, r *http.Request) {
	plans, err := s.store.Plans(r.Context(), "", pgstore.Page{Limit: 20})
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, p := range plans {
		fmt.Fprintf(tw, "%s\t%s\t%s\tconfidence %.2f\t%s\n", p.CreatedAt.Format("2006-01-02 15:04:05"), p.Resource, p.Period, p.Confidence, p.Recommendations)
	}
	_ = tw.Flush()
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // a client that went away is counted, not answered
}
