package anomaly_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/anomaly"
	"github.com/chronoretrace/chronomon/internal/journal"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/monitortest"
)

// distance is a detector whose limit is 1.
func distance() (anomaly.Detector, error) { return fixed{}, nil }

type fixed struct{}

func (fixed) Observe(p anomaly.Point) anomaly.Score {
	d := math.Abs(p.Value)
	if math.IsNaN(d) {
		return anomaly.Score{Expected: math.NaN(), Low: math.NaN(), High: math.NaN()}
	}
	return anomaly.Score{Value: d / (d + 1), Low: -1, High: 1, Ready: true}
}

// steady is a series that is 0 but at these steps.
func steady(at map[int]float64) *world {
	return only(func(t time.Time) (float64, bool) { return at[int(t.Sub(noon)/step)], true })
}

// judge returns at which steps anomalies were found, each of which is said something of.
func judge(t *testing.T, at map[int]float64, until int, say func(e *anomaly.Engine, a anomaly.Anomaly)) (found []int) {
	t.Helper()
	e := newEngine(t, monitortest.New(t), steady(at), anomaly.WithWatch(watchOf(distance)), anomaly.WithQuiet(0))
	for i := range until {
		detect(t, e, time.Duration(i)*step, time.Duration(i)*step)
		for _, a := range e.Active() {
			found = append(found, i)
			say(e, a)
		}
	}
	return found
}

func TestFeedbackChangesTheLimit(t *testing.T) {
	t.Parallel()
	dismiss := func(e *anomaly.Engine, a anomaly.Anomaly) { require.NoError(t, e.Dismiss(t.Context(), a.ID, "ann")) }
	confirm := func(e *anomaly.Engine, a anomaly.Anomaly) { require.NoError(t, e.Confirm(t.Context(), a.ID, "ann")) }
	at := map[int]float64{1: 1.1, 3: 1.1, 5: 1.3}
	require.Equal(t, []int{1, 5}, judge(t, at, 7, dismiss), "the limit is 1.25 from then on")
	require.Equal(t, []int{1, 3}, judge(t, map[int]float64{1: 1.1, 3: 0.96, 5: 0.9}, 7, confirm), "0.95, 0.9025")

	at = map[int]float64{}
	for i := 1; i < 60; i += 2 {
		at[i] = 4.1
	}
	require.Len(t, judge(t, at, 60, dismiss), 30, "no limit is above 4")
	for i := 1; i < 60; i += 2 {
		at[i] = 0.69
	}
	at[1], at[3], at[5], at[7], at[9], at[11], at[13] = 2, 2, 2, 2, 2, 2, 2
	require.Equal(t, []int{1, 3, 5, 7, 9, 11, 13}, judge(t, at, 60, confirm), "and none below 0.7")
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	m := monitortest.New(t)
	e := newEngine(t, m, steady(map[int]float64{1: 9, 3: 9}), anomaly.WithWatch(watchOf(distance)), anomaly.WithQuiet(0))
	require.NotContains(t, shown(t, m), "anomaly_precision_ratio")
	detect(t, e, 0, 3*step)
	open, over := e.Active()[0], e.Recent()[0]
	err := e.Confirm(t.Context(), "nobody's", "ann")
	require.ErrorIs(t, err, anomaly.ErrUnknown)
	require.ErrorContains(t, err, `"nobody's"`)

	for range 3 { // is said once
		require.NoError(t, e.Confirm(t.Context(), over.ID, "ann"))
		require.NoError(t, e.Dismiss(t.Context(), open.ID, "bob"))
	}
	got := shown(t, m)
	require.Equal(t, 0.5, got["anomaly_precision_ratio"])
	require.Equal(t, 1.0, got[`anomaly_feedback_total{verdict="confirmed",watch="requests"}`])
	require.Equal(t, anomaly.Dismissed, e.Active()[0].Verdict)
	require.Equal(t, "bob", e.Active()[0].By)
	require.NoError(t, e.Confirm(t.Context(), open.ID, "bob"), "a second thought")
	require.Equal(t, 1.0, shown(t, m)["anomaly_precision_ratio"])
}

