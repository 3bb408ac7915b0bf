package influx_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/testenv"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/influx"
	"github.com/chronoretrace/chronomon/monitor/monitortest"
)

// samples reads the samples of a selector from a VictoriaMetrics.
func samples(t testing.TB, server, selector string) (n int, values []float64, labels map[string]string) {
	t.Helper()
	resp, err := http.Get(server + "/internal/force_flush")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	resp, err = http.PostForm(server+"/api/v1/export", url.Values{"match[]": {selector}})
	require.NoError(t, err)
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var series struct {
			Metric map[string]string
			Values []float64
		}
		require.NoError(t, json.Unmarshal(lines.Bytes(), &series))
		n++
		values, labels = append(values, series.Values...), series.Metric
	}
	return n, values, labels
}

// VictoriaMetrics takes the same writes: through a stop, a start and a pause.
func TestVictoriaMetrics(t *testing.T) {
	t.Parallel()
	server := testenv.VictoriaMetrics(t)
	s := newSink(t, server.URL(), "any", influx.WithNumbersOnly(), influx.WithStaticTag("host", "a b"), influx.WithSpill(t.TempDir(), 16<<20))
	m, err := monitor.New(monitor.WithLogger(monitortest.Logger(t)), monitor.WithGracePeriod(2*time.Second), monitor.WithSink("vm", s, fast()...))
	require.NoError(t, err)
	monitortest.Run(t, m, s)
	arrived := func(want int) {
		t.Helper()
		require.Eventually(t, func() bool {
			_, values, _ := samples(t, server.URL(), `{__name__="query_n"}`)
			seen := map[float64]bool{}
			for _, v := range values {
				seen[v] = true
			}
			return len(seen) == want
		}, 20*time.Second, 50*time.Millisecond)
	}
	recordAll(m, 0, 1000)
	arrived(1000)
	server.Stop()
	recordAll(m, 1000, 1000)
	require.Eventually(t, func() bool { return s.Spilled() == 1000 }, 10*time.Second, 10*time.Millisecond)
	server.Start()
	arrived(2000)
	server.Pause()
	recordAll(m, 2000, 500)
	time.Sleep(700 * time.Millisecond)
	server.Resume()
	arrived(2500)
	_, _, labels := samples(t, server.URL(), `{__name__="query_n"}`)
	require.Equal(t, map[string]string{"__name__": "query_n", "failed": "false", "host": "a b", "name": "quotes"}, labels)
	series, _, _ := samples(t, server.URL(), `{__name__!=""}`)
	require.Equal(t, 3, series, "n, duration_seconds, slow")
	require.ErrorIs(t, s.Setup(t.Context(), time.Hour), influx.ErrNoRetention)
}
