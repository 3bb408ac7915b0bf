package promapi_test

import (
	"context"
	"strings"
	"testing"
	"time"

	client "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/testenv"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/monitortest"
	"github.com/chronoretrace/chronomon/monitor/promapi"
)

// prometheus returns a real server that takes samples by remote write.
func prometheus(t testing.TB, flags ...string) *testenv.PrometheusServer {
	t.Helper()
	return testenv.Prometheus(t, "", append([]string{"--web.enable-remote-write-receiver"}, flags...)...)
}

// TestPrometheus: the suite on a real server.
func TestPrometheus(t *testing.T) {
	t.Parallel()
	server := prometheus(t)
	written := false
	monitortest.TestQuerier(t, func(t testing.TB, series []monitor.Series) monitor.Querier {
		if !written {
			write(t, server.URL(), series)
			written = true
		}
		return setup(t, server.URL()).Client
	})
}

// recent are samples of the last minute.
func recent(labels monitor.Labels, values ...float64) monitor.Series {
	s := monitor.Series{Labels: labels}
	start := time.Now().Add(-time.Minute).Truncate(time.Second)
	for i, v := range values {
		s.Points = append(s.Points, monitor.Point{Time: start.Add(time.Duration(i) * time.Second), Value: v})
	}
	return s
}

// TestPrometheusUnderAPath: as Mimir and proxies have it.
func TestPrometheusUnderAPath(t *testing.T) {
	t.Parallel()
	server := prometheus(t, "--web.route-prefix=/prometheus/eu")
	for _, url := range []string{server.URL() + "/prometheus/eu", server.URL() + "/prometheus/eu/"} {
		got, err := setup(t, url).Query(t.Context(), "1", noon)
		require.NoError(t, err)
		require.Len(t, got, 1)
	}
	_, err := setup(t, server.URL()).Query(t.Context(), "1", noon)
	require.ErrorIs(t, err, monitor.ErrQueryUnavailable)
	require.ErrorContains(t, err, "status 404")
}

// TestPrometheusComesAndGoes: a stop is an error of its kind, soon; with the
// server the answers are back, from the same client.
func TestPrometheusComesAndGoes(t *testing.T) {
	t.Parallel()
	server := prometheus(t)
	up := recent(monitor.Labels{monitor.MetricName: "kept"}, 1, 2, 3)
	write(t, server.URL(), []monitor.Series{up})
	s := setup(t, server.URL(), promapi.WithTimeout(5*time.Second), promapi.WithRetry(3, time.Millisecond, 10*time.Millisecond))
	ask := func() error {
		got, err := s.Query(t.Context(), "kept", time.Now())
		if err == nil {
			require.Len(t, got, 1)
			require.InDelta(t, 3, got[0].Value, 0)
		}
		return err
	}
	for range 2 {
		require.NoError(t, ask())
		server.Stop()
		start := time.Now()
		require.ErrorIs(t, ask(), monitor.ErrQueryUnavailable)
		require.Less(t, time.Since(start), 4*time.Second, "nobody waits for a server that is not there")
		server.Start()
	}
	require.NoError(t, ask())
	server.Pause()
	impatient := setup(t, server.URL(), promapi.WithTimeout(200*time.Millisecond))
	_, err := impatient.Query(t.Context(), "kept", time.Now())
	require.ErrorIs(t, err, monitor.ErrQueryTimeout)
	server.Resume()
	require.NoError(t, ask())
	require.InDelta(t, 2, s.count(t, `monitor_promapi_query_errors_total{reason="unavailable",server="test"}`), 0)
	require.InDelta(t, 4, s.count(t, `monitor_promapi_retries_total{server="test"}`), 0)
	require.InDelta(t, 1, impatient.count(t, `monitor_promapi_query_errors_total{reason="timeout",server="test"}`), 0)
}

// TestPrometheusRestartsMidway: a server that is away for a moment costs none of
// the queries that have time and tries left.
func TestPrometheusRestartsMidway(t *testing.T) {
	t.Parallel()
	server := prometheus(t)
	s := setup(t, server.URL(), promapi.WithTimeout(time.Minute), promapi.WithRetry(100, 50*time.Millisecond, 500*time.Millisecond))
	server.Stop()
	done := make(chan error, 4)
	for range cap(done) {
		go func() {
			_, err := s.Query(t.Context(), "vector(1)", time.Now())
			done <- err
		}()
	}
	require.Eventually(t, func() bool { return s.count(t, `monitor_promapi_retries_total{server="test"}`) > 0 }, 10*time.Second, 10*time.Millisecond)
	server.Start()
	for range cap(done) {
		require.NoError(t, <-done)
	}
}

