package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/history"
)

// excluded are the files of the corpus that do not run, and why: none.
var excluded = map[string]string{}

// TestConformance: the corpus that ships with the engine passes on history's
// storage, at each instant and, where it does, over a range.
func TestConformance(t *testing.T) {
	engine := promqltest.NewTestEngine(t, false, 5*time.Minute, promqltest.DefaultMaxSamplesPerQuery)
	c := &corpus{T: t}
	promqltest.RunBuiltinTestsWithStorage(c, engine, newCorpusStorage)
	require.Len(t, excluded, c.left, "a file that is left out is no longer there")
	require.Equal(t, 20, c.run)
}

// TestEngine: the corpus is that of the engine which history has.
func TestEngine(t *testing.T) {
	version := regexp.MustCompile(`github\.com/prometheus/prometheus v\S+`)
	ours, err := os.ReadFile("go.mod")
	require.NoError(t, err)
	root, err := os.ReadFile(filepath.Join("..", "..", "..", "go.mod"))
	require.NoError(t, err)
	require.NotEmpty(t, version.Find(root))
	require.Equal(t, string(version.Find(root)), string(version.Find(ours)))
}

// corpus runs the corpus' files, but for those that are left out.
type corpus struct {
	*testing.T

	run, left int
}

// Run implements promqltest.TBRun.
func (c *corpus) Run(file string, f func(*testing.T)) bool {
	if why, out := excluded[file]; out {
		c.left++
		c.Logf("%s is left out: %s", file, why)
		return true
	}
	c.run++
	return c.T.Run(file, f)
}

// corpusStorage is a history as the corpus writes and reads it.
type corpusStorage struct {
	storage.Storage // what the corpus does not use: nil

	db    *history.DB
	store store
}

// store is what history's own store has of Prometheus's interfaces.
type store interface {
	storage.Queryable
	AppendHistogram(l labels.Labels, t int64, h *histogram.FloatHistogram) error
}

func newCorpusStorage(t testing.TB) storage.Storage {
	t.Helper()
	m, err := monitor.New(monitor.WithLogger(slog.New(slog.DiscardHandler)))
	require.NoError(t, err)
	db, err := history.New(m)
	require.NoError(t, err)
	// The store is no part of the package's API, which promises more than
	// Prometheus's interfaces do.
	field := reflect.ValueOf(db).Elem().FieldByName("store")
	return &corpusStorage{db: db, store: reflect.NewAt(field.Type(), field.Addr().UnsafePointer()).Elem().Interface().(store)}
}

// Querier implements storage.Queryable.
func (s *corpusStorage) Querier(from, to int64) (storage.Querier, error) {
	return s.store.Querier(from, to)
}

// Appender implements storage.Appendable.
func (s *corpusStorage) Appender(context.Context) storage.Appender { return &corpusAppender{s: s} }

// Close implements storage.Storage.
func (*corpusStorage) Close() error { return nil }

// corpusAppender writes at once: the corpus reads after each commit.
type corpusAppender struct {
	storage.Appender // what the corpus does not use: nil

	s *corpusStorage
}

// Append implements storage.Appender.
func (a *corpusAppender) Append(_ storage.SeriesRef, l labels.Labels, t int64, v float64) (storage.SeriesRef, error) {
	return 0, a.s.db.Append(monitor.Sample{Labels: l.Map(), Point: monitor.Point{Time: time.UnixMilli(t), Value: v}})
}

// AppendHistogram implements storage.HistogramAppender. The corpus has
// histograms of floats alone.
func (a *corpusAppender) AppendHistogram(_ storage.SeriesRef, l labels.Labels, t int64, _ *histogram.Histogram, h *histogram.FloatHistogram) (storage.SeriesRef, error) {
	return 0, a.s.store.AppendHistogram(l, t, h)
}

// Commit implements storage.Appender.
func (*corpusAppender) Commit() error { return nil }

// Rollback implements storage.Appender.
func (*corpusAppender) Rollback() error { return nil }
