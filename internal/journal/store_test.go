package journal_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/journal"
	"github.com/chronoretrace/chronomon/internal/journal/journaltest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	journaltest.TestKeyed(t, func(t testing.TB) (journal.Keyed, func() journal.Keyed) {
		dir := t.TempDir()
		s := open(t, journal.Config{Dir: dir})
		return s, func() journal.Keyed {
			require.NoError(t, s.Close())
			s = open(t, journal.Config{Dir: dir})
			require.Empty(t, s.Stats().Damage)
			require.Zero(t, s.Stats().Torn)
			return s
		}
	})
}

func TestConformanceInMemory(t *testing.T) {
	t.Parallel()
	journaltest.TestKeyed(t, func(t testing.TB) (journal.Keyed, func() journal.Keyed) {
		s := open(t, journal.Config{})
		require.False(t, s.Durable())
		return s, func() journal.Keyed { return s }
	})
}

func TestOneWriter(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, journal.Config{Dir: dir})
	_, err := journal.Open(journal.Config{Dir: dir})
	require.ErrorIs(t, err, journal.ErrLocked)
	require.ErrorContains(t, err, dir)
	require.NoError(t, s.Close())
	require.NoError(t, s.Close(), "twice is fine")
	require.ErrorIs(t, s.Write(t.Context(), map[string][]byte{"a": {}}), journal.ErrClosed)
	open(t, journal.Config{Dir: dir})
}

func TestLaterVersionIsLeftAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "0000000001.log"), journal.HeaderOfVersion(2, 1), 0o600))
	_, err := journal.Open(journal.Config{Dir: dir})
	require.ErrorIs(t, err, journal.ErrVersion)
	_, err = journal.Open(journal.Config{Dir: dir})
	require.ErrorIs(t, err, journal.ErrVersion, "and not locked either")
	data, err := os.ReadFile(filepath.Join(dir, "0000000001.log"))
	require.NoError(t, err)
	require.Equal(t, journal.HeaderOfVersion(2, 1), data)
}

func TestFull(t *testing.T) {
	t.Parallel()
	s := open(t, journal.Config{Dir: t.TempDir(), MaxBytes: 1000})
	value := make([]byte, 400)
	require.NoError(t, s.Write(t.Context(), map[string][]byte{"a": value}))
	require.NoError(t, s.Write(t.Context(), map[string][]byte{"b": value}))
	require.ErrorIs(t, s.Write(t.Context(), map[string][]byte{"c": value, "d": nil}), journal.ErrFull)
	require.NoError(t, s.Write(t.Context(), map[string][]byte{"c": value, "b": nil}), "in exchange")
	require.NoError(t, s.Write(t.Context(), map[string][]byte{"c": value[:100]}))
	require.Equal(t, 2, s.Stats().Keys)
	require.Equal(t, int64(2*(64+1)+500), s.Stats().Bytes)

	// A bound that has become smaller still lets the state shrink.
	dir := t.TempDir()
	s = open(t, journal.Config{Dir: dir})
	put(t, s, "a", strings.Repeat("x", 900))
	put(t, s, "b", "")
	require.NoError(t, s.Close())
	s = open(t, journal.Config{Dir: dir, MaxBytes: 100})
	require.ErrorIs(t, s.Write(t.Context(), map[string][]byte{"c": {}}), journal.ErrFull)
	put(t, s, "a", "smaller")
	require.Equal(t, map[string]string{"a": "smaller", "b": ""}, state(t, s))
	_, err := journal.Open(journal.Config{MaxBytes: -1})
	require.ErrorContains(t, err, "journal: open memory: MaxBytes = -1")
}

// TestCompaction: files stay in proportion to the state, whatever is written.
func TestCompaction(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, journal.Config{Dir: dir})
	value := bytes.Repeat([]byte("v"), 100_000)
	for i := range 600 { // 60 MB, into 1 MB of state
		require.NoError(t, s.Write(t.Context(), map[string][]byte{strconv.Itoa(i % 10): value, "n" + strconv.Itoa(i): {}}))
		require.Less(t, diskUse(t, dir), int64(3<<20), "after %d writes", i)
	}
	want := state(t, s)
	require.Len(t, want, 610)
	require.NoError(t, s.Close())
	s = open(t, journal.Config{Dir: dir})
	require.Equal(t, want, state(t, s))
	require.Zero(t, s.Stats().LogBytes, "opening compacts")
	require.Equal(t, []string{"log", "snapshot"}, suffixes(t, dir))
}

func diskUse(t *testing.T, dir string) (n int64) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		info, err := e.Info()
		require.NoError(t, err)
		n += info.Size()
	}
	return n
}

