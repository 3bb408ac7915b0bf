package apimon_test

import (
	"math"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/apimon"
	"github.com/chronoretrace/chronomon/monitor"
)

func TestNewNamesEveryBadOption(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	bad := map[string]apimon.Option{
		"WithBuckets = []":                    apimon.WithBuckets(),
		"WithBuckets = [0 1]":                 apimon.WithBuckets(0, 1),
		"WithBuckets = [NaN]":                 apimon.WithBuckets(math.NaN()),
		"WithBuckets = [1 1]":                 apimon.WithBuckets(1, 1),
		"WithBuckets = [2 1]":                 apimon.WithBuckets(2, 1),
		"WithBuckets = [1 NaN 2]":             apimon.WithBuckets(1, math.NaN(), 2),
		"WithBuckets = [1 +Inf]":              apimon.WithBuckets(1, math.Inf(1)),
		"WithEndpointLimit = 0":               apimon.WithEndpointLimit(0),
		`WithSkip = "metrics"`:                apimon.WithSkip("/a", "metrics"),
		"WithFilter = <nil>: want a function": apimon.WithFilter(nil),
		"WithTraceID = <nil>":                 apimon.WithTraceID(nil),
		"WithUser = <nil>":                    apimon.WithUser(nil),
		"WithClientIP = <nil>":                apimon.WithClientIP(nil),
		"WithSlowThreshold = -1s":             apimon.WithSlowThreshold(-time.Second),
	}
	_, err := apimon.New(b.m, apimon.WithPooledWriters(), apimon.WithUnpooledWriters())
	require.ErrorIs(t, err, monitor.ErrInvalidOption)
	require.ErrorContains(t, err, "WithPooledWriters = set together with WithUnpooledWriters")
	var all []apimon.Option
	for want, o := range bad {
		_, err := apimon.New(b.m, o)
		require.ErrorIs(t, err, monitor.ErrInvalidOption, want)
		require.ErrorContains(t, err, want)
		all = append(all, o)
	}
	_, err = apimon.New(nil, all...)
	for _, want := range []string{"monitor = nil", "WithBuckets", "WithEndpointLimit", "WithSkip", "WithFilter", "WithTraceID", "WithUser", "WithClientIP", "WithSlowThreshold"} {
		require.ErrorContains(t, err, want)
	}
	_, err = apimon.New(b.m, nil)
	require.NoError(t, err, "a nil option is none")
}

func TestNewSaysWhichNameIsTaken(t *testing.T) {
	t.Parallel()
	m, err := monitor.New()
	require.NoError(t, err)
	m.Registerer().MustRegister(prometheus.NewCounter(prometheus.CounterOpts{Name: "api_request_total", Help: "the host's"}))
	_, err = apimon.New(m)
	require.ErrorContains(t, err, "api_request_total")
}

func TestSizesCannotComeLater(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	_, err := apimon.New(b.m, apimon.WithSizes())
	require.ErrorContains(t, err, "WithSizes")
}

// A constructor that fails leaves nothing behind.
func TestNewIsAllOrNothing(t *testing.T) {
	t.Parallel()
	m, err := monitor.New(monitor.WithProfiles(monitor.ProfileDesign, monitor.ProfileChronoRetrace))
	require.NoError(t, err)
	taken := prometheus.NewCounter(prometheus.CounterOpts{Name: "http_requests_total", Help: "the host's"})
	m.Registerer().MustRegister(taken)
	_, err = apimon.New(m)
	require.ErrorContains(t, err, "http_requests_total is in the registry already")
	families, err := m.Gatherer().Gather()
	require.NoError(t, err)
	for _, f := range families {
		require.NotContains(t, f.GetName(), "api_")
	}
	_, err = apimon.New(m)
	require.ErrorContains(t, err, "http_requests_total is in the registry already", "and a second try fails for the same reason")
}
