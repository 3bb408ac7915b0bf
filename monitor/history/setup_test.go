package history_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/history"
)

// TestMain is also the process that TestKilled kills.
func TestMain(m *testing.M) {
	if dir := os.Getenv(crashEnv); dir != "" {
		if err := measureUntilKilled(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// start is when the tests' clocks begin.
var start = time.Unix(1_700_000_000, 0).UTC()

// rig is a history and the registry it collects.
type rig struct {
	m  *monitor.Monitor
	db *history.DB
}

func setup(t testing.TB, opts ...history.Option) rig {
	t.Helper()
	m, err := monitor.New(monitor.WithLogger(slog.New(slog.DiscardHandler)))
	require.NoError(t, err)
	db, err := history.New(m, opts...)
	require.NoError(t, err)
	return rig{m, db}
}

// sample collects once.
func (r rig) sample(t testing.TB, at time.Time) {
	t.Helper()
	require.NoError(t, r.db.Sample(t.Context(), at))
}

// query returns the value of each series of an instant query.
func (r rig) query(t testing.TB, promql string, at time.Time) map[string]float64 {
	t.Helper()
	samples, err := r.db.Query(t.Context(), promql, at)
	require.NoError(t, err, promql)
	out := map[string]float64{}
	for _, s := range samples {
		out[s.Labels.String()] = s.Value
	}
	return out
}

// one returns the value of the only series of an instant query.
func (r rig) one(t testing.TB, promql string, at time.Time) float64 {
	t.Helper()
	all := r.query(t, promql, at)
	require.Len(t, all, 1, promql)
	for _, v := range all {
		return v
	}
	return 0
}

// gauge registers a gauge of the host's.
func (r rig) gauge(t testing.TB, name string, labels ...string) *prometheus.GaugeVec {
	t.Helper()
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: name}, labels)
	require.NoError(t, r.m.Registerer().Register(g))
	return g
}

// traffic is n endpoints of 20 series each, like the design's: a histogram (14
// series) with its request counter, three gauges and two counters.
type traffic struct {
	cells []*instrument.Cell
	rng   *rand.Rand
	home  instrument.Home

	mu     sync.RWMutex
	gauges [3][]float64 // guarded by mu
}

const perEndpoint = 20

// newTraffic shows the endpoints in the monitor's registry.
func newTraffic(t testing.TB, m *monitor.Monitor, endpoints int) *traffic {
	t.Helper()
	tr := &traffic{rng: rand.New(rand.NewPCG(1, 2))}
	set := m.Instruments()
	bounds := []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	g := set.NewGroup("t_requests_total", instrument.Spec{
		Labels: []string{"endpoint"}, Counters: 2,
		Histograms: []instrument.HistogramSpec{{Bounds: bounds, Scale: 1e-9}},
	})
	metric := func(name string, typ catalog.Type) catalog.Metric {
		return catalog.Metric{Name: name, Type: typ, Help: name, Labels: []string{"endpoint"}, Buckets: bounds}
	}
	require.NoError(t, set.Histogram(metric("t_duration_seconds", catalog.Histogram), g, 0))
	require.NoError(t, set.Count(metric("t_requests_total", catalog.Counter), g, []int{0}, nil))
	require.NoError(t, set.Count(metric("t_errors_total", catalog.Counter), g, nil, []int{0}))
	require.NoError(t, set.Count(metric("t_slow_total", catalog.Counter), g, nil, []int{1}))
	for i := range tr.gauges {
		tr.gauges[i] = make([]float64, endpoints)
		require.NoError(t, set.Func(metric(fmt.Sprintf("t_gauge_%d", i), catalog.Gauge), func(labels instrument.LabelMaker) instrument.Func {
			all := make([]*instrument.Labels, endpoints)
			for j := range all {
				all[j] = labels(endpoint(j))
			}
			return func(yield instrument.Yield) {
				tr.mu.RLock()
				defer tr.mu.RUnlock()
				for j, l := range all {
					yield(l, tr.gauges[i][j])
				}
			}
		}))
	}
	for i := range endpoints {
		tr.cells = append(tr.cells, g.Cell(endpoint(i)))
	}
	tr.step()
	return tr
}

func endpoint(i int) string { return fmt.Sprintf("/api/v1/stocks/%04d/{symbol}", i) }

// step is a second's worth of requests.
func (tr *traffic) step() {
	tr.mu.Lock()
	for i := range tr.gauges {
		for j := range tr.gauges[i] {
			tr.gauges[i][j] += float64(tr.rng.IntN(5)) - 2
		}
	}
	tr.mu.Unlock()
	for i, c := range tr.cells {
		for range 1 + i%10 {
			d := time.Duration(tr.rng.ExpFloat64() * float64(80*time.Millisecond))
			c.Observe(&tr.home, 0, int64(d))
			if tr.rng.IntN(100) == 0 {
				c.Add(&tr.home, 0, 1)
			}
			if d > 300*time.Millisecond {
				c.Add(&tr.home, 1, 1)
			}
		}
	}
}

// shownSet is a gauge of the SDK's whose series come and go.
type shownSet struct{ now map[string]bool }

func newShownSet(t testing.TB, m *monitor.Monitor, name string) *shownSet {
	t.Helper()
	s := &shownSet{}
	metric := catalog.Metric{Name: name, Type: catalog.Gauge, Help: name, Labels: []string{"endpoint"}}
	require.NoError(t, m.Instruments().Func(metric, func(labels instrument.LabelMaker) instrument.Func {
		return func(yield instrument.Yield) {
			for l := range s.now {
				yield(labels(l), 1) // other pointers every time
			}
		}
	}))
	return s
}

func (s *shownSet) set(letters string) {
	s.now = map[string]bool{}
	for _, l := range letters {
		s.now[string(l)] = true
	}
}
