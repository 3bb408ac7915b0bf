package bizmon_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/bizmon"
	"github.com/chronoretrace/chronomon/monitor"
)

// memory is a store in this process.
type memory struct {
	mu          sync.Mutex
	fingerprint string                    // guarded by mu
	kept        map[string]*bizmon.Sketch // guarded by mu
	err         error                     // guarded by mu; what every call returns
	panics      bool                      // guarded by mu
	merged      int                       // guarded by mu
	loaded      int                       // guarded by mu
}

var _ bizmon.SketchStore = (*memory)(nil)

// calls is what was asked of a store.
type calls struct{ merged, loaded int }

func (m *memory) calls() calls {
	m.mu.Lock()
	defer m.mu.Unlock()
	return calls{m.merged, m.loaded}
}

func (m *memory) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
}

func (m *memory) Join(_ context.Context, fingerprint string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.panics {
		panic("a store that panics")
	}
	if m.fingerprint == "" {
		m.fingerprint = fingerprint
	}
	if m.err == nil && m.fingerprint != fingerprint {
		return bizmon.ErrOtherKey
	}
	return m.err
}

func (m *memory) Merge(_ context.Context, sketches []bizmon.StoredSketch) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return m.err
	}
	if m.kept == nil {
		m.kept = map[string]*bizmon.Sketch{}
	}
	for _, s := range sketches {
		if m.kept[s.Key] == nil {
			m.kept[s.Key] = &bizmon.Sketch{}
		}
		m.kept[s.Key].Merge(s.Sketch)
		m.merged++
	}
	return nil
}

func (m *memory) Load(_ context.Context, keys []string) ([]*bizmon.Sketch, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return nil, m.err
	}
	out := make([]*bizmon.Sketch, len(keys))
	for i, k := range keys {
		if m.kept[k] != nil {
			out[i] = m.kept[k].Clone()
		}
		m.loaded++
	}
	return out, nil
}

func TestFleetCountsEachUserOnce(t *testing.T) {
	t.Parallel()
	store := &memory{}
	a := setup(t, nil, bizmon.WithSketchStore(store, time.Second))
	b := setup(t, nil, bizmon.WithSketchStore(store, time.Second))
	one := setup(t, nil) // sees all that a and b see
	rng := rand.New(rand.NewPCG(1, 1))
	rounds := 60
	if raced {
		rounds = 10
	}
	for range rounds {
		step := time.Duration(rng.Int64N(int64(20 * time.Minute)))
		for _, s := range []site{a, b, one} {
			s.clock.Add(step)
		}
		for range rng.IntN(200) {
			u := strconv.Itoa(rng.IntN(3000))
			[]site{a, b}[rng.IntN(2)].Users.Active(u)
			one.Users.Active(u)
		}
		require.NoError(t, a.Sync(t.Context()))
		require.NoError(t, b.Sync(t.Context()))
		require.NoError(t, a.Sync(t.Context()))
		require.Equal(t, one.users(t), a.users(t), "the same sketch, register for register")
		require.Equal(t, one.users(t), b.users(t))
	}
	late := setup(t, nil, bizmon.WithSketchStore(store, time.Second))
	late.clock.Set(a.clock.Now())
	require.NoError(t, late.Sync(t.Context()))
	require.Equal(t, one.users(t), late.users(t), "a new process learns what was before it")
	require.InDelta(t, 1, late.value(t, `user_sketch_syncs_total{result="ok"}`), 0)
	require.Zero(t, late.value(t, "user_sketch_sync_age_seconds"))
}

// TestFleetIsFrugal: what nobody can add to is asked for no more, and what is
// known is not sent again.
func TestFleetIsFrugal(t *testing.T) {
	t.Parallel()
	store := &memory{}
	s := setup(t, nil, bizmon.WithSketchStore(store, time.Second))
	s.Users.Active("a")
	require.NoError(t, s.Sync(t.Context()))
	require.Equal(t, 4, store.merged, "one slot of each level")
	require.Equal(t, 76, store.loaded, "all of them, once")
	s.clock.Add(time.Second)
	require.NoError(t, s.Sync(t.Context()))
	require.Equal(t, 4, store.merged)
	require.Less(t, store.loaded, 76+10)
}

func TestFleetOutage(t *testing.T) {
	t.Parallel()
	store := &memory{}
	a := setup(t, nil, bizmon.WithSketchStore(store, time.Second))
	b := setup(t, nil, bizmon.WithSketchStore(store, time.Second))
	a.Users.Active("a")
	b.Users.Active("b")
	store.fail(errors.New("connection refused"))
	for range 3 {
		require.ErrorContains(t, a.Sync(t.Context()), "bizmon: join the fleet: connection refused")
	}
	a.clock.Add(30 * time.Minute)
	b.clock.Add(30 * time.Minute)
	require.InDelta(t, 1, a.users(t)["1h"], 0, "it goes on with its own")
	store.fail(nil)
	require.NoError(t, a.Sync(t.Context()))
	require.NoError(t, b.Sync(t.Context()))
	require.InDelta(t, 2, b.users(t)["1h"], 0, "nothing is lost")
	require.InDelta(t, 3, a.value(t, `user_sketch_syncs_total{result="error"}`), 0)
	store.fail(errors.New("gone again"))
	require.ErrorContains(t, a.Sync(t.Context()), "gone again")
	require.Equal(t, 2, bytes.Count([]byte(a.log.String()), []byte("are not shared with the fleet")), "one line an outage")
	require.Equal(t, 1, bytes.Count([]byte(a.log.String()), []byte("are shared with the fleet again")))
}

