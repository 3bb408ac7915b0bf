package otelbridge_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/otelbridge"
)

func keepAll(string) bool { return false }

func TestProducesWhatTheRegistryGathers(t *testing.T) {
	t.Parallel()
	m := setup(t)
	for _, tt := range []struct {
		name  string
		opts  []otelbridge.Option
		names map[string]naming
	}{
		{"default", nil, nil},
		{"design", []otelbridge.Option{otelbridge.WithSemanticConventions(), otelbridge.WithDesignNames()}, nil},
		{"semantic conventions", []otelbridge.Option{otelbridge.WithSemanticConventions()}, semConv},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := gathered(t, m, keepAll, tt.names)
			require.Greater(t, len(want), 90)
			require.Equal(t, want, produced(t, collect(t, m, tt.opts...)))
		})
	}
}

func TestScopes(t *testing.T) {
	t.Parallel()
	m := setup(t)
	scopes := collect(t, m)
	require.Len(t, scopes, 2)
	require.Equal(t, scopeName, scopes[0].Scope.Name)
	require.Equal(t, foreignName, scopes[1].Scope.Name)
	require.Equal(t, []string{"host_depth", "host_jobs_total", "host_lag_seconds"}, names(scopes[1:]))

	own := collect(t, m, otelbridge.WithoutForeign())
	require.Len(t, own, 1)
	require.Equal(t, names(scopes[:1]), names(own))
}

func TestRuntimeMetricsAreForeign(t *testing.T) {
	t.Parallel()
	m := setup(t, monitor.WithRuntimeMetrics())
	got := collect(t, m)
	require.Subset(t, names(got[1:]), []string{"go_goroutines", "go_gc_duration_seconds", "go_info"})
	require.IsType(t, metricdata.Summary{}, find(t, got, "go_gc_duration_seconds").Data)
	for _, name := range names(collect(t, m, otelbridge.WithoutForeign())) {
		require.False(t, strings.HasPrefix(name, "go_") || strings.HasPrefix(name, "process_"), name)
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	clock := now
	m := setup(t, monitor.WithClock(func() time.Time { return clock }))
	p := newProducer(t, m)
	first, err := p.Produce(t.Context())
	require.NoError(t, err)
	clock = now.Add(time.Minute)
	second, err := p.Produce(t.Context())
	require.NoError(t, err)

	total := func(scopes []metricdata.ScopeMetrics) metricdata.DataPoint[float64] {
		return find(t, scopes, "api_request_total").Data.(metricdata.Sum[float64]).DataPoints[0]
	}
	require.Equal(t, now, total(first).Time)
	require.Equal(t, clock, total(second).Time)
	require.Equal(t, total(first).StartTime, total(second).StartTime)
	require.True(t, total(first).StartTime.Before(now), "the process is older than its producer")
	require.WithinDuration(t, now, total(first).StartTime, time.Hour)
	histogram := find(t, second, "api_request_duration_seconds").Data.(metricdata.Histogram[float64]).DataPoints[0]
	require.Equal(t, total(first).StartTime, histogram.StartTime)
	require.Equal(t, clock, histogram.Time)
	require.Zero(t, histogram.Min)
	require.Zero(t, histogram.Max)
}

func TestOff(t *testing.T) {
	t.Parallel()
	m := newMonitor(t, monitor.WithDisabled())
	scopes, err := newProducer(t, m).Produce(t.Context())
	require.NoError(t, err)
	require.Empty(t, scopes)
}

func TestInvalid(t *testing.T) {
	t.Parallel()
	_, err := otelbridge.New(nil, nil)
	require.ErrorIs(t, err, monitor.ErrInvalidOption)
	require.ErrorContains(t, err, "monitor = nil")
	require.ErrorContains(t, err, "option 1 = nil")

	blind := newMonitor(t, monitor.WithRegisterer(prometheus.WrapRegistererWithPrefix("host_", prometheus.NewRegistry())))
	_, err = otelbridge.New(blind, otelbridge.WithoutForeign(), nil)
	require.ErrorIs(t, err, monitor.ErrInvalidOption)
	require.ErrorContains(t, err, "*prometheus.wrappingRegisterer")
	require.ErrorContains(t, err, "option 2 = nil")
}

func TestDoneContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := newProducer(t, setup(t)).Produce(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	m := newMonitor(t)
	logins, err := m.Instruments().Counters(catalog.UserLogins)
	require.NoError(t, err)
	p := newProducer(t, m)
	const writers, each = 4, 500
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				logins.Cell().Add(&instrument.Home{}, 0, 1)
			}
		})
		wg.Go(func() {
			for range 50 {
				if _, err := p.Produce(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	require.Equal(t, float64(writers*each), find(t, collect(t, m), "user_logins_total").Data.(metricdata.Sum[float64]).DataPoints[0].Value)
}

// The host's own registry, shared by two monitors, is bridged like a private one.
func TestSharedRegistry(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	m := setup(t, monitor.WithRegisterer(reg))
	second := newMonitor(t, monitor.WithRegisterer(reg), monitor.WithService("quotes", "v1.4.0"))
	require.Equal(t, gathered(t, m, keepAll, nil), produced(t, collect(t, second)))
}
