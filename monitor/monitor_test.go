package monitor_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chronoretrace/chronomon/monitor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// samples returns the monitor's metrics as `name{a="1",b="2"}` with labels in
// order of their names.
func samples(t *testing.T, m *monitor.Monitor) map[string]float64 {
	t.Helper()
	families, err := m.Gatherer().Gather()
	require.NoError(t, err)
	out := map[string]float64{}
	for _, f := range families {
		for _, metric := range f.GetMetric() {
			l := monitor.Labels{monitor.MetricName: f.GetName()}
			for _, p := range metric.GetLabel() {
				l[p.GetName()] = p.GetValue()
			}
			switch f.GetType() {
			case dto.MetricType_COUNTER:
				out[l.String()] = metric.GetCounter().GetValue()
			default:
				out[l.String()] = metric.GetGauge().GetValue()
			}
		}
	}
	return out
}

func value(t *testing.T, m *monitor.Monitor, series string) float64 {
	t.Helper()
	all := samples(t, m)
	v, ok := all[series]
	require.True(t, ok, "no series %s in %v", series, all)
	return v
}

func sum(t *testing.T, m *monitor.Monitor, name string) (total float64) {
	t.Helper()
	for series, v := range samples(t, m) {
		if strings.HasPrefix(series, name+"{") {
			total += v
		}
	}
	return total
}

func scrape(t *testing.T, m *monitor.Monitor, header http.Header) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody)
	r.Header = header
	m.Handler().ServeHTTP(w, r)
	return w
}

func TestTwoMonitorsOnOneRegistryShareInstruments(t *testing.T) {
	t.Parallel()
	for name, wrap := range map[string]func(prometheus.Registerer) prometheus.Registerer{
		"plain": func(r prometheus.Registerer) prometheus.Registerer { return r },
		"wrapped": func(r prometheus.Registerer) prometheus.Registerer {
			return prometheus.WrapRegistererWithPrefix("x_", r)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := prometheus.NewRegistry()
			a := plain(t, monitor.WithRegisterer(wrap(reg)))
			b := plain(t, monitor.WithRegisterer(wrap(reg)), monitor.WithProfiles(monitor.ProfileChronoRetrace))
			a.Mark(t.Context(), monitor.MarkDeploy, "one")
			b.Mark(t.Context(), monitor.MarkDeploy, "two")
			families, err := reg.Gather()
			require.NoError(t, err)
			got := map[string]float64{}
			for _, f := range families {
				if strings.Contains(f.GetName(), "deployment") {
					got[strings.TrimPrefix(f.GetName(), "x_")] = f.GetMetric()[0].GetCounter().GetValue()
				}
			}
			require.Equal(t, map[string]float64{"deployment_total": 2, "chronoretrace_deployment_total": 2}, got)
		})
	}
}

// wrongCollector fails, or panics, whenever it is asked.
type wrongCollector struct{ panics bool }

func (c wrongCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- prometheus.NewDesc("wrong", "wrong", nil, nil)
}

func (c wrongCollector) Collect(ch chan<- prometheus.Metric) {
	if c.panics {
		panic("boom")
	}
	ch <- prometheus.NewInvalidMetric(prometheus.NewDesc("wrong", "wrong", nil, nil), errors.New("out of order"))
}

func TestHandlerServesTheRestOfAFailedScrape(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]wrongCollector{"error": {}, "panic": {panics: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := plain(t)
			good := prometheus.NewGauge(prometheus.GaugeOpts{Name: "host_gauge", Help: "the host's"})
			m.Registerer().MustRegister(good, c)
			good.Set(4.5)
			w := scrape(t, m, nil)
			require.Equal(t, http.StatusOK, w.Code)
			require.Contains(t, w.Body.String(), "host_gauge 4.5\n")
			require.Contains(t, w.Body.String(), "monitor_info{")
			require.Contains(t, scrape(t, m, nil).Body.String(), "monitor_scrape_errors_total 2\n")
		})
	}
}

