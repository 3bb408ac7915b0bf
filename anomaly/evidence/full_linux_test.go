package evidence_test

import (
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/anomaly/evidence"
)

// A disk that is full in the middle of a bundle costs that bundle, leaves nothing of
// it, and the next one is stored when there is room. The limit is the process's: the
// test is alone.
func TestDiskFull(t *testing.T) {
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
	b := setup(t, evidence.WithCooldown(24*time.Hour))
	stop := b.run(t)
	limit(1000)
	b.capture(t, "x")
	require.Eventually(t, func() bool { return b.value(t, "anomaly_evidence_bundles_total", "failed") == 1 }, 10*time.Second, time.Millisecond)
	limit(^uint64(0))
	entries, err := os.ReadDir(b.dir)
	require.NoError(t, err)
	require.Empty(t, entries)
	require.Eventually(t, func() bool { // it is no longer in its cooldown
		b.files(t, b.capture(t, "x"))
		return b.value(t, "anomaly_evidence_bundles_total", "ok") == 1
	}, 10*time.Second, 10*time.Millisecond)
	stop()
	require.Zero(t, b.value(t, "anomaly_evidence_written_bytes_total")-float64(size(t, b.dir)))
	require.Contains(t, b.log.String(), "a bundle was not stored")
}

// size is that of all files in a directory.
func size(t *testing.T, dir string) (sum int64) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		info, err := e.Info()
		require.NoError(t, err)
		sum += info.Size()
	}
	return sum
}
