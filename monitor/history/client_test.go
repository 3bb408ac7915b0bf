package history_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
)

// TestClient uses the API with client_golang's client, which asks by POST.
func TestClient(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(served(t))
	t.Cleanup(server.Close)
	c, err := api.NewClient(api.Config{Address: server.URL})
	require.NoError(t, err)
	client := v1.NewAPI(c)
	ctx, at := t.Context(), start.Add(10*time.Second)

	value, warnings, infos, err := client.Query(ctx, `g{a="x"}`, at)
	require.NoError(t, err)
	require.Empty(t, warnings)
	require.Empty(t, infos)
	require.Equal(t, model.Vector{{Metric: model.Metric{"__name__": "g", "a": "x"}, Value: 1.5, Timestamp: model.TimeFromUnix(at.Unix())}}, value)
	value, _, _, err = client.Query(ctx, "h", at)
	require.NoError(t, err)
	require.Equal(t, model.FloatString(3), value.(model.Vector)[0].Histogram.Count)
	value, _, _, err = client.QueryRange(ctx, "sum(g)", v1.Range{Start: start, End: at, Step: 5 * time.Second})
	require.NoError(t, err)
	require.Len(t, value.(model.Matrix)[0].Values, 3)
	series, _, _, err := client.Series(ctx, []string{"g"}, start, at)
	require.NoError(t, err)
	require.Len(t, series, 2)
	names, _, _, err := client.LabelNames(ctx, []string{"g"}, start, at)
	require.NoError(t, err)
	require.Equal(t, model.LabelNames{"__name__", "a"}, names)
	values, _, _, err := client.LabelValues(ctx, "a", nil, start, at)
	require.NoError(t, err)
	require.Equal(t, model.LabelValues{`<y>"`, "x"}, values)
	metadata, err := client.Metadata(ctx, "g", "")
	require.NoError(t, err)
	require.Equal(t, v1.MetricTypeGauge, metadata["g"][0].Type)
	exemplars, err := client.QueryExemplars(ctx, "t_duration_seconds_bucket", start, at)
	require.NoError(t, err)
	require.Equal(t, model.LabelValue("abc"), exemplars[0].Exemplars[0].Labels["trace_id"])
	info, err := client.Buildinfo(ctx)
	require.NoError(t, err)
	require.NotEmpty(t, info.Version)
	_, _, _, err = client.Query(ctx, "rate(", at)
	require.ErrorContains(t, err, `bad_data: invalid parameter "query": 1:6: parse error`)
}