// To say the opposite takes back what was said before.
func TestSecondThought(t *testing.T) {
	t.Parallel()
	found := judge(t, map[int]float64{1: 1.1, 3: 0.96, 5: 1.1}, 7, func(e *anomaly.Engine, a anomaly.Anomaly) {
		require.NoError(t, e.Dismiss(t.Context(), a.ID, "ann"))
		require.NoError(t, e.Confirm(t.Context(), a.ID, "ann"))
	})
	require.Equal(t, []int{1, 3, 5}, found, "the limit is 0.95, not 1.19")
}

func TestSensitivity(t *testing.T) {
	t.Parallel()
	for sensitivity, want := range map[float64]int{0.5: 0, 1: 0, 2: 1, 4: 2} {
		one := watchOf(distance)
		one.Sensitivity = sensitivity
		m := monitortest.New(t)
		e := newEngine(t, m, steady(map[int]float64{1: 0.6, 20: 0.3}), anomaly.WithWatch(one), anomaly.WithQuiet(0))
		detect(t, e, 0, 30*step)
		require.Len(t, e.Recent(), want, "%v", sensitivity)
		for _, a := range e.Recent() {
			require.GreaterOrEqual(t, a.Score, anomaly.Threshold)
		}
	}
}

// disk is a journal in a directory, opened anew.
func disk(t *testing.T, dir string) *journal.Store {
	t.Helper()
	s, err := journal.Open(journal.Config{Dir: dir})
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := steady(map[int]float64{1: 9, 3: 9, 30: 1.1, 100: 1.1})
	var saved []string
	store := anomaly.StoreFunc(func(_ context.Context, all ...anomaly.Anomaly) error {
		for _, a := range all {
			saved = append(saved, a.ID)
		}
		return nil
	})
	opts := []anomaly.EngineOption{anomaly.WithWatch(watchOf(distance)), anomaly.WithQuiet(5 * step), anomaly.WithStore(store)}
	state := disk(t, dir)
	e := newEngine(t, monitortest.New(t), w, append(opts, anomaly.WithState(state))...)
	detect(t, e, 0, 4*step)
	before := e.Active()
	require.Len(t, before, 1)
	require.NoError(t, e.Dismiss(t.Context(), before[0].ID, "ann"))
	require.NoError(t, state.Close())

	m := monitortest.New(t)
	e = newEngine(t, m, w, append(opts, anomaly.WithState(disk(t, dir)))...)
	detect(t, e, 6*step, 6*step)
	after := e.Active()
	require.Len(t, after, 1)
	require.Equal(t, before[0].ID, after[0].ID)
	require.Equal(t, anomaly.Dismissed, after[0].Verdict)
	require.True(t, after[0].Last.Equal(noon.Add(3*step)), "what it warmed up with says so")
	require.Zero(t, shown(t, m)["anomaly_precision_ratio"])
	require.Contains(t, shown(t, m), "anomaly_precision_ratio")
	require.Equal(t, []string{before[0].ID, before[0].ID}, saved, "once by each process")
	detect(t, e, 7*step, 120*step)
	require.Empty(t, e.Active())
	require.Len(t, e.Recent(), 1, "1.1 is below the limit that was learnt")

	var b bytes.Buffer
	require.NoError(t, e.Snapshot(t.Context(), &b))
	require.NoError(t, e.Verify(t.Context(), bytes.NewReader(b.Bytes())))
	require.Equal(t, "anomaly", e.SnapshotName())
	third := t.TempDir()
	restored := newEngine(t, monitortest.New(t), w, append(opts, anomaly.WithState(disk(t, third)))...)
	detect(t, restored, 31*step, 100*step)
	require.Len(t, restored.Active(), 1, "it does not know yet")
	require.NoError(t, restored.Restore(t.Context(), bytes.NewReader(b.Bytes())))
	require.Empty(t, restored.Active())
	require.Equal(t, e.Recent()[0].ID, restored.Recent()[0].ID)
	for _, bad := range []string{"", "{}", `{"version":1,"anomalies":[null]}`, "[]"} {
		require.Error(t, restored.Restore(t.Context(), bytes.NewReader([]byte(bad))), bad)
		require.Error(t, restored.Verify(t.Context(), bytes.NewReader([]byte(bad))), bad)
	}
	require.Len(t, restored.Recent(), 1)
}

