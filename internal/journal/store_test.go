package journal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
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
	require.ErrorIs(t, s.Write(t.Context(), map[string][]byte{"c": value[:6]}), journal.ErrFull)
	require.NoError(t, s.Write(t.Context(), map[string][]byte{"c": value[:5]}), "that is the bound")
	require.NoError(t, journal.Delete(t.Context(), s, "c"))
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

// TestLargeGroup: what waits is written in parts if it is much, and takes no memory
// when it is written.
func TestLargeGroup(t *testing.T) {
	t.Parallel()
	s := open(t, journal.Config{Dir: t.TempDir()})
	put(t, s, "small", "1")
	require.Positive(t, s.Kept())
	value := make([]byte, journal.MaxValue)
	release := s.TakeTurn()
	var all sync.WaitGroup
	for i := range 6 {
		changes := map[string][]byte{}
		for k := range 7 {
			changes[fmt.Sprint(i, k)] = value
		}
		all.Go(func() { require.NoError(t, s.Write(t.Context(), changes)) })
	}
	require.Eventually(t, func() bool { return s.Waiting() == 6 }, 10*time.Second, time.Millisecond)
	release()
	all.Wait()
	require.Equal(t, int64(1+2), s.Stats().Syncs, "three of them are 16 MiB")
	require.Zero(t, s.Kept())
	require.Len(t, state(t, s), 6*7+1)
}

