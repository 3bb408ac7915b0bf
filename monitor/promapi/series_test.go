package promapi_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/promapi"
)

// testSeries loads a real server with series and lists them.
func testSeries(t *testing.T, s site, load func([]monitor.Series)) {
	t.Helper()
	load([]monitor.Series{
		recent(monitor.Labels{monitor.MetricName: "quotes_total", "exchange": "上交所", "le": "1"}, 1, 2),
		recent(monitor.Labels{monitor.MetricName: "quotes_total", "exchange": "SZSE"}, 1, 2),
		recent(monitor.Labels{monitor.MetricName: "other", "job": "x"}, 1),
	})
	ctx := t.Context()
	last := promapi.Window{From: time.Now().Add(-time.Hour), To: time.Now()}
	before := promapi.Window{From: time.Now().Add(-100 * time.Hour), To: time.Now().Add(-99 * time.Hour)}

	series, err := s.Series(ctx, last, `quotes_total`, `other{job="x"}`)
	require.NoError(t, err)
	require.ElementsMatch(t, []monitor.Labels{
		{monitor.MetricName: "quotes_total", "exchange": "上交所", "le": "1"},
		{monitor.MetricName: "quotes_total", "exchange": "SZSE"},
		{monitor.MetricName: "other", "job": "x"},
	}, series)
	series, err = s.Series(ctx, before, `quotes_total`)
	require.NoError(t, err)
	require.Empty(t, series)
	_, err = s.Series(ctx, last)
	require.ErrorIs(t, err, monitor.ErrQueryInvalid)
	_, err = s.Series(ctx, last, `quotes_total{`)
	require.ErrorIs(t, err, monitor.ErrQueryInvalid)
	require.ErrorContains(t, err, `quotes_total{`)

	names, err := s.LabelNames(ctx, promapi.Window{})
	require.NoError(t, err)
	require.Equal(t, []string{monitor.MetricName, "exchange", "job", "le"}, names)
	names, err = s.LabelNames(ctx, last, `other`)
	require.NoError(t, err)
	require.Equal(t, []string{monitor.MetricName, "job"}, names)

	values, err := s.LabelValues(ctx, "exchange", promapi.Window{})
	require.NoError(t, err)
	require.Equal(t, []string{"SZSE", "上交所"}, values)
	values, err = s.LabelValues(ctx, monitor.MetricName, last, `{exchange="SZSE"}`)
	require.NoError(t, err)
	require.Equal(t, []string{"quotes_total"}, values)
	values, err = s.LabelValues(ctx, "no_such", last)
	require.NoError(t, err)
	require.Empty(t, values)
	_, err = s.LabelValues(ctx, "", last)
	require.ErrorIs(t, err, monitor.ErrQueryInvalid)

	for call, n := range map[string]float64{"series": 4, "label_names": 2, "label_values": 4} {
		require.InDelta(t, n, s.count(t, `monitor_promapi_query_duration_seconds{call="`+call+`",server="test"}`), 0, call)
	}
}

// TestLabelNameInPath: a name that is not of the classic letters is escaped as
// Prometheus 3 reads it.
func TestLabelNameInPath(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{
		"job": "/api/v1/label/job/values",
		"a.b": "/api/v1/label/U__a_2e_b/values",
		"a/b": "/api/v1/label/U__a_2f_b/values",
		"市场":  "/api/v1/label/U___5e02__573a_/values",
	} {
		var asked string
		s := setup(t, "http://test", promapi.WithTransport(transport(func(r *http.Request) (*http.Response, error) {
			asked = r.URL.EscapedPath()
			return response(r, 200, `{"status":"success","data":["x"]}`), nil
		})))
		got, err := s.LabelValues(t.Context(), name, promapi.Window{})
		require.NoError(t, err)
		require.Equal(t, []string{"x"}, got)
		require.Equal(t, path, asked)
	}
}
