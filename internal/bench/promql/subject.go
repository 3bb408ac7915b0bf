package main

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/history"
)

// A subject is endpoints of 20 series each, in the SDK's own instruments: a
// histogram, which is 14, three counters and three gauges.
type subject struct {
	m  *monitor.Monitor
	db *history.DB

	mu     sync.Mutex // held by a scrape and by a step
	cells  []*instrument.Cell
	home   instrument.Home
	rng    *rand.Rand
	gauges [3][]float64 // guarded by mu
}

const perEndpoint = 20

func newSubject(series int, opts ...history.Option) (*subject, error) {
	m, err := monitor.New(monitor.WithLogger(slog.New(slog.DiscardHandler)), monitor.WithLabelLimit(100_000), monitor.WithRuntimeMetrics())
	if err != nil {
		return nil, err
	}
	s := &subject{m: m, rng: rand.New(rand.NewPCG(1, 2))}
	if s.db, err = history.New(m, opts...); err != nil {
		return nil, err
	}
	if err := s.show(series / perEndpoint); err != nil {
		return nil, err
	}
	return s, nil
}

// show makes the instruments.
func (s *subject) show(endpoints int) error {
	set := s.m.Instruments()
	bounds := []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	metric := func(name string, typ catalog.Type) catalog.Metric {
		return catalog.Metric{Name: name, Type: typ, Help: name, Labels: []string{"endpoint"}, Buckets: bounds}
	}
	g := set.NewGroup("b_requests_total", instrument.Spec{
		Labels: []string{"endpoint"}, Counters: 2,
		Histograms: []instrument.HistogramSpec{{Bounds: bounds, Scale: 1e-9}},
	})
	if err := set.Histogram(metric("b_duration_seconds", catalog.Histogram), g, 0); err != nil {
		return err
	}
	for name, of := range map[string]struct{ count, sum []int }{
		"b_requests_total": {[]int{0}, nil}, "b_errors_total": {nil, []int{0}}, "b_slow_total": {nil, []int{1}},
	} {
		if err := set.Count(metric(name, catalog.Counter), g, of.count, of.sum); err != nil {
			return err
		}
	}
	for i := range s.gauges {
		s.gauges[i] = make([]float64, endpoints)
		err := set.Func(metric(fmt.Sprintf("b_gauge_%d", i), catalog.Gauge), func(labels instrument.LabelMaker) instrument.Func {
			all := make([]*instrument.Labels, endpoints)
			for j := range all {
				all[j] = labels(endpoint(j))
			}
			return func(yield instrument.Yield) {
				for j, l := range all {
					yield(l, s.gauges[i][j])
				}
			}
		})
		if err != nil {
			return err
		}
	}
	for i := range endpoints {
		s.cells = append(s.cells, g.Cell(endpoint(i)))
	}
	return nil
}

func endpoint(i int) string { return fmt.Sprintf("/api/v1/stocks/%04d/{symbol}", i) }

// step is some seconds' worth of requests. Every seventh endpoint is slow, and
// every fifth fails more often than others. mu is held.
func (s *subject) step() {
	for i := range s.gauges {
		for j := range s.gauges[i] {
			s.gauges[i][j] += float64(s.rng.IntN(5)) - 2
		}
	}
	for i, c := range s.cells {
		mean, errors := 80*time.Millisecond, 100
		if i%7 == 0 {
			mean = 400 * time.Millisecond
		}
		if i%5 == 0 {
			errors = 10
		}
		for range 5 + i%20 {
			d := time.Duration(s.rng.ExpFloat64() * float64(mean))
			c.Observe(&s.home, 0, int64(d))
			if s.rng.IntN(errors) == 0 {
				c.Add(&s.home, 0, 1)
			}
			if d > 300*time.Millisecond {
				c.Add(&s.home, 1, 1)
			}
		}
	}
}

// serve exposes the subject and returns the address to scrape.
func (s *subject) serve() (address string, stop func()) {
	handler := s.m.Handler()
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		handler.ServeHTTP(w, r)
	}))
	return strings.TrimPrefix(target.URL, "http://"), target.Close
}

// figure is one of the process's own metrics.
func (s *subject) figure(name string) (float64, error) {
	families, err := s.m.Gatherer().Gather()
	if err != nil {
		return 0, err
	}
	for _, f := range families {
		if f.GetName() == name {
			return total(f), nil
		}
	}
	return 0, fmt.Errorf("no %s", name)
}