func TestRegistererRefusesTheSDKsNames(t *testing.T) {
	t.Parallel()
	m := plain(t)
	err := m.Registerer().Register(prometheus.NewGauge(prometheus.GaugeOpts{Name: "monitor_scrape_errors_total", Help: "the host's"}))
	require.ErrorContains(t, err, "monitor_scrape_errors_total")
	mine := prometheus.NewGauge(prometheus.GaugeOpts{Name: "mine", Help: "mine"})
	require.NoError(t, m.Registerer().Register(mine))
	require.Error(t, m.Registerer().Register(mine))
	require.True(t, m.Registerer().Unregister(mine))
	require.False(t, m.Registerer().Unregister(mine))
	require.NotContains(t, scrape(t, m, nil).Body.String(), "mine")
	require.Panics(t, func() { m.Registerer().MustRegister(mine, mine) })
}

func TestHandlerServesTheHostsRegistry(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	reg.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "host_gauge", Help: "the host's"}))
	m := plain(t, monitor.WithRegisterer(reg))
	for accept, ends := range map[string]string{"": "", "application/openmetrics-text; version=1.0.0": "# EOF\n"} {
		body := scrape(t, m, http.Header{"Accept": {accept}}).Body.String()
		require.Contains(t, body, "host_gauge 0")
		require.Contains(t, body, "monitor_info{")
		require.True(t, strings.HasSuffix(body, ends))
	}
	only := plain(t, monitor.WithRegisterer(prometheus.WrapRegistererWithPrefix("x_", reg)))
	require.Nil(t, only.Gatherer())
	body := scrape(t, only, nil).Body.String()
	require.Contains(t, body, "monitor_info{")
	require.NotContains(t, body, "host_gauge")
}

func TestDisabledMonitorDoesNothing(t *testing.T) {
	for _, name := range []string{"option", "environment"} {
		t.Run(name, func(t *testing.T) {
			opts := []monitor.Option{quiet, monitor.WithSink("s", discard), monitor.WithRuntimeMetrics()}
			if name == "option" {
				opts = append(opts, monitor.WithDisabled())
			} else {
				t.Setenv("MONITOR", "off")
			}
			reg := prometheus.NewRegistry()
			m, err := monitor.New(append(opts, monitor.WithRegisterer(reg))...)
			require.NoError(t, err)
			require.True(t, m.Off())
			require.False(t, m.Enabled(monitor.KindRequest))
			m.Mark(t.Context(), monitor.MarkDeploy, "x")
			require.Empty(t, m.Marks())
			require.Empty(t, m.Pseudonym("user"))
			require.Empty(t, scrape(t, m, nil).Body.String())
			families, err := reg.Gather()
			require.NoError(t, err)
			require.Empty(t, families)
			ctx := monitor.ContextWithCaller(t.Context(), monitor.CallerName("r"))
			m.Depends(ctx, "table", "stocks")
			require.Empty(t, m.Edges())
			ran := false
			err = m.Run(t.Context(), monitor.RunnerFunc(func(context.Context) error { ran = true; return io.EOF }))
			require.ErrorIs(t, err, io.EOF)
			require.True(t, ran, "engines of the host still run")
		})
	}
}

