package host_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/host"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = monitor.WithLogger(slog.New(slog.DiscardHandler))

func setup(t testing.TB, opts ...host.Option) (*monitor.Monitor, *host.Host) {
	t.Helper()
	m, err := monitor.New(quiet)
	require.NoError(t, err)
	h, err := host.New(m, opts...)
	require.NoError(t, err)
	return m, h
}

// scrape returns the families of the text exposition by name.
func scrape(t testing.TB, m *monitor.Monitor) map[string]*dto.MetricFamily {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(w.Body)
	require.NoError(t, err)
	return families
}

// labels returns a series' labels.
func labels(m *dto.Metric) map[string]string {
	out := map[string]string{}
	for _, p := range m.GetLabel() {
		out[p.GetName()] = p.GetValue()
	}
	return out
}

// find returns the value of the series that has all the labels.
func find(t testing.TB, f *dto.MetricFamily, want map[string]string) (v float64, ok bool) {
	t.Helper()
next:
	for _, m := range f.GetMetric() {
		have := labels(m)
		for name, value := range want {
			if have[name] != value {
				continue next
			}
		}
		if m.Counter != nil {
			return m.GetCounter().GetValue(), true
		}
		return m.GetGauge().GetValue(), true
	}
	return 0, false
}
