package main

import (
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"net/http"
	"time"
)

// quotes is the service: prices of a handful of stocks that wander about.
type quotes struct {
	names map[string]string
}

func newQuotes() *quotes {
	return &quotes{names: map[string]string{
		"600519": "贵州茅台", "601318": "中国平安", "600036": "招商银行", "000858": "五粮液", "300750": "宁德时代",
	}}
}

func (q *quotes) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/v1/stocks", q.list)
	mux.HandleFunc("GET /api/v1/stocks/{symbol}", q.quote)
	mux.HandleFunc("GET /api/v1/stocks/{symbol}/history", q.history)
	mux.HandleFunc("POST /api/v1/backtests", q.backtest)
}

func (q *quotes) list(w http.ResponseWriter, _ *http.Request) { reply(w, q.names) }

func (q *quotes) quote(w http.ResponseWriter, r *http.Request) {
	symbol := r.PathValue("symbol")
	if q.names[symbol] == "" {
		http.Error(w, "no such stock", http.StatusNotFound)
		return
	}
	reply(w, map[string]any{"symbol": symbol, "name": q.names[symbol], "price": price(symbol, time.Now())})
}

func (q *quotes) history(w http.ResponseWriter, r *http.Request) {
	pause(r.Context(), 20*time.Millisecond) // a query that takes its time
	symbol, now := r.PathValue("symbol"), time.Now()
	bars := make([]float64, 0, 60)
	for i := range cap(bars) {
		bars = append(bars, price(symbol, now.Add(-time.Duration(i)*time.Minute)))
	}
	reply(w, bars)
}

func (q *quotes) backtest(w http.ResponseWriter, r *http.Request) {
	pause(r.Context(), 120*time.Millisecond)
	if rand.Float64() < 0.1 {
		http.Error(w, "strategy failed", http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// price is a made-up price that moves with time.
func price(symbol string, at time.Time) float64 {
	var base float64
	for _, c := range symbol {
		base = base*1.3 + float64(c-'0')
	}
	t := float64(at.Unix())
	return math.Round(100*(20+base+math.Sin(t/300)+0.3*math.Sin(t/17))) / 100
}

// pause waits for about d, or until ctx is done.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(time.Duration(float64(d) * rand.ExpFloat64()))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // a client that went away is counted, not answered
}