func TestMarks(t *testing.T) {
	t.Parallel()
	m := plain(t, monitor.WithService("quotes", "v1.4.0"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, m.Run(ctx))
	marks := m.Marks()
	require.Len(t, marks, 1, "the start of the build is marked")
	require.Equal(t, monitor.MarkDeploy, marks[0].Kind)
	require.Contains(t, marks[0].Text, "quotes v1.4.0")
	for range 300 {
		m.Mark(t.Context(), monitor.MarkConfig, "threshold")
	}
	require.Len(t, m.Marks(), 256)
	require.InDelta(t, 300, value(t, m, `change_markers_total{kind="config"}`), 0)
	require.InDelta(t, 1, value(t, m, `change_markers_total{kind="deploy"}`), 0)
}

func TestEdgesAreBounded(t *testing.T) {
	t.Parallel()
	m := plain(t, monitor.WithEdgeLimit(2))
	m.Depends(t.Context(), "table", "nobody")
	ctx := monitor.ContextWithCaller(t.Context(), monitor.CallerName("/stocks/{symbol}"))
	require.Equal(t, "/stocks/{symbol}", monitor.CallerFrom(ctx).CallerName())
	for range 3 {
		m.Depends(ctx, "table", "stocks")
	}
	m.Depends(ctx, "cache", "quotes")
	m.Depends(ctx, "source", "akshare")
	edges := m.Edges()
	require.Len(t, edges, 2)
	require.Equal(t, "cache", edges[0].Kind)
	require.Equal(t, "stocks", edges[1].Name)
	require.Equal(t, uint64(3), edges[1].Count)
	require.False(t, edges[1].Last.IsZero())
	require.InDelta(t, 1, value(t, m, "monitor_edge_overflow_total"), 0)
}

func TestPseudonyms(t *testing.T) {
	t.Parallel()
	key := []byte("0123456789abcdef")
	a, b, other := plain(t, monitor.WithPseudonymKey(key)), plain(t, monitor.WithPseudonymKey(key)), plain(t)
	require.Equal(t, a.Pseudonym("42"), b.Pseudonym("42"), "the same across replicas with one key")
	require.NotEqual(t, a.Pseudonym("42"), other.Pseudonym("42"))
	require.NotEqual(t, a.Pseudonym("42"), a.Pseudonym("43"))
	require.True(t, a.StablePseudonyms())
	require.False(t, other.StablePseudonyms())
	require.Len(t, a.Pseudonym("42"), 16)
	require.Empty(t, a.Pseudonym(""))
	require.NotContains(t, a.Pseudonym("42"), "42")

	require.Equal(t, "203.0.113.0/24", monitor.TruncateIP(netip.MustParseAddr("203.0.113.77")).String())
	require.Equal(t, "203.0.113.0/24", monitor.TruncateIP(netip.MustParseAddr("::ffff:203.0.113.77")).String())
	require.Equal(t, "2001:db8:1::/48", monitor.TruncateIP(netip.MustParseAddr("2001:db8:1:2:3::4%eth0")).String())
	require.False(t, monitor.TruncateIP(netip.Addr{}).IsValid())
}

// state is a Snapshotter.
type state string

func (s state) SnapshotName() string                      { return string(s) }
func (s state) Snapshot(context.Context, io.Writer) error { return nil }
func (s state) Restore(context.Context, io.Reader) error  { return nil }

func TestSnapshotters(t *testing.T) {
	t.Parallel()
	m := plain(t)
	for _, n := range []state{"silences", "alerts", "history"} {
		require.NoError(t, m.AddSnapshotter(n))
	}
	require.ErrorContains(t, m.AddSnapshotter(state("alerts")), `"alerts": the name is taken`)
	var names []string
	for _, s := range m.Snapshotters() {
		names = append(names, s.SnapshotName())
	}
	require.Equal(t, []string{"alerts", "history", "silences"}, names)
}

func TestLabelsString(t *testing.T) {
	t.Parallel()
	require.Equal(t, "{}", monitor.Labels{}.String())
	require.Equal(t, "up", monitor.Labels{monitor.MetricName: "up"}.String())
	require.Equal(t, `up{a="1",b="\"2\""}`, monitor.Labels{monitor.MetricName: "up", "b": `"2"`, "a": "1"}.String())
	require.Equal(t, `{a="1"}`, monitor.Labels{"a": "1"}.String())
}

func TestKindsHaveNames(t *testing.T) {
	t.Parallel()
	var names []string
	for _, k := range monitor.Kinds() {
		require.NotContains(t, k.String(), "kind(")
		names = append(names, k.String())
	}
	slices.Sort(names)
	require.Len(t, slices.Compact(names), len(monitor.Kinds()))
	require.Equal(t, "kind(0)", monitor.Kind(0).String())
}

// The switch turns the SDK off, not what the host measures itself.
func TestDisabledMonitorServesTheHostsCollectors(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	for name, opts := range map[string][]monitor.Option{"private": nil, "host's": {monitor.WithRegisterer(reg)}} {
		m := plain(t, append(opts, monitor.WithDisabled())...)
		m.Registerer().MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "host_gauge", Help: "the host's"}))
		require.Equal(t, "# HELP host_gauge the host's\n# TYPE host_gauge gauge\nhost_gauge 0\n", scrape(t, m, nil).Body.String(), name)
	}
	families, err := reg.Gather()
	require.NoError(t, err)
	require.Len(t, families, 1)
}

func TestSwitchUnderstandsMoreThanOff(t *testing.T) {
	for v, off := range map[string]bool{"off": true, "OFF": true, "0": true, "False": true, "on": false, "1": false, "": false, "maybe": false} {
		t.Setenv("MONITOR", v)
		require.Equal(t, off, plain(t).Off(), "%q", v)
	}
}
