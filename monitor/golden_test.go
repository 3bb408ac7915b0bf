package monitor_test

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/internal/testenv"
	"github.com/chronoretrace/chronomon/monitor"
)

var update = flag.Bool("update", false, "rewrite the golden expositions")

// wholeCatalogue returns a monitor that shows one series of every catalogue
// metric, whichever package emits it.
func wholeCatalogue(t *testing.T, opts ...monitor.Option) *monitor.Monitor {
	t.Helper()
	m := plain(t, append([]monitor.Option{monitor.WithService("quotes", "v1.4.0")}, opts...)...)
	set := m.Instruments()
	var home instrument.Home
	for _, metric := range catalog.All() {
		if metric.Name == catalog.MonitorInfo.Name {
			continue // shown already; depends on the toolchain
		}
		values := make([]string, len(metric.Labels))
		for i, l := range metric.Labels {
			values[i] = "a " + l
		}
		switch metric.Type {
		case catalog.Counter:
			g, err := set.Counters(metric)
			require.NoError(t, err)
			g.Cell(values...).Add(&home, 0, 3)
		case catalog.Gauge:
			require.NoError(t, set.Func(metric, func(labels instrument.LabelMaker) instrument.Func {
				l := labels(values...)
				return func(yield instrument.Yield) { yield(l, 0.5) }
			}))
		case catalog.Histogram:
			g := set.NewGroup(metric.Name, instrument.Spec{
				Labels:     metric.Labels,
				Histograms: []instrument.HistogramSpec{{Bounds: metric.Buckets, Scale: 1e-6}},
			})
			require.NoError(t, set.Histogram(metric, g, 0))
			g.Cell(values...).Observe(&home, 0, 1_500_000)
		}
	}
	return m
}

// exposition is the text the monitor serves, without monitor_info.
func exposition(t *testing.T, m *monitor.Monitor) string {
	t.Helper()
	var b strings.Builder
	for line := range strings.Lines(scrape(t, m, nil).Body.String()) {
		if !strings.HasPrefix(line, "monitor_info{") {
			b.WriteString(line)
		}
	}
	return b.String()
}

func TestGoldenExpositions(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]monitor.Option{
		"design":        nil,
		"chronoretrace": {monitor.WithProfiles(monitor.ProfileChronoRetrace)},
		"otel":          {monitor.WithProfiles(monitor.ProfileOTel)},
		"all":           {monitor.WithProfiles(catalog.Profiles()...)},
		"chinese":       {monitor.WithChineseHelp()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := exposition(t, wholeCatalogue(t, opts...))
			file := filepath.Join("testdata", name+".prom")
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, string(want), got, "a difference here is a change of the API; -update rewrites %s", file)
		})
	}
}

// exceptions are the gauges that Section 6.1 names like counters.
var exceptions = []string{
	`active_users_total non-counter metrics should not have "_total" suffix`,
	`websocket_connections_total non-counter metrics should not have "_total" suffix`,
}

// borrowed reports whether the complaint is about a name that others gave: the
// exporters under whose names the host's facts go, the semantic conventions.
func borrowed(complaint string) bool {
	for _, prefix := range []string{"node_", "pg_", "redis_", "probe_", "db_client_connection_count "} {
		if strings.HasPrefix(complaint, prefix) {
			return true
		}
	}
	return false
}

func TestPromtoolChecksMetrics(t *testing.T) {
	t.Parallel()
	promtool := testenv.Promtool(t)
	for name, opts := range map[string][]monitor.Option{
		"design": nil,
		"all":    {monitor.WithProfiles(catalog.Profiles()...)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), promtool, "check", "metrics")
			cmd.Stdin = strings.NewReader(scrape(t, wholeCatalogue(t, opts...), nil).Body.String())
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			_ = cmd.Run() // it exits 3 because of the exceptions
			var rest []string
			for line := range strings.Lines(out.String()) {
				line = strings.TrimPrefix(strings.TrimSpace(line), "chronoretrace_")
				if line != "" && !slices.Contains(exceptions, line) && !borrowed(line) {
					rest = append(rest, line)
				}
			}
			require.Empty(t, rest)
			require.Contains(t, out.String(), exceptions[0], "promtool did look")
		})
	}
}