// TestWithoutCompaction: a log that cannot be compacted is bounded all the same.
func TestWithoutCompaction(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	set := newSet(t)
	s := open(t, journal.Config{Dir: dir, Name: "x", MaxBytes: 2 << 20, Instruments: set})
	block := func(number int) {
		require.NoError(t, os.Mkdir(filepath.Join(dir, fmt.Sprintf("%010d.log", number)), 0o700))
	}
	block(2)
	changes := map[string][]byte{"a": make([]byte, journal.MaxValue)}
	writes := 0
	for ; writes < 100; writes++ {
		if err := s.Write(t.Context(), changes); err != nil {
			require.ErrorIs(t, err, os.ErrExist)
			break
		}
	}
	require.Contains(t, exposition(t, set), `monitor_journal_compactions_total{journal="x",result="error"} 6`, "tried at 2, 4, 8, 16, 32, 64 MiB")
	require.Equal(t, 64+2, writes, "of a MiB each: what a log may have beyond the bound of the state, and that")
	require.ErrorIs(t, s.Write(t.Context(), changes), os.ErrExist, "it is not tried again at once")
	require.Eventually(t, func() bool { return s.Write(t.Context(), changes) == nil }, 10*time.Second, 100*time.Millisecond)
	require.Less(t, s.Stats().LogBytes, int64(2<<20))
	require.Len(t, state(t, s), 1)
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
	require.NoError(t, s.Verify(t.Context(), bytes.NewReader(backup.Bytes())))

	put(t, s, "c", "3")
	put(t, s, "a", "changed")
	later := state(t, s)
	for i := range backup.Len() {
		flipped := bytes.Clone(backup.Bytes())
		flipped[i] ^= 0x10
		for _, bad := range [][]byte{flipped, backup.Bytes()[:i]} {
			require.ErrorIs(t, s.Verify(t.Context(), bytes.NewReader(bad)), journal.ErrBackup)
			require.ErrorIs(t, s.Restore(t.Context(), bytes.NewReader(bad)), journal.ErrBackup)
		}
	}
	require.Equal(t, later, state(t, s), "nothing bad replaces anything")
	for max, want := range map[int64]error{10: journal.ErrFull, 2*66 - 1: journal.ErrFull, 2 * 66: nil} {
		small := open(t, journal.Config{MaxBytes: max})
		require.ErrorIs(t, small.Verify(t.Context(), bytes.NewReader(backup.Bytes())), want)
		require.ErrorIs(t, small.Restore(t.Context(), bytes.NewReader(backup.Bytes())), want)
	}
	broken := errors.New("broken pipe")
	err := s.Verify(t.Context(), iotest.ErrReader(broken))
	require.ErrorIs(t, err, broken)
	require.NotErrorIs(t, err, journal.ErrBackup, "nobody knows")

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

// TestForgedBackup: what no Keyed takes is not restored either, whatever its
// checksums say.
func TestForgedBackup(t *testing.T) {
	t.Parallel()
	x := []byte("x")
	long := bytes.Repeat(x, 500_000)
	after := journal.Forge("b", x)
	after = append(journal.Forge("a", x), after[16:len(after)-18]...) // without header and end
	s := open(t, journal.Config{MaxBytes: 1 << 20})
	put(t, s, "before", "1")
	for name, c := range map[string]struct {
		backup []byte
		want   error
	}{
		"NUL in a key":  {journal.Forge("a\x00b", x), journal.ErrBackup},
		"not UTF-8":     {journal.Forge("a\xff", x), journal.ErrBackup},
		"no key":        {journal.Forge("", x), journal.ErrBackup},
		"a long key":    {journal.Forge(strings.Repeat("k", journal.MaxKey+1), x), journal.ErrBackup},
		"a long value":  {journal.Forge("a", make([]byte, journal.MaxValue+1)), journal.ErrBackup},
		"a deletion":    {journal.Forge("a", nil), journal.ErrBackup},
		"another end":   {bytes.Replace(journal.Forge("a", x), []byte("a"), []byte("b"), 1), journal.ErrBackup},
		"more, after":   {after, journal.ErrBackup},
		"more than fit": {journal.Forge("a", long, "b", long, "c", long), journal.ErrFull},
	} {
		require.ErrorIs(t, s.Verify(t.Context(), bytes.NewReader(c.backup)), c.want, name)
		require.ErrorIs(t, s.Restore(t.Context(), bytes.NewReader(c.backup)), c.want, name)
		require.Equal(t, map[string]string{"before": "1"}, state(t, s), name)
	}
	key := strings.Repeat("k", journal.MaxKey)
	require.NoError(t, s.Restore(t.Context(), bytes.NewReader(journal.Forge(key, long, key, long, key, x))))
	require.Equal(t, map[string]string{key: "x"}, state(t, s))
	require.Equal(t, int64(journal.MaxKey+1+64), s.Stats().Bytes, "a key that comes again counts once")
}

// TestRestoreFails: the state stays, in memory and on disk.
func TestRestoreFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, journal.Config{Dir: dir})
	put(t, s, "before", "1")
	require.NoError(t, os.Mkdir(filepath.Join(dir, "0000000002.log"), 0o700)) // where the new log would be
	require.ErrorIs(t, s.Restore(t.Context(), bytes.NewReader(journal.Forge("a", []byte("x")))), os.ErrExist)
	want := map[string]string{"before": "1"}
	require.Equal(t, want, state(t, s))
	require.Equal(t, int64(len("before")+1+64), s.Stats().Bytes)
	after := map[string][]byte{"after": []byte("2")}
	require.ErrorIs(t, s.Write(t.Context(), after), os.ErrExist, "what is on disk is not known yet")
	require.Eventually(t, func() bool { return s.Write(t.Context(), after) == nil }, 10*time.Second, 50*time.Millisecond)
	want["after"] = "2"
	require.NoError(t, s.Close())
	s = open(t, journal.Config{Dir: dir})
	require.Equal(t, want, state(t, s))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.Snapshot(ctx, io.Discard), context.Canceled)
}

// TestMaxWrite: keys and values count, to the byte.
func TestMaxWrite(t *testing.T) {
	t.Parallel()
	changes := map[string][]byte{}
	for i := range 7 {
		changes[strconv.Itoa(i)] = make([]byte, journal.MaxValue)
	}
	changes["last"] = make([]byte, journal.MaxValue-7-len("last"))
	require.NoError(t, journal.Validate(changes))
	changes["last"] = append(changes["last"], 0)
	require.ErrorIs(t, journal.Validate(changes), journal.ErrInvalid)
}

// TestRestoreIsBounded by the context of who waits.
func TestRestoreIsBounded(t *testing.T) {
	t.Parallel()
	s := open(t, journal.Config{})
	release := s.TakeTurn()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, s.Restore(ctx, bytes.NewReader(journal.Forge("a", []byte("x")))), context.DeadlineExceeded)
	release()
	require.Empty(t, state(t, s))
	require.NoError(t, s.Close())
	require.ErrorIs(t, s.Restore(t.Context(), bytes.NewReader(journal.Forge())), journal.ErrClosed)
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
