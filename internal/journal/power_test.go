package journal_test

import (
	"bytes"
	"maps"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/journal"
	"github.com/chronoretrace/chronomon/internal/recordfile/recordfiletest"
)

// TestPowerCut cuts the power before and after every fsync: what was acknowledged
// is there, and nothing is damaged.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("directories are not synced")
	}
	dir := filepath.Join(t.TempDir(), "journal")
	known, next := map[string]string{}, map[string]string{} // what is acknowledged, and what is under way
	cuts := 0
	check := func(d *recordfiletest.Disk) {
		for _, removed := range []bool{false, true} {
			cuts++
			s, err := journal.Open(journal.Config{Dir: d.Left(removed)})
			require.NoError(t, err)
			require.Empty(t, s.Stats().Damage)
			if got := state(t, s); !maps.Equal(got, next) {
				require.True(t, maps.Equal(got, known), "%d keys are there, %d were acknowledged", len(got), len(known))
			}
			require.NoError(t, s.Close())
		}
	}
	disk := recordfiletest.NewDisk(t, dir, check)
	acknowledged := func() {
		known = maps.Clone(next)
		check(disk)
	}
	s := open(t, journal.Config{Dir: dir})
	acknowledged()
	write := func(key, value string) {
		next[key] = value
		put(t, s, key, value)
		acknowledged()
	}
	var backup bytes.Buffer
	for i := range 30 { // three times what is compacted
		write(strconv.Itoa(i%5), strconv.Itoa(i)+strings.Repeat("x", 100_000))
		if i == 12 {
			require.NoError(t, s.Snapshot(t.Context(), &backup))
		}
	}
	require.NoError(t, s.Close())
	s = open(t, journal.Config{Dir: dir})
	check(disk)
	write("a", "1")
	next = map[string]string{}
	for i := range 13 {
		next[strconv.Itoa(i%5)] = strconv.Itoa(i) + strings.Repeat("x", 100_000)
	}
	require.NoError(t, s.Restore(t.Context(), &backup))
	acknowledged()
	write("b", "2")
	delete(next, "b")
	require.NoError(t, journal.Delete(t.Context(), s, "b"))
	acknowledged()
	require.Greater(t, cuts, 150)
}