func TestFleetRefusesOtherKeys(t *testing.T) {
	t.Parallel()
	store := &memory{}
	a := setup(t, nil, bizmon.WithSketchStore(store, time.Second))
	require.NoError(t, a.Sync(t.Context()))
	other := setup(t, []monitor.Option{monitor.WithPseudonymKey([]byte("another key here"))}, bizmon.WithSketchStore(store, time.Second))
	require.ErrorIs(t, other.Sync(t.Context()), bizmon.ErrOtherKey)

	store.panics = true
	late := setup(t, nil, bizmon.WithSketchStore(store, time.Second))
	require.ErrorContains(t, late.Sync(t.Context()), "panicked")
	require.NoError(t, setup(t, nil).Sync(t.Context()), "without a store there is nothing to do")
}

// TestRunSyncs: Run exchanges at once, every so often, and on the way out.
func TestRunSyncs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &memory{}
		m, err := monitor.New(key)
		require.NoError(t, err)
		b, err := bizmon.New(m, bizmon.WithSketchStore(store, 10*time.Second))
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- b.Run(ctx) }()
		synctest.Wait()
		require.Equal(t, 76, store.calls().loaded)
		b.Users.Active("a")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		require.Equal(t, 4, store.calls().merged)
		b.Users.Active("b")
		cancel()
		require.NoError(t, <-done)
		require.Equal(t, 8, store.calls().merged, "the last ones too")
	})
}

func snapshotter(t testing.TB, m *monitor.Monitor) monitor.Snapshotter {
	t.Helper()
	all := m.Snapshotters()
	require.Len(t, all, 1)
	require.Equal(t, "bizmon", all[0].SnapshotName())
	return all[0]
}

func TestSnapshot(t *testing.T) {
	t.Parallel()
	a := setup(t, nil)
	for i := range 5000 {
		a.Users.Track(bizmon.Action{User: strconv.Itoa(i), Name: []string{"home", "search"}[i%2]})
		a.Users.Track(bizmon.Action{User: strconv.Itoa(i), Name: "buy"})
		if i%100 == 0 {
			a.clock.Add(20 * time.Minute)
		}
	}
	var backup bytes.Buffer
	require.NoError(t, snapshotter(t, a.m).Snapshot(t.Context(), &backup))
	for _, id := range []string{"4999", a.m.Pseudonym("4999")} {
		require.NotContains(t, backup.String(), `"`+id+`"`)
	}

	b := setup(t, nil)
	b.clock.Set(a.clock.Now())
	require.NoError(t, snapshotter(t, b.m).Restore(t.Context(), bytes.NewReader(backup.Bytes())))
	require.Equal(t, a.users(t), b.users(t))
	require.Equal(t, a.Users.Journeys(100), b.Users.Journeys(100))
	b.Users.Active("4999")
	require.Equal(t, a.users(t)["30d"], b.users(t)["30d"], "the same user is the same")

	late := setup(t, nil)
	late.clock.Set(a.clock.Now().AddDate(1, 0, 0))
	require.NoError(t, snapshotter(t, late.m).Restore(t.Context(), bytes.NewReader(backup.Bytes())))
	require.Zero(t, late.users(t)["30d"])

	other := setup(t, []monitor.Option{monitor.WithPseudonymKey([]byte("another key here"))})
	require.ErrorIs(t, snapshotter(t, other.m).Restore(t.Context(), bytes.NewReader(backup.Bytes())), bizmon.ErrOtherKey)
	for _, wrong := range []string{"", "{", `{"version":2}`, backup.String()[:backup.Len()/2]} {
		require.ErrorContains(t, snapshotter(t, b.m).Restore(t.Context(), bytes.NewReader([]byte(wrong))), "bizmon: restore")
	}
	bad := bytes.Replace(backup.Bytes(), []byte(`"level":"1h"`), []byte(`"level":"9h"`), 1)
	require.ErrorContains(t, snapshotter(t, b.m).Restore(t.Context(), bytes.NewReader(bad)), `slot level "9h"`)
	bad = bytes.Replace(backup.Bytes(), []byte(`"sketch":"`), []byte(`"sketch":"AAAA`), 1)
	require.ErrorContains(t, snapshotter(t, b.m).Restore(t.Context(), bytes.NewReader(bad)), "not a sketch")
}

func FuzzRestore(f *testing.F) {
	a := setup(f, nil)
	a.Users.Track(bizmon.Action{User: "a", Name: "home"})
	var backup bytes.Buffer
	require.NoError(f, snapshotter(f, a.m).Snapshot(f.Context(), &backup))
	f.Add(backup.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = snapshotter(t, a.m).Restore(t.Context(), bytes.NewReader(b))
		require.GreaterOrEqual(t, a.users(t)["30d"], 0.)
	})
}