// shaky is a state that can be away.
type shaky struct {
	*journal.Store

	mu   sync.Mutex
	away error
}

func (s *shaky) set(err error) { s.mu.Lock(); s.away = err; s.mu.Unlock() }

func (s *shaky) Write(ctx context.Context, changes map[string][]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away != nil {
		return s.away
	}
	return s.Store.Write(ctx, changes)
}

func (s *shaky) Range(ctx context.Context, prefix string, f func(string, []byte) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away != nil {
		return s.away
	}
	return s.Store.Range(ctx, prefix, f)
}

func TestStateThatIsAway(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	state := &shaky{Store: disk(t, dir)}
	w := steady(map[int]float64{1: 9})
	e := newEngine(t, monitortest.New(t), w, anomaly.WithWatch(watchOf(distance)), anomaly.WithState(state))
	state.set(io.ErrUnexpectedEOF)
	require.ErrorIs(t, e.Detect(t.Context(), noon), io.ErrUnexpectedEOF, "nothing is done without what was known")
	require.ErrorIs(t, e.Dismiss(t.Context(), "x", "ann"), io.ErrUnexpectedEOF)
	state.set(nil)
	detect(t, e, 0, 0)
	state.set(io.ErrUnexpectedEOF)
	require.ErrorIs(t, e.Detect(t.Context(), noon.Add(step)), io.ErrUnexpectedEOF)
	a := e.Active()[0]
	require.ErrorIs(t, e.Dismiss(t.Context(), a.ID, "ann"), io.ErrUnexpectedEOF)
	require.Equal(t, anomaly.Dismissed, e.Active()[0].Verdict)
	state.set(nil)
	detect(t, e, 2*step, 2*step)
	keys := map[string]bool{}
	require.NoError(t, state.Range(t.Context(), "", func(key string, _ []byte) error { keys[key] = true; return nil }))
	require.Len(t, keys, 3)
	require.True(t, keys["anomaly/"+a.ID])
}

func TestStoreThatIsAway(t *testing.T) {
	t.Parallel()
	m := monitortest.New(t)
	at := map[int]float64{}
	for i := 1; i < 100; i += 2 {
		at[i] = 9
	}
	var err error
	var got []int
	store := anomaly.StoreFunc(func(_ context.Context, all ...anomaly.Anomaly) error {
		got = append(got, len(all))
		return err
	})
	e := newEngine(t, m, steady(at), anomaly.WithWatch(watchOf(distance)), anomaly.WithQuiet(0), anomaly.WithStore(store))
	err = errors.New("away")
	for i := range 4 {
		if failed := e.Detect(t.Context(), noon.Add(time.Duration(i)*step)); i > 0 {
			require.ErrorIs(t, failed, err)
		}
	}
	require.Equal(t, []int{1, 1, 2}, got)
	err = nil
	detect(t, e, 4*step, 5*step)
	require.Equal(t, []int{1, 1, 2, 2, 1}, got)
	require.Zero(t, shown(t, m)["anomaly_unsaved_total"])
	err = monitor.Permanent(errors.New("never"))
	require.Error(t, e.Detect(t.Context(), noon.Add(7*step)))
	require.Equal(t, 1.0, shown(t, m)["anomaly_unsaved_total"])
	detect(t, e, 8*step, 8*step)
	require.Equal(t, []int{1, 1, 2, 2, 1, 1}, got)
}
