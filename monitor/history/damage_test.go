package history_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/history"
)

const damageSeries, damageEach = 1500, 10

// damageable is a directory with a snapshot and two logs, damageEach samples of
// each series in each, and the time of the newest.
func damageable(t testing.TB) (dir string, at time.Time) {
	t.Helper()
	dir = t.TempDir()
	at = start
	add := func(p *process) {
		for range damageEach {
			at = at.Add(time.Second)
			batch := make([]monitor.Sample, damageSeries)
			for i := range batch {
				batch[i] = sampleOf(at, float64(i), "__name__", "n", "i", strconv.Itoa(i))
			}
			require.NoError(t, p.db.Append(batch...))
		}
	}
	p := begin(t, dir, start)
	add(p)
	require.NoError(t, p.db.Close())
	p = begin(t, dir, start)
	add(p)
	require.NoError(t, p.db.Rotate())
	add(p)
	dir = copyDir(t, dir)
	require.Equal(t, []string{"log", "log", "snapshot"}, files(t, dir))
	return dir, at
}

// loaded is how many samples a history has.
func (r rig) loaded(t testing.TB, at time.Time) int {
	t.Helper()
	n := 0.
	for _, v := range r.query(t, "sum(count_over_time(n[1h]))", at) {
		n = v
	}
	return int(n)
}

// TestFlippedByte: whichever byte of whichever file is wrong, the history opens,
// says so, sets the file aside, and has nearly everything.
func TestFlippedByte(t *testing.T) {
	t.Parallel()
	dir, at := damageable(t)
	rounds := 150
	if testing.Short() || raceEnabled {
		rounds = 25
	}
	rng := rand.New(rand.NewPCG(1, 2))
	const all = 3 * damageEach * damageSeries
	worst := all
	for i := range rounds {
		bad := copyDir(t, dir)
		list := fileNames(t, bad)
		name := list[i%len(list)]
		data, err := os.ReadFile(filepath.Join(bad, name))
		require.NoError(t, err)
		offset := rng.IntN(len(data))
		if i < 48 {
			offset = i / len(list) // the header, all of it
		}
		data[offset] ^= 1 << rng.IntN(8)
		require.NoError(t, os.WriteFile(filepath.Join(bad, name), data, 0o600))
		what := fmt.Sprintf("byte %d of %s", offset, name)

		p := begin(t, bad, at)
		require.ErrorIs(t, p.db.Err(), history.ErrDamaged, what)
		require.ErrorContains(t, p.db.Err(), name)
		require.Contains(t, p.log.String(), "history: damage; the file is kept as .damaged, the rest is loaded")
		n := p.loaded(t, at)
		worst = min(worst, n)
		require.GreaterOrEqual(t, n, all-6000, what)
		kept, err := os.ReadFile(filepath.Join(bad, name+".damaged"))
		require.NoError(t, err)
		require.Equal(t, data, kept)
		require.NoError(t, p.db.Close())

		p = begin(t, bad, at)
		require.NoError(t, p.db.Err(), "said once")
		require.Equal(t, n, p.loaded(t, at))
		require.NoError(t, p.db.Close())
		require.NoError(t, os.RemoveAll(bad))
	}
	t.Logf("%d flips: of %d samples, %d were left in the worst case", rounds, all, worst)
}

func fileNames(t testing.TB, dir string) (out []string) {
	t.Helper()
	for _, pattern := range []string{"*.log", "*.snapshot"} {
		list, err := filepath.Glob(filepath.Join(dir, pattern))
		require.NoError(t, err)
		for _, path := range list {
			out = append(out, filepath.Base(path))
		}
	}
	return out
}

// TestLostFiles: files that are gone, empty, garbage, or cut off.
func TestLostFiles(t *testing.T) {
	t.Parallel()
	dir, at := damageable(t)
	const part = damageEach * damageSeries
	garbage := make([]byte, 100_000)
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range garbage {
		garbage[i] = byte(rng.Uint32())
	}
	write := func(b []byte) func(string) error {
		return func(path string) error { return os.WriteFile(path, b, 0o600) }
	}
	half := func(path string) error {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		return os.Truncate(path, info.Size()/2)
	}
	list := fileNames(t, dir)
	first, last, snapshot := list[0], list[1], list[2]
	for name, c := range map[string]struct {
		file    string
		change  func(path string) error
		least   int
		damaged bool
	}{
		"snapshot gone":    {snapshot, os.Remove, 2 * part, true},
		"snapshot empty":   {snapshot, write(nil), 2 * part, true},
		"snapshot garbage": {snapshot, write(garbage), 2 * part, true},
		"snapshot cut off": {snapshot, half, 2 * part, true},
		"snapshot zeros":   {snapshot, write(make([]byte, 5000)), 2 * part, true},
		"log gone":         {first, os.Remove, 2 * part, true},
		"log empty":        {first, write(nil), 2 * part, true},
		"log garbage":      {first, write(garbage), 2 * part, true},
		"log cut off":      {first, half, 2*part + damageSeries, true},
		"last log gone":    {last, os.Remove, 2 * part, false}, // nothing tells that it was there
		"last log empty":   {last, write(nil), 2 * part, false},
		"last log zeros":   {last, write(make([]byte, 5000)), 2 * part, false},
		"last log cut off": {last, half, 2*part + damageSeries, false},
		"last log garbage": {last, write(garbage), 2 * part, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bad := copyDir(t, dir)
			require.NoError(t, c.change(filepath.Join(bad, c.file)))
			p := begin(t, bad, at)
			if c.damaged {
				require.ErrorIs(t, p.db.Err(), history.ErrDamaged)
			} else {
				require.NoError(t, p.db.Err())
			}
			n := p.loaded(t, at)
			require.GreaterOrEqual(t, n, c.least)
			require.Less(t, n, 3*part)
			later := at.Add(time.Second)
			require.NoError(t, p.db.Append(sampleOf(later, 1, "__name__", "n", "i", "0")))
			killed := begin(t, copyDir(t, bad), later)
			require.NoError(t, killed.db.Err())
			require.Equal(t, n+1, killed.loaded(t, later))
			require.NoError(t, p.db.Close())
			again := begin(t, bad, later)
			require.NoError(t, again.db.Err())
			require.Equal(t, n+1, again.loaded(t, later))
		})
	}
}

