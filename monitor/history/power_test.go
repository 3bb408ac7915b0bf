package history_test

import (
	"bytes"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/recordfile/recordfiletest"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/history"
)

// TestPowerCut cuts the power before every fsync, and now and then between: what
// was confirmed is there, and nothing is damaged.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("directories are not synced")
	}
	dir := filepath.Join(t.TempDir(), "history")
	now, confirmed, cuts := start, 0, 0
	check := func(d *recordfiletest.Disk) {
		for _, removed := range []bool{false, true} {
			cuts++
			left := begin(t, d.Left(removed), now)
			require.NoError(t, left.db.Err())
			n := left.loaded(t, now)
			require.GreaterOrEqual(t, n, confirmed)
			require.Zero(t, n%10, "a batch is there as a whole")
		}
	}
	disk := recordfiletest.NewDisk(t, dir, check)
	opts := []history.Option{history.WithFileSizes(2000, 4000), history.WithStorageSync()}
	p := begin(t, dir, start, opts...)
	total := 0
	write := func() {
		now = now.Add(time.Second)
		p.set(now)
		batch := make([]monitor.Sample, 10)
		for i := range batch {
			batch[i] = sampleOf(now, float64(total*i)/7, "__name__", "n", "i", strconv.Itoa(i))
		}
		require.NoError(t, p.db.Append(batch...))
		total += len(batch)
	}
	var backup bytes.Buffer
	for i := range 60 {
		write()
		confirmed = total
		if i%5 == 0 {
			check(disk)
		}
		if i == 30 {
			require.NoError(t, p.db.Snapshot(t.Context(), &backup))
		}
	}
	require.NoError(t, p.db.Close())
	confirmed = total
	check(disk)
	p = begin(t, dir, now, opts...)
	write()
	write()
	confirmed = 310
	require.NoError(t, p.db.Restore(t.Context(), &backup))
	check(disk)
	write()
	write()
	confirmed = 330
	check(disk)
	p.db.Abandon()
	require.Greater(t, cuts, 100)
}
