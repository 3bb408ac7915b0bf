package evidence_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chronoretrace/chronomon/anomaly/evidence"
	"github.com/chronoretrace/chronomon/monitor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a time that tests set.
type clock struct {
	mu  sync.Mutex
	now time.Time // guarded by mu
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// bench is a recorder with its monitor and what it was given.
type bench struct {
	*evidence.Recorder
	m     *monitor.Monitor
	clock *clock
	dir   string
	log   *bytes.Buffer // to be read when the recorder has stopped
}

// setup returns a recorder that does not run, and does without what a process has
// only one of unless the options say otherwise.
func setup(t testing.TB, opts ...evidence.Option) bench {
	t.Helper()
	b := bench{
		clock: &clock{now: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)}, dir: filepath.Join(t.TempDir(), "evidence"), log: &bytes.Buffer{},
	}
	var err error
	b.m, err = monitor.New(monitor.WithClock(b.clock.Now), monitor.WithLogger(slog.New(slog.NewTextHandler(b.log, nil))))
	require.NoError(t, err)
	b.Recorder, err = evidence.New(b.m, b.dir, append([]evidence.Option{evidence.WithTrace(0, 0), evidence.WithProfile(0)}, opts...)...)
	require.NoError(t, err)
	return b
}

// run runs the recorder until stop, which waits for its end.
func (b bench) run(t testing.TB) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background()) //nolint:usetesting // it is ended before the test is
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
	})
	t.Cleanup(stop)
	return stop
}

func (b bench) capture(t testing.TB, name string) string {
	t.Helper()
	id, err := b.Capture(t.Context(), evidence.Subject{Kind: "alert", Name: name})
	require.NoError(t, err)
	return id
}

// files waits for a bundle and returns what is in it.
func (b bench) files(t testing.TB, id string) map[string][]byte {
	t.Helper()
	var f io.ReadCloser
	require.Eventually(t, func() (there bool) {
		var err error
		if f, err = b.Open(id); err != nil {
			require.ErrorIs(t, err, evidence.ErrPending)
		}
		return err == nil
	}, 20*time.Second, 5*time.Millisecond)
	defer f.Close()
	return unpacked(t, f)
}

func unpacked(t testing.TB, r io.Reader) map[string][]byte {
	t.Helper()
	z, err := gzip.NewReader(r)
	require.NoError(t, err)
	out := map[string][]byte{}
	for a := tar.NewReader(z); ; {
		h, err := a.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		require.NoError(t, err)
		out[h.Name], err = io.ReadAll(a)
		require.NoError(t, err)
	}
}

// results are the parts' results by file, of the manifest.
func results(t testing.TB, files map[string][]byte) map[string]string {
	t.Helper()
	var manifest struct {
		Parts []struct{ File, Result, Error string }
	}
	require.NoError(t, json.Unmarshal(files["manifest.json"], &manifest))
	out := map[string]string{}
	for _, p := range manifest.Parts {
		out[p.File] = strings.TrimSuffix(p.Result+": "+p.Error, ": ")
	}
	return out
}

// value is what a metric has, over all labels that hold the given values.
func (b bench) value(t testing.TB, name string, labels ...string) (sum float64) {
	t.Helper()
	families, err := b.m.Gatherer().Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, metric := range f.GetMetric() {
			has := map[string]bool{}
			for _, l := range metric.GetLabel() {
				has[l.GetValue()] = true
			}
			all := true
			for _, l := range labels {
				all = all && has[l]
			}
			if all {
				sum += metric.GetCounter().GetValue()
			}
		}
	}
	return sum
}

// gone requires that there is no such bundle.
func (b bench) gone(t testing.TB, id string) {
	t.Helper()
	_, err := b.Open(id)
	require.ErrorIs(t, err, fs.ErrNotExist)
}