// TestKilledBetweenLogs: the next log was made while the one before was written to.
func TestKilledBetweenLogs(t *testing.T) {
	t.Parallel()
	dir, at := damageable(t)
	list := fileNames(t, dir)
	number, err := strconv.ParseUint(strings.TrimSuffix(list[1], ".log"), 10, 64)
	require.NoError(t, err)
	path := filepath.Join(dir, list[1])
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.NoError(t, os.Truncate(path, info.Size()-100))
	next := filepath.Join(dir, fmt.Sprintf("%010d.log", number+1))
	for _, header := range [][]byte{history.LogHeader(number + 1), history.LogHeader(number + 1)[:7], {}} {
		bad := copyDir(t, dir)
		require.NoError(t, os.WriteFile(filepath.Join(bad, filepath.Base(next)), header, 0o600))
		for range 2 {
			p := begin(t, bad, at)
			require.NoError(t, p.db.Err())
			n := p.loaded(t, at)
			require.Equal(t, (3*damageEach-1)*damageSeries, n)
			require.NoError(t, p.db.Append(sampleOf(at.Add(time.Second), 1, "__name__", "other")))
			bad = copyDir(t, bad)
		}
	}
}

// TestOlderSnapshot: a crash leaves two snapshots; if the newer one is damaged the
// older one has what it had.
func TestOlderSnapshot(t *testing.T) {
	t.Parallel()
	dir, at := damageable(t)
	closed := copyDir(t, dir)
	p := begin(t, closed, at)
	all := p.loaded(t, at)
	require.Equal(t, 3*damageEach*damageSeries, all)
	require.NoError(t, p.db.Close())
	good := copyDir(t, dir)
	for _, name := range fileNames(t, closed) {
		data, err := os.ReadFile(filepath.Join(closed, name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(good, name), data, 0o600))
		if strings.HasSuffix(name, ".snapshot") {
			data[len(data)/2] ^= 1
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	p = begin(t, good, at)
	require.NoError(t, p.db.Err())
	require.Equal(t, all, p.loaded(t, at))
	require.Equal(t, []string{"log", "snapshot"}, files(t, good), "what the newer one has is removed")

	p = begin(t, dir, at)
	require.ErrorIs(t, p.db.Err(), history.ErrDamaged)
	require.Equal(t, all, p.loaded(t, at))
	at = at.Add(time.Second)
	p.sample(t, at)
	require.Positive(t, p.one(t, "monitor_history_damaged_regions_total", at))
	require.Positive(t, p.one(t, `monitor_history_disk_bytes{part="damaged"}`, at))
	require.NoError(t, p.db.Close())
	require.Equal(t, []string{"damaged", "log", "snapshot"}, files(t, dir))
}

func TestLaterVersionIsLeftAlone(t *testing.T) {
	t.Parallel()
	dir, at := damageable(t)
	list := fileNames(t, dir)
	path := filepath.Join(dir, list[2])
	number, err := strconv.ParseUint(strings.TrimSuffix(list[2], ".snapshot"), 10, 64)
	require.NoError(t, err)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	copy(data, history.HeaderOfVersion(2, number))
	require.NoError(t, os.WriteFile(path, data, 0o600))
	for range 2 {
		_, err = tryBegin(dir, at)
		require.ErrorIs(t, err, history.ErrVersion, "and it is not locked")
		require.ErrorContains(t, err, dir)
	}
	kept, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, data, kept)
}

// FuzzLoad reads any file: it is what was written, or is called damaged; whatever
// it is can be asked.
func FuzzLoad(f *testing.F) {
	dir := f.TempDir()
	p := begin(f, dir, start, watched...)
	p.measure(f)
	for range 5 {
		p.step(f, 10*time.Second)
	}
	for _, name := range fileNames(f, copyDir(f, dir)) {
		data, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(f, err)
		for _, payload := range history.Payloads(data, false, 1) {
			f.Add(payload, false)
		}
	}
	require.NoError(f, p.db.Close())
	for _, name := range fileNames(f, dir) {
		data, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(f, err)
		number, err := strconv.ParseUint(strings.Split(name, ".")[0], 10, 64)
		require.NoError(f, err)
		for _, payload := range history.Payloads(data, true, number) {
			f.Add(payload, true)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, snapshot bool) {
		history.LoadRecord(data, snapshot)
		history.LoadFile(data, snapshot)
	})
}
