package elastic_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/elastic"
)

func TestOptions(t *testing.T) {
	t.Parallel()
	_, err := elastic.New(nil, nil)
	require.ErrorIs(t, err, monitor.ErrInvalidOption)
	for name, opt := range map[string]elastic.Option{
		"WithName":            elastic.WithName(""),
		"WithIndex":           elastic.WithIndex("Logs"),
		"WithTransport":       elastic.WithTransport(nil),
		"WithBulkBytes":       elastic.WithBulkBytes(1),
		"WithRetention":       elastic.WithRetention(time.Second),
		"WithReplicas":        elastic.WithReplicas(-1),
		"WithRedact":          elastic.WithRedact("-"),
		"WithSpill directory": elastic.WithSpill("", 1<<20),
		"WithSpill bytes":     elastic.WithSpill(t.TempDir(), 1),
		"WithSpillAge":        elastic.WithSpillAge(0),
		"WithLogQueue":        elastic.WithLogQueue(0, 0),
		"WithLogQueue held":   elastic.WithLogQueue(1, -1),
		"WithLogBatch size":   elastic.WithLogBatch(0, time.Second),
		"WithLogBatch age":    elastic.WithLogBatch(1, 0),
		"WithLogDrain":        elastic.WithLogDrain(0),
	} {
		_, err := elastic.New([]string{"http://127.0.0.1:1"}, opt)
		require.ErrorIs(t, err, monitor.ErrInvalidOption, name)
		require.ErrorContains(t, err, name+" =")
	}
	for _, address := range []string{"", "127.0.0.1:9200", "ftp://x", "http://", "http://x?secret=1", "http://\x7f"} {
		_, err := elastic.New([]string{address})
		require.ErrorIs(t, err, monitor.ErrInvalidOption, address)
		require.NotContains(t, err.Error(), "secret=1")
	}
	_, err = elastic.New([]string{"localhost:9200", "https://ada:secret=1@es:9200/?secret=1"})
	require.ErrorContains(t, err, "New address 0 = localhost:9200: want http(s)://")
	require.ErrorContains(t, err, "New address 1 = https://es:9200: want http(s)://")
	require.NotContains(t, err.Error(), "secret=1")
	dir := t.TempDir()
	s := newStore(t, "http://127.0.0.1:1", elastic.WithSpill(dir, 1<<20))
	_, err = elastic.New([]string{"http://127.0.0.1:1"}, elastic.WithSpill(dir, 1<<20))
	require.Error(t, err)
	require.ErrorIs(t, s.Watch(nil), monitor.ErrInvalidOption)
}
