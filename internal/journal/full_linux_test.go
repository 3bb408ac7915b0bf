package journal_test

import (
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/journal"
)

// TestDiskFull: a write that fails is not in the state, and when there is room
// again the journal mends itself.
func TestDiskFull(t *testing.T) {
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	dir := t.TempDir()
	s := open(t, journal.Config{Dir: dir})
	put(t, s, "a", "1")
	limit := func(bytes uint64) {
		t.Helper()
		var old syscall.Rlimit
		require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old))
		old.Cur = bytes
		require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old))
	}
	t.Cleanup(func() { limit(^uint64(0)) })
	limit(2000)
	big := map[string][]byte{"b": make([]byte, 5000)}
	require.ErrorIs(t, s.Write(t.Context(), big), syscall.EFBIG)
	require.Error(t, s.Write(t.Context(), map[string][]byte{"c": {}}), "not tried again at once")
	require.Equal(t, map[string]string{"a": "1"}, state(t, s))
	require.Eventually(t, func() bool {
		return s.Write(t.Context(), map[string][]byte{"c": []byte("3")}) == nil
	}, 10*time.Second, 50*time.Millisecond)
	require.ErrorIs(t, s.Write(t.Context(), big), syscall.EFBIG)
	limit(^uint64(0))
	require.Eventually(t, func() bool { return s.Write(t.Context(), big) == nil }, 10*time.Second, 50*time.Millisecond)
	want := state(t, s)
	require.Len(t, want, 3)
	require.NoError(t, s.Close())
	s = open(t, journal.Config{Dir: dir})
	require.Empty(t, s.Stats().Damage)
	require.Equal(t, want, state(t, s))

	put(t, s, "d", "4")
	want["d"] = "4"
	logged := s.Stats().LogBytes
	require.NoError(t, s.Close())
	limit(100)
	s = open(t, journal.Config{Dir: dir})
	require.Equal(t, want, state(t, s), "it can be read all the same")
	require.Equal(t, logged, s.Stats().LogBytes)
	require.ErrorIs(t, s.Write(t.Context(), map[string][]byte{"e": nil}), syscall.EFBIG)
	limit(^uint64(0))
	require.Eventually(t, func() bool { return s.Write(t.Context(), map[string][]byte{"e": nil}) == nil }, 10*time.Second, 50*time.Millisecond)
}
