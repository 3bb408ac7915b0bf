package elastic_test

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor/elastic"
)

// BenchmarkHandler is what a log record costs the host. Nothing is run: once the
// queue is full, records are counted as dropped, which is as dear as it gets.
func BenchmarkHandler(b *testing.B) {
	s, err := elastic.New([]string{"http://127.0.0.1:1"})
	require.NoError(b, err)
	defer s.Close()
	l := slog.New(s.Handler()).With("service", "quotes")
	failure := errors.New("dial tcp 10.0.0.7:5432: connection refused")
	b.ReportAllocs()
	for b.Loop() {
		l.Info("request answered", "method", "GET", "route", "/quotes/{symbol}", "status", 200, "took", 3*time.Millisecond, "err", failure)
	}
}
