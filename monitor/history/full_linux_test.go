package history_test

import (
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor/history"
)

// TestDiskFull: it goes on in memory, says so once, and is whole on disk when
// there is room again. The limit is a process's: it has one of its own.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	const child = "CHRONOMON_TEST_FULL"
	if os.Getenv(child) == "" {
		exe, err := os.Executable()
		require.NoError(t, err)
		cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestDiskFull$", "-test.v", "-test.timeout=2m")
		cmd.Env = append(os.Environ(), child+"=1")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		require.Contains(t, string(out), "--- PASS: TestDiskFull")
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	limit := func(bytes uint64) {
		t.Helper()
		var old syscall.Rlimit
		require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old))
		old.Cur = bytes
		require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old))
	}
	t.Cleanup(func() { limit(^uint64(0)) })
	dir := t.TempDir()
	p := begin(t, dir, start, watched...)
	p.measure(t)
	for range 5 {
		p.step(t, 10*time.Second)
	}
	require.NoError(t, p.db.Err())
	limit(8000)
	for range 30 { // five minutes
		p.step(t, 10*time.Second)
		require.Len(t, p.query(t, "g", p.clock()), 4-btoi(p.steps%7 == 0))
	}
	require.ErrorIs(t, p.db.Err(), syscall.EFBIG)
	require.ErrorContains(t, p.db.Err(), dir)
	require.Equal(t, 1, strings.Count(p.log.String(), "level=ERROR"))
	require.Contains(t, p.log.String(), "nothing is written to disk any more")
	require.Equal(t, 1., p.one(t, `monitor_history_disk_writes_total{result="failed"}`, p.clock()))
	tries := p.one(t, `monitor_history_snapshots_total{result="failed"}`, p.clock())
	require.GreaterOrEqual(t, tries, 4.)
	require.LessOrEqual(t, tries, 7., "one a minute")
	limit(^uint64(0))
	killed := begin(t, copyDir(t, dir), p.clock())
	require.NoError(t, killed.db.Err(), "what was cut off is no damage")
	require.Equal(t, 5., killed.one(t, "count_over_time(late[1h])", p.clock()), "from before")
	for range 7 {
		p.step(t, 10*time.Second)
	}
	require.NoError(t, p.db.Err())
	require.Contains(t, p.log.String(), "history: it is written to disk again")
	want := answers(t, p.db, start, p.clock())
	killed = begin(t, copyDir(t, dir), p.clock())
	require.NoError(t, killed.db.Err())
	require.Equal(t, want, answers(t, killed.db, start, p.clock()))

	// Full from the start, and a restore that finds no room changes nothing.
	limit(0)
	require.NoError(t, p.db.Append(sampleOf(p.clock(), 1, "__name__", "another")))
	require.ErrorIs(t, p.db.Err(), syscall.EFBIG)
	require.ErrorIs(t, p.db.Restore(t.Context(), snapshotOf(t, killed.db)), syscall.EFBIG)
	require.Equal(t, want, answers(t, p.db, start, p.clock()))
	require.ErrorIs(t, p.db.Close(), syscall.EFBIG)
	late := begin(t, dir, p.clock())
	require.Equal(t, want, answers(t, late.db, start, p.clock()), "it can be read")
	limit(^uint64(0))
	fresh := t.TempDir()
	limit(0)
	none, err := tryBegin(fresh, start, history.WithStorageSync())
	require.NoError(t, err)
	require.ErrorIs(t, none.db.Err(), syscall.EFBIG)
	limit(^uint64(0))
	require.NoError(t, none.db.Append(sampleOf(start, 1, "__name__", "n")))
	require.NoError(t, none.db.Close())
	require.Equal(t, 1., begin(t, fresh, start).one(t, "n", start))
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
