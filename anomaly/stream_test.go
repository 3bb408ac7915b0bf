package anomaly_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/anomaly"
	"github.com/chronoretrace/chronomon/monitor"
)

// streaming is an engine with a stream of requests, within a bubble.
func streaming(t *testing.T, c anomaly.StreamConfig) (m *monitor.Monitor, e *anomaly.Engine) {
	t.Helper()
	s, err := anomaly.NewStream(c)
	require.NoError(t, err)
	m, err = monitor.New(monitor.WithSink("anomaly", s, monitor.WithKinds(monitor.KindRequest)))
	require.NoError(t, err)
	return m, newEngine(t, m, nil, anomaly.WithStream(s))
}

func request(m *monitor.Monitor, name string, took time.Duration, failed bool) {
	m.Record(monitor.Event{Kind: monitor.KindRequest, Name: name, Duration: took, Failed: failed})
}

// From a request's event to an open anomaly, through the sink's queue and Run.
func TestStream(t *testing.T) {
	t.Parallel()
	for measure, slow := range map[anomaly.Measure]func(m *monitor.Monitor){
		anomaly.MeanDuration: func(m *monitor.Monitor) { request(m, "/quotes", 30*time.Second, false) },
		anomaly.MaxDuration:  func(m *monitor.Monitor) { request(m, "/quotes", 30*time.Second, false) },
		anomaly.FailureRatio: func(m *monitor.Monitor) { request(m, "/quotes", 10*time.Millisecond, true) },
		anomaly.Requests: func(m *monitor.Monitor) {
			for range 100 {
				request(m, "/quotes", 10*time.Millisecond, false)
			}
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			limit := 0.3
			if measure == anomaly.Requests {
				limit = 50
			}
			m, e := streaming(t, anomaly.StreamConfig{
				Name: "requests", Measure: measure, New: func() (anomaly.Detector, error) { return anomaly.NewBounds(0, limit) },
			})
			stop := run(t, m, e)
			for range 100 { // ten seconds
				request(m, "/quotes", 10*time.Millisecond, false)
				request(m, "/health", time.Millisecond, false)
				time.Sleep(100 * time.Millisecond)
			}
			require.Empty(t, e.Active())
			got := shown(t, m)
			require.Contains(t, got, `anomaly_score{endpoint="/quotes",watch="requests"}`)
			require.GreaterOrEqual(t, got[`anomaly_points_total{watch="requests"}`], 14.0)
			at := time.Now()
			slow(m)
			time.Sleep(5 * time.Second)
			active := e.Active()
			require.Len(t, active, 1)
			require.Equal(t, monitor.Labels{"endpoint": "/quotes"}, active[0].Labels)
			require.Less(t, at.Sub(active[0].Started), time.Second)
			require.NotContains(t, shown(t, m), `anomaly_shed_points_total{reason="late",watch="requests"}`)
			stop()
		})
	}
}

// run runs engines until the function that it returns is called.
func run(t *testing.T, m *monitor.Monitor, engines ...monitor.Runner) (stop func()) {
	t.Helper()
	ctx, cancel := contextOf(t)
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx, engines...) }()
	return func() {
		cancel()
		require.NoError(t, <-ended)
	}
}

// Requests that stop are 0, for a while.
func TestStreamOfNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, e := streaming(t, anomaly.StreamConfig{
			Name: "requests", Measure: anomaly.Requests, New: func() (anomaly.Detector, error) { return anomaly.NewBounds(1, 100) },
		})
		stop := run(t, m, e)
		for range 50 {
			request(m, "/quotes", time.Millisecond, false)
			time.Sleep(100 * time.Millisecond)
		}
		require.Empty(t, e.Active())
		time.Sleep(10 * time.Second)
		require.Len(t, e.Active(), 1)
		require.Zero(t, e.Active()[0].Explanation.Observed)
		stop()
	})
}

func TestStreamIsBounded(t *testing.T) {
	t.Parallel()
	s, err := anomaly.NewStream(anomaly.StreamConfig{Name: "requests", Keys: 10, New: bounds})
	require.NoError(t, err)
	m, err := monitor.New()
	require.NoError(t, err)
	e := newEngine(t, m, nil, anomaly.WithStream(s))
	batch := func(n int, at time.Time) {
		events := make([]monitor.Event, n)
		for i := range events {
			events[i] = monitor.Event{Time: at, Kind: monitor.KindRequest, Name: fmt.Sprintf("/%d", i), Duration: time.Second}
		}
		require.NoError(t, s.Write(t.Context(), events))
	}
	require.NoError(t, e.Detect(t.Context(), noon))
	batch(1000, noon)
	batch(5, noon.Add(-time.Hour))
	batch(7, noon.Add(time.Hour))
	require.NoError(t, e.Detect(t.Context(), noon.Add(3*time.Second)))
	got := shown(t, m)
	require.Equal(t, 11.0, got[`anomaly_series{watch="requests"}`], "ten, and all others")
	require.Equal(t, 990.0, got[`anomaly_shed_points_total{reason="keys",watch="requests"}`])
	require.Equal(t, 12.0, got[`anomaly_shed_points_total{reason="late",watch="requests"}`])
	require.Contains(t, got, `anomaly_score{endpoint="other",watch="requests"}`)

	_, err = anomaly.New(m, nil, anomaly.WithStream(s))
	require.ErrorContains(t, err, "no other engine")
}

func TestStreamConfig(t *testing.T) {
	t.Parallel()
	_, err := anomaly.NewStream(anomaly.StreamConfig{Every: time.Millisecond, Measure: 99, Label: "__x", Keys: -1, Sensitivity: 99})
	require.ErrorIs(t, err, monitor.ErrInvalidOption)
	for _, part := range []string{"Name", "Step", "Measure", "Label", "Keys", "Sensitivity"} {
		require.ErrorContains(t, err, part)
	}
	_, err = anomaly.NewStream(anomaly.StreamConfig{Name: "x", Every: 2 * time.Hour})
	require.ErrorContains(t, err, "an hour at most")
}
