package history_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/history"
)

func TestOptions(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]history.Option{
		"WithInterval":         history.WithInterval(0),
		"WithInterval = 10m":   history.WithInterval(10 * time.Minute),
		"WithRetention raw":    history.WithRetention(time.Second, time.Hour),
		"WithRetention long":   history.WithRetention(time.Hour, -1),
		"WithStorageSize":      history.WithStorageSize(1 << 20),
		"WithSeriesLimit":      history.WithSeriesLimit(0),
		"which 9000000 series": history.WithSeriesLimit(9_000_000),
		"WithStorageSync":      history.WithStorageSync(),
		"WithExemplarLimit":    history.WithExemplarLimit(-1),
		"WithLabels":           history.WithLabels(monitor.Labels{"a-b": "x"}),
		"__name__":             history.WithLabels(monitor.Labels{"__name__": "x"}),
		"WithWatch":            history.WithWatch("n", "rate(", time.Minute),
		"WithLookback":         history.WithLookback(0),
		"WithQueryTimeout":     history.WithQueryTimeout(0),
		"WithQuerySamples":     history.WithQuerySamples(0),
		"WithQueryConcurrency": history.WithQueryConcurrency(0),
	} {
		m, err := monitor.New()
		require.NoError(t, err)
		_, err = history.New(m, nil, o)
		require.ErrorIs(t, err, monitor.ErrInvalidOption, name)
		want := name
		if name == "WithWatch" {
			want = `Watch "n"`
		}
		require.ErrorContains(t, err, want)
	}
	_, err := history.New(nil, history.WithInterval(0), history.WithQuerySamples(0))
	require.Equal(t, 3, strings.Count(err.Error(), monitor.ErrInvalidOption.Error()), "all of them")
}
