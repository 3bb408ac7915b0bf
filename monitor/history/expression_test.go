package history_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
)

// What would take the parser minutes is refused at once, everywhere.
func TestExpressionsAreBounded(t *testing.T) {
	t.Parallel()
	r := setup(t)
	api := httptest.NewServer(r.db.Handler())
	t.Cleanup(api.Close)
	begin := time.Now()
	for name, promql := range map[string]string{
		"signs":         strings.Repeat("- \n", 20_000) + "x",
		"many signs":    strings.Repeat("-", 500_000) + "x",
		"brackets":      strings.Repeat("(", 20_000) + "x" + strings.Repeat(")", 20_000),
		"after a text":  `x{a="\"("} + ` + strings.Repeat("(", 101) + "x" + strings.Repeat(")", 101),
		"long":          strings.Repeat("x + ", 50_000) + "x",
		"after comment": "# (\n" + strings.Repeat("-", 101) + "x",
	} {
		_, err := r.db.Query(t.Context(), promql, start)
		require.ErrorIs(t, err, monitor.ErrQueryInvalid, name)
		_, err = r.db.QueryRange(t.Context(), promql, monitor.Range{From: start, To: start, Step: time.Second})
		require.ErrorIs(t, err, monitor.ErrQueryInvalid, name)
		_, err = r.db.At(start).Query(t.Context(), promql, start)
		require.ErrorIs(t, err, monitor.ErrQueryInvalid, name)
		require.Error(t, r.db.Watch("w", promql, time.Second), name)
		for _, path := range []string{"query", "format_query", "query_exemplars"} {
			resp, err := http.PostForm(api.URL+"/api/v1/"+path, url.Values{"query": {promql}, "start": {"0"}, "end": {"1"}})
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.GreaterOrEqual(t, resp.StatusCode, 400, "%s of %s", path, name)
		}
	}
	// A long sum is one, and is not laid out in as many columns.
	sum := strings.Repeat("x + ", 200) + "x"
	_, err := r.db.Query(t.Context(), sum, start)
	require.NoError(t, err)
	resp, err := http.PostForm(api.URL+"/api/v1/format_query", url.Values{"query": {sum}})
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusBadRequest, resp.StatusCode)
	require.Less(t, time.Since(begin), 20*time.Second)

	text := strings.Repeat("(", 101)
	_, err = r.db.Query(t.Context(), `x{a="`+text+`"} - -1`, start)
	require.NoError(t, err, "brackets in texts are none")
}
