package otelbridge_test

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/otelbridge"
)

const (
	scopeName   = "github.com/chronoretrace/chronomon"
	foreignName = "github.com/chronoretrace/chronomon/monitor/otelbridge"
	traceHex    = "0af7651916cd43dd8448eb211c80319c"
)

var traceID = []byte{0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd, 0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31, 0x9c}

// now is what the clock of every monitor here says.
var now = time.Date(2026, time.March, 2, 9, 30, 0, 0, time.UTC)

// setup returns a monitor that has counted a little of everything: requests
// with sizes, requests in flight, queries, a pool, and collectors of the host's.
func setup(t testing.TB, opts ...monitor.Option) *monitor.Monitor {
	t.Helper()
	m := newMonitor(t, append([]monitor.Option{
		monitor.WithClock(func() time.Time { return now }), monitor.WithService("quotes", "v1.4.0"),
	}, opts...)...)
	countRequests(t, m.Instruments())
	countQueries(t, m.Instruments())

	jobs := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "host_jobs_total", Help: "Jobs."}, []string{"queue"})
	jobs.WithLabelValues("mail").Add(2.5)
	depth := prometheus.NewGauge(prometheus.GaugeOpts{Name: "host_depth", Help: "Depth."})
	depth.Set(-4)
	lag := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "host_lag_seconds", Help: "Lag.", Buckets: []float64{-1, 0, 1}})
	for _, v := range []float64{-3, -.5, .25, 8} {
		lag.Observe(v)
	}
	m.Registerer().MustRegister(jobs, depth, lag)
	return m
}

func countRequests(t testing.TB, set *instrument.Set) {
	t.Helper()
	g := set.NewGroup(catalog.APIRequestTotal.Name, instrument.Spec{
		Labels: catalog.APIRequestDuration.Labels,
		Histograms: []instrument.HistogramSpec{
			{Bounds: catalog.APIRequestDuration.Buckets, Scale: 1e-9},
			{Bounds: catalog.APIRequestSize.Buckets, Scale: 1},
		},
	})
	require.NoError(t, set.Histogram(catalog.APIRequestDuration, g, 0))
	require.NoError(t, set.Histogram(catalog.APIRequestSize, g, 1))
	require.NoError(t, set.Count(catalog.APIRequestTotal, g, []int{0}, nil))
	require.NoError(t, set.Func(catalog.APIConcurrentRequests, func(labels instrument.LabelMaker) instrument.Func {
		quotes, news := labels("/quotes/{symbol}"), labels("/news")
		return func(yield instrument.Yield) { yield(quotes, 3); yield(news, 0) }
	}))
	for _, r := range []struct {
		method, endpoint, status string
		took                     time.Duration
		size                     int64
	}{
		{"GET", "/quotes/{symbol}", "200", 4 * time.Millisecond, 0},
		{"GET", "/quotes/{symbol}", "200", 5 * time.Millisecond, 0}, // on a bound
		{"GET", "/quotes/{symbol}", "200", 80 * time.Millisecond, 0},
		{"GET", "/quotes/{symbol}", "503", 3 * time.Second, 0},
		{"POST", "/orders", "201", 45 * time.Second, 70_000}, // past the last bound
		{"_OTHER", "unmatched", "404", 200 * time.Microsecond, 12},
	} {
		c := g.Cell(r.method, r.endpoint, r.status)
		c.Observe(&instrument.Home{}, 0, int64(r.took))
		c.Observe(&instrument.Home{}, 1, r.size)
		if r.took >= time.Second {
			c.Exemplar(0, int64(r.took), traceHex, now.Add(-time.Minute))
		}
	}
}

func countQueries(t testing.TB, set *instrument.Set) {
	t.Helper()
	g := set.NewGroup(catalog.DBQueryDuration.Name, instrument.Spec{
		Labels:     catalog.DBQueryDuration.Labels,
		Histograms: []instrument.HistogramSpec{{Bounds: catalog.DBQueryDuration.Buckets, Scale: 1e-9}},
	})
	require.NoError(t, set.Histogram(catalog.DBQueryDuration, g, 0))
	g.Cell("select", "daily_bars").Observe(&instrument.Home{}, 0, int64(700*time.Microsecond))
	require.NoError(t, set.Func(catalog.DBConnectionPoolUsage, func(labels instrument.LabelMaker) instrument.Func {
		l := labels("main")
		return func(yield instrument.Yield) { yield(l, .375) }
	}))
	logins, err := set.Counters(catalog.UserLogins)
	require.NoError(t, err)
	logins.Cell().Add(&instrument.Home{}, 0, 1<<53)
}

// newProducer returns a producer of the monitor.
func newProducer(t testing.TB, m *monitor.Monitor, opts ...otelbridge.Option) *otelbridge.Producer {
	t.Helper()
	p, err := otelbridge.New(m, opts...)
	require.NoError(t, err)
	return p
}

// collect reads the monitor through a reader of the OpenTelemetry SDK.
func collect(t testing.TB, m *monitor.Monitor, opts ...otelbridge.Option) []metricdata.ScopeMetrics {
	t.Helper()
	reader := sdkmetric.NewManualReader(sdkmetric.WithProducer(newProducer(t, m, opts...)))
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	t.Cleanup(func() { require.NoError(t, provider.Shutdown(t.Context())) })
	var rm metricdata.ResourceMetrics
	require.NoError(t, reader.Collect(t.Context(), &rm))
	return rm.ScopeMetrics
}

// find returns the metric of that name, failing unless there is exactly one.
func find(t testing.TB, scopes []metricdata.ScopeMetrics, name string) metricdata.Metrics {
	t.Helper()
	var found []metricdata.Metrics
	for _, s := range scopes {
		for _, m := range s.Metrics {
			if m.Name == name {
				found = append(found, m)
			}
		}
	}
	require.Len(t, found, 1, name)
	return found[0]
}

func names(scopes []metricdata.ScopeMetrics) (out []string) {
	for _, s := range scopes {
		for _, m := range s.Metrics {
			out = append(out, m.Name)
		}
	}
	return out
}

func set(kv ...attribute.KeyValue) attribute.Set { return attribute.NewSet(kv...) }
