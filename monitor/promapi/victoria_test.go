package promapi_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/testenv"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/monitortest"
)

// TestVictoriaMetrics: the suite, as far as the languages are one.
func TestVictoriaMetrics(t *testing.T) {
	t.Parallel()
	server := testenv.VictoriaMetrics(t)
	written := false
	monitortest.TestQuerier(t, func(t testing.TB, series []monitor.Series) monitor.Querier {
		if !written {
			write(t, server.URL(), series)
			flush(t, server.URL())
			written = true
		}
		return setup(t, server.URL()).Client
	}, monitortest.QuerierUTF8Names, monitortest.QuerierMetricsQL)
}

func TestVictoriaMetricsSeries(t *testing.T) {
	t.Parallel()
	server := testenv.VictoriaMetrics(t)
	testSeries(t, setup(t, server.URL()+"/prometheus"), func(series []monitor.Series) {
		write(t, server.URL(), series)
		flush(t, server.URL())
	})
}

// flush makes what was written visible to queries.
func flush(t testing.TB, url string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/internal/force_flush", http.NoBody)
	require.NoError(t, err)
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
}
