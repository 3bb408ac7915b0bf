package bizmon_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
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

// lose forgets everything.
func (m *memory) lose() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fingerprint, m.kept = "", nil
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

// line is a way to a store that may be cut.
type line struct {
	*memory
	cut bool
}

func (l *line) Join(ctx context.Context, fingerprint string) error {
	if l.cut {
		return errors.New("no route to host")
	}
	return l.memory.Join(ctx, fingerprint)
}

// TestFleetHeals: what a process saw while it was cut off reaches those that
// expected nothing more for that time.
func TestFleetHeals(t *testing.T) {
	t.Parallel()
	store := &memory{}
	toA := &line{memory: store}
	a := setup(t, nil, bizmon.WithSketchStore(toA, 10*time.Second))
	b := setup(t, nil, bizmon.WithSketchStore(store, 10*time.Second))
	for _, s := range []site{a, b} {
		s.clock.Set(time.Date(2026, 3, 2, 23, 50, 0, 0, shanghai))
		require.NoError(t, s.Sync(t.Context()))
	}
	for i := range 1000 {
		a.Users.Active(strconv.Itoa(i))
	}
	sync := func(s site) error {
		s.clock.Add(time.Minute)
		return s.Sync(t.Context())
	}
	toA.cut = true
	for range 20 { // over midnight
		require.Error(t, sync(a))
		require.NoError(t, sync(b))
	}
	require.Zero(t, b.users(t)["30d"])
	toA.cut = false
	for range 11 {
		require.NoError(t, sync(a))
		require.NoError(t, sync(b))
	}
	require.Equal(t, a.users(t), b.users(t))
	require.InEpsilon(t, 1000, b.users(t)["30d"], 0.02)
}

// TestFleetTellsALossyStoreAgain: also what was over long before, and under which key it is.
func TestFleetTellsALossyStoreAgain(t *testing.T) {
	t.Parallel()
	store := &memory{}
	a := setup(t, nil, bizmon.WithSketchStore(store, 10*time.Second))
	a.Users.Active("a")
	require.NoError(t, a.Sync(t.Context()))
	a.clock.Add(26 * time.Hour)
	for range 2 {
		require.NoError(t, a.Sync(t.Context()))
	}
	store.lose()
	for range 11 {
		a.clock.Add(time.Minute)
		require.NoError(t, a.Sync(t.Context()))
	}
	late := setup(t, nil, bizmon.WithSketchStore(store, 10*time.Second))
	late.clock.Set(a.clock.Now())
	require.NoError(t, late.Sync(t.Context()))
	require.InDelta(t, 1, late.users(t)["30d"], 0)
	other := setup(t, []monitor.Option{monitor.WithPseudonymKey([]byte("another key here"))}, bizmon.WithSketchStore(store, time.Second))
	require.ErrorIs(t, other.Sync(t.Context()), bizmon.ErrOtherKey)
}

// spoilt is a store with something else under one of the keys.
type spoilt struct {
	*memory
	key string
}

var errSpoilt = errors.New("not a sketch")

func (s *spoilt) Merge(ctx context.Context, sketches []bizmon.StoredSketch) error {
	good := slices.DeleteFunc(slices.Clone(sketches), func(sk bizmon.StoredSketch) bool { return sk.Key == s.key })
	if err := s.memory.Merge(ctx, good); err != nil || len(good) == len(sketches) {
		return err
	}
	return errSpoilt
}

func (s *spoilt) Load(ctx context.Context, keys []string) ([]*bizmon.Sketch, error) {
	out, err := s.memory.Load(ctx, keys)
	if err == nil && slices.Contains(keys, s.key) {
		err = errSpoilt
	}
	return out, err
}

// TestFleetSharesTheRest: one slot that cannot be shared keeps no other from it,
// nor has it what is known sent again.
func TestFleetSharesTheRest(t *testing.T) {
	t.Parallel()
	store := &spoilt{memory: &memory{}, key: fmt.Sprintf("users/1h/%d", monday.Unix())}
	a := setup(t, nil, bizmon.WithSketchStore(store, 10*time.Second))
	b := setup(t, nil, bizmon.WithSketchStore(store, 10*time.Second))
	a.Users.Active("a")
	require.ErrorIs(t, a.Sync(t.Context()), errSpoilt)
	require.ErrorIs(t, b.Sync(t.Context()), errSpoilt)
	for window, n := range map[string]float64{"5m": 1, "1h": 1, "24h": 0, "7d": 1, "30d": 1} {
		require.InDelta(t, n, b.users(t)[window], 0, window)
	}
	was := store.calls().merged
	require.ErrorIs(t, a.Sync(t.Context()), errSpoilt)
	require.Equal(t, was, store.calls().merged)
	require.InDelta(t, 0, a.value(t, `user_sketch_syncs_total{result="error"}`)-2, 0)
}

// TestSyncAgeBeginsWithTheProcess, if there was no exchange since.
func TestSyncAgeBeginsWithTheProcess(t *testing.T) {
	t.Parallel()
	s := setup(t, nil, bizmon.WithSketchStore(&memory{err: errors.New("away")}, time.Second))
	s.clock.Add(time.Minute)
	require.Error(t, s.Sync(t.Context()))
	require.InDelta(t, 60, s.value(t, "user_sketch_sync_age_seconds"), 0)
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

// hanging is a store that does not answer.
type hanging struct{ *memory }

func (hanging) Load(ctx context.Context, _ []string) ([]*bizmon.Sketch, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestRunChecksWhileAStoreHangs, and gives the store up after ten seconds.
func TestRunChecksWhileAStoreHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, err := monitor.New(key, monitor.WithLogger(slog.New(slog.DiscardHandler)))
		require.NoError(t, err)
		var stuck atomic.Int32
		b, err := bizmon.New(m, bizmon.WithSketchStore(hanging{&memory{}}, time.Hour),
			bizmon.WithInterval(time.Second), bizmon.WithStuckAfter(time.Second), bizmon.WithOnStuck(func(bizmon.Job) { stuck.Add(1) }))
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- b.Run(ctx) }()
		b.Backtests.Queue("1").Start()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		require.Equal(t, int32(1), stuck.Load())
		time.Sleep(6 * time.Second)
		s := site{Business: b, m: m}
		require.InDelta(t, 1, s.value(t, `user_sketch_syncs_total{result="error"}`), 0)
		cancel()
		require.NoError(t, <-done)
	})
}
