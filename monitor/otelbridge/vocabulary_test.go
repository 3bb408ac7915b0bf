package otelbridge_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/otelbridge"
)

func TestMetricOfSeveralProfilesIsProducedOnce(t *testing.T) {
	t.Parallel()
	otherProfiles := func(name string) bool {
		m, ok := catalog.Lookup(name)
		return ok && m.Name != name
	}
	all := setup(t, monitor.WithProfiles(monitor.ProfileOTel, monitor.ProfileDesign, monitor.ProfileChronoRetrace))
	families, err := all.Gatherer().Gather()
	require.NoError(t, err)
	require.Greater(t, len(families), len(names(collect(t, all))))
	require.Equal(t, gathered(t, all, otherProfiles, nil), produced(t, collect(t, all)))
	require.Equal(t, gathered(t, all, otherProfiles, semConv), produced(t, collect(t, all, otelbridge.WithSemanticConventions())))

	// The profile of the exposition does not show.
	want := produced(t, collect(t, setup(t)))
	for _, p := range catalog.Profiles() {
		require.Equal(t, want, produced(t, collect(t, setup(t, monitor.WithProfiles(p)))), p)
	}
	chinese := setup(t, monitor.WithProfiles(monitor.ProfileChronoRetrace), monitor.WithChineseHelp())
	require.Equal(t, want, produced(t, collect(t, chinese)))
	require.Equal(t, catalog.APIRequestTotal.HelpZH, find(t, collect(t, chinese), "api_request_total").Description)
}

// Every metric that the SDK has, or will have, is named as the catalogue says.
func TestWholeCatalogue(t *testing.T) {
	t.Parallel()
	m := newMonitor(t, monitor.WithProfiles(catalog.Profiles()...))
	for _, c := range catalog.All() {
		show(t, m.Instruments(), c)
	}
	for _, mode := range []struct {
		opt    otelbridge.Option
		naming func(catalog.Metric) catalog.Naming
	}{
		{otelbridge.WithDesignNames(), func(c catalog.Metric) catalog.Naming { return catalog.Naming{Name: c.Name, Labels: c.Labels} }},
		{otelbridge.WithSemanticConventions(), func(c catalog.Metric) catalog.Naming {
			if n, ok := c.SemConv(); ok {
				return n
			}
			return catalog.Naming{Name: c.Name, Labels: c.Labels}
		}},
	} {
		scopes := collect(t, m, mode.opt)
		require.Len(t, scopes, 1)
		require.Len(t, scopes[0].Metrics, len(catalog.All()))
		for _, c := range catalog.All() {
			n := mode.naming(c)
			got := find(t, scopes, n.Name)
			require.Equal(t, c.Unit, got.Unit, c.Name)
			require.Equal(t, c.Help, got.Description, c.Name)
			require.Subset(t, keys(got.Data), n.Labels, c.Name)
			require.Len(t, keys(got.Data), len(n.Labels), c.Name)
		}
	}
}

// show makes a series of the metric.
func show(t *testing.T, set *instrument.Set, m catalog.Metric) {
	t.Helper()
	values := make([]string, len(m.Labels))
	for i := range values {
		values[i] = "1"
	}
	switch m.Type {
	case catalog.Counter:
		g, err := set.Counters(m)
		require.NoError(t, err)
		g.Cell(values...)
	case catalog.Gauge:
		require.NoError(t, set.Func(m, func(labels instrument.LabelMaker) instrument.Func {
			l := labels(values...)
			return func(yield instrument.Yield) { yield(l, 1) }
		}))
	case catalog.Histogram:
		g := set.NewGroup(m.Name, instrument.Spec{
			Labels: m.Labels, Histograms: []instrument.HistogramSpec{{Bounds: m.Buckets, Scale: 1}},
		})
		require.NoError(t, set.Histogram(m, g, 0))
		g.Cell(values...).Observe(&instrument.Home{}, 0, 1)
	}
}

// keys are the attribute keys of a metric's first point.
func keys(data metricdata.Aggregation) (out []string) {
	var attrs attribute.Set
	switch d := data.(type) {
	case metricdata.Sum[float64]:
		attrs = d.DataPoints[0].Attributes
	case metricdata.Gauge[float64]:
		attrs = d.DataPoints[0].Attributes
	case metricdata.Histogram[float64]:
		attrs = d.DataPoints[0].Attributes
	}
	for _, kv := range attrs.ToSlice() {
		out = append(out, string(kv.Key))
	}
	return out
}

// A host's collector may have a name that another profile would give to a
// metric of the SDK, or the one of a metric that is shown under another name.
func TestForeignMetricWithANameOfTheCatalogue(t *testing.T) {
	t.Parallel()
	m := setup(t, monitor.WithProfiles(monitor.ProfileOTel))
	hosts := prometheus.NewCounterVec(
		prometheus.CounterOpts{Name: "http_requests_total", Help: "The host's."}, []string{"method", "endpoint", "status"})
	hosts.WithLabelValues("GET", "/", "200").Add(7)
	durations := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "api_request_duration_seconds", Help: "The host's.", Buckets: []float64{1},
	})
	m.Registerer().MustRegister(hosts, durations)

	scopes := collect(t, m)
	require.Contains(t, names(scopes[:1]), "api_request_total")
	require.Contains(t, names(scopes[:1]), "api_request_duration_seconds")
	require.Equal(t, 7.0, find(t, scopes, "http_requests_total").Data.(metricdata.Sum[float64]).DataPoints[0].Value)
	require.Equal(t, "The host's.", find(t, scopes[1:], "api_request_duration_seconds").Description)
}
