package otelbridge_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/otelbridge"
)

// BenchmarkProduce produces 10,000 series: as many counters, or histograms of
// 12 bounds, which are 150,000 samples. Gather is what the registry takes of it.
func BenchmarkProduce(b *testing.B) {
	const series = 10_000
	for _, bench := range []struct {
		name string
		fill func(testing.TB, *monitor.Monitor)
		opts []monitor.Option
	}{
		{"counters", func(tb testing.TB, m *monitor.Monitor) { fillCounters(tb, m, series) }, nil},
		{"histograms", func(tb testing.TB, m *monitor.Monitor) { fillHistograms(tb, m, series) }, nil},
		{
			"native", func(tb testing.TB, m *monitor.Monitor) { fillHistograms(tb, m, series) },
			[]monitor.Option{monitor.WithNativeHistograms(1.1)},
		},
	} {
		b.Run(bench.name, func(b *testing.B) {
			m := newMonitor(b, append(bench.opts, monitor.WithLabelLimit(series+1))...)
			bench.fill(b, m)
			p, err := otelbridge.New(m)
			require.NoError(b, err)
			b.Run("Produce", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					_, err := p.Produce(b.Context())
					require.NoError(b, err)
				}
			})
			b.Run("Gather", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					_, err := m.Gatherer().Gather()
					require.NoError(b, err)
				}
			})
		})
	}
}

func newMonitor(tb testing.TB, opts ...monitor.Option) *monitor.Monitor {
	tb.Helper()
	m, err := monitor.New(opts...)
	require.NoError(tb, err)
	return m
}

func fillCounters(tb testing.TB, m *monitor.Monitor, n int) {
	tb.Helper()
	g, err := m.Instruments().Counters(catalog.APIPanics)
	require.NoError(tb, err)
	for i := range n {
		g.Cell("/route/"+strconv.Itoa(i)).Add(&instrument.Home{}, 0, uint64(i))
	}
}

func fillHistograms(tb testing.TB, m *monitor.Monitor, n int) {
	tb.Helper()
	g := m.Instruments().NewGroup(catalog.APIRequestDuration.Name, instrument.Spec{
		Labels:     catalog.APIRequestDuration.Labels,
		Histograms: []instrument.HistogramSpec{{Bounds: catalog.APIRequestDuration.Buckets, Scale: 1e-9}},
	})
	require.NoError(tb, m.Instruments().Histogram(catalog.APIRequestDuration, g, 0))
	for i := range n {
		c := g.Cell("GET", "/route/"+strconv.Itoa(i), "200")
		for j := range 5 {
			c.Observe(&instrument.Home{}, 0, int64(j*j)*int64(7*time.Millisecond))
		}
	}
}