// TestPrometheusLimits: the server's own limits are told from mistakes.
func TestPrometheusLimits(t *testing.T) {
	t.Parallel()
	server := prometheus(t, "--query.max-samples=2")
	write(t, server.URL(), []monitor.Series{
		recent(monitor.Labels{monitor.MetricName: "many", "i": "1"}, 1),
		recent(monitor.Labels{monitor.MetricName: "many", "i": "2"}, 1),
		recent(monitor.Labels{monitor.MetricName: "many", "i": "3"}, 1),
	})
	s := setup(t, server.URL())
	_, err := s.Query(t.Context(), "many", time.Now())
	require.ErrorIs(t, err, monitor.ErrQueryLimit)
	require.NotErrorIs(t, err, monitor.ErrQueryInvalid)
	_, err = s.QueryRange(t.Context(), "1", monitor.Range{From: noon, To: noon.Add(24 * time.Hour), Step: time.Second})
	require.ErrorIs(t, err, monitor.ErrQueryLimit)
	require.Zero(t, s.count(t, `monitor_promapi_retries_total{server="test"}`), "to ask again does not help")
}

// TestPrometheusStopsToEvaluate: the server's word that it took too long is a
// timeout, and not asked for again.
func TestPrometheusStopsToEvaluate(t *testing.T) {
	t.Parallel()
	server := prometheus(t, "--query.timeout=1ms")
	s := setup(t, server.URL())
	r := monitor.Range{From: noon, To: noon.Add(10_000 * time.Second), Step: time.Second}
	_, err := s.QueryRange(t.Context(), "sum(sum(sum(sum(vector(time()) + vector(time()) + vector(time())))))", r)
	require.ErrorIs(t, err, monitor.ErrQueryTimeout)
	require.NotErrorIs(t, err, context.DeadlineExceeded, "it was not ours")
	require.Zero(t, s.count(t, `monitor_promapi_retries_total{server="test"}`))
}

// TestPrometheusSeries: what a console lists.
func TestPrometheusSeries(t *testing.T) {
	t.Parallel()
	server := prometheus(t)
	testSeries(t, setup(t, server.URL()), func(series []monitor.Series) { write(t, server.URL(), series) })
}

// TestPrometheusScrapes: what only a scrape brings: metadata, and native
// histograms, which are no numbers.
func TestPrometheusScrapes(t *testing.T) {
	t.Parallel()
	reg := client.NewRegistry()
	seconds := client.NewHistogram(client.HistogramOpts{Name: "work_seconds", Help: "Time of work.", NativeHistogramBucketFactor: 1.1})
	reg.MustRegister(seconds, client.NewCounterFunc(client.CounterOpts{Name: "work_total", Help: "Work done."}, func() float64 { return 7 }))
	for range 4 {
		seconds.Observe(.5)
	}
	target := serve(t, promhttp.HandlerFor(reg, promhttp.HandlerOpts{}).ServeHTTP)
	server := testenv.Prometheus(t, `
global: {scrape_interval: 1s}
scrape_configs:
- job_name: work
  static_configs: [{targets: ["`+strings.TrimPrefix(target, "http://")+`"]}]
`, "--enable-feature=native-histograms")
	s := setup(t, server.URL())
	ctx := t.Context()
	require.Eventually(t, func() bool {
		got, err := s.Query(ctx, "work_total", time.Now())
		return err == nil && len(got) == 1
	}, 20*time.Second, 100*time.Millisecond)
	now := time.Now()

	_, err := s.Query(ctx, "work_seconds", now)
	require.ErrorIs(t, err, monitor.ErrQueryInvalid)
	require.ErrorContains(t, err, "native histograms")
	_, err = s.Query(ctx, `{job="work"}`, now)
	require.ErrorIs(t, err, monitor.ErrQueryInvalid, "numbers beside them do not help")
	r := monitor.Range{From: now, To: now.Add(time.Second), Step: time.Second}
	_, err = s.QueryRange(ctx, `{job="work"}`, r)
	require.ErrorContains(t, err, "native histograms")
	got, err := s.Query(ctx, "histogram_count(work_seconds)", now)
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.InDelta(t, 4, got[0].Value, 0)

	about, err := s.Metadata(ctx, "work_total")
	require.NoError(t, err)
	require.Equal(t, map[string][]promapi.Metadata{"work_total": {{Type: "counter", Help: "Work done."}}}, about)
	about, err = s.Metadata(ctx, "")
	require.NoError(t, err)
	require.Len(t, about, 2)
	require.Equal(t, []promapi.Metadata{{Type: "histogram", Help: "Time of work."}}, about["work_seconds"])
	about, err = s.Metadata(ctx, "no_such")
	require.NoError(t, err)
	require.Empty(t, about)
}