// suffixes lists the kinds of files in a directory, the lock aside.
func suffixes(t *testing.T, dir string) (out []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); ext != "" {
			out = append(out, ext[1:])
		}
	}
	slices.Sort(out)
	return out
}

// TestGroupCommit: many writers at once share fsyncs.
func TestGroupCommit(t *testing.T) {
	t.Parallel()
	s := open(t, journal.Config{Dir: t.TempDir()})
	const writers, rounds = 32, 10
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for r := range rounds {
				put(t, s, fmt.Sprintf("%d/%d", w, r), "x")
			}
		})
	}
	all.Wait()
	require.Len(t, state(t, s), writers*rounds)
	require.Less(t, s.Stats().Syncs, int64(writers*rounds), "one each would be no group")
}

// TestWaitingIsBounded by the context of who waits.
func TestWaitingIsBounded(t *testing.T) {
	t.Parallel()
	s := open(t, journal.Config{Dir: t.TempDir()})
	release := s.TakeTurn()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, s.Write(ctx, map[string][]byte{"a": {}}), context.DeadlineExceeded)
	release()
	put(t, s, "b", "")
	require.Equal(t, map[string]string{"b": ""}, state(t, s), "what was withdrawn is not written")
}

func TestBackup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, journal.Config{Dir: dir, Name: "alerting"})
	require.Equal(t, "alerting", s.SnapshotName())
	put(t, s, "a", "1")
	put(t, s, "b", "2")
	want := state(t, s)
	var backup bytes.Buffer
	require.NoError(t, s.Snapshot(t.Context(), &backup))
	n, err := journal.Verify(bytes.NewReader(backup.Bytes()))
	require.NoError(t, err)
	require.Equal(t, 2, n)

	put(t, s, "c", "3")
	put(t, s, "a", "changed")
	later := state(t, s)
	for i := range backup.Len() {
		flipped := bytes.Clone(backup.Bytes())
		flipped[i] ^= 0x10
		for _, bad := range [][]byte{flipped, backup.Bytes()[:i]} {
			_, err := journal.Verify(bytes.NewReader(bad))
			require.ErrorIs(t, err, journal.ErrBackup)
			require.ErrorIs(t, s.Restore(t.Context(), bytes.NewReader(bad)), journal.ErrBackup)
		}
	}
	require.Equal(t, later, state(t, s), "nothing bad replaces anything")
	small := open(t, journal.Config{MaxBytes: 10})
	require.ErrorIs(t, small.Restore(t.Context(), bytes.NewReader(backup.Bytes())), journal.ErrFull)

	require.NoError(t, s.Restore(t.Context(), bytes.NewReader(backup.Bytes())))
	require.Equal(t, want, state(t, s))
	put(t, s, "d", "4")
	require.NoError(t, s.Close())
	s = open(t, journal.Config{Dir: dir})
	want["d"] = "4"
	require.Equal(t, want, state(t, s))
	memory := open(t, journal.Config{})
	require.NoError(t, memory.Restore(t.Context(), bytes.NewReader(backup.Bytes())))
	require.Len(t, state(t, memory), 2)
}

// TestCloseWhileWriting: what was acknowledged before is there, and all others
// are told.
func TestCloseWhileWriting(t *testing.T) {
	t.Parallel()
	for range 10 {
		dir := t.TempDir()
		s := open(t, journal.Config{Dir: dir})
		const writers = 8
		last, errs := make([]int, writers), make([]error, writers)
		var all sync.WaitGroup
		for w := range writers {
			all.Go(func() {
				for n := 1; errs[w] == nil; n++ {
					value := append([]byte(strconv.Itoa(n)+" "), make([]byte, 20_000)...) // so that it is compacted
					if errs[w] = s.Write(t.Context(), map[string][]byte{strconv.Itoa(w): value}); errs[w] == nil {
						last[w] = n
					}
				}
			})
		}
		require.Eventually(t, func() bool { return s.Stats().Syncs > 20 }, 30*time.Second, time.Millisecond)
		require.NoError(t, s.Close())
		all.Wait()
		s = open(t, journal.Config{Dir: dir})
		require.Empty(t, s.Stats().Damage)
		for w := range writers {
			require.ErrorIs(t, errs[w], journal.ErrClosed)
			value, _ := s.Get(strconv.Itoa(w))
			n, _, _ := strings.Cut(string(value), " ")
			if last[w] > 0 {
				require.Equal(t, strconv.Itoa(last[w]), n)
			}
		}
		require.NoError(t, s.Close())
	}
}
