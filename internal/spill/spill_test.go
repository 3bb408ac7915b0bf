package spill_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/spill"
)

const mebibyte = 1 << 20

// losses are what a queue said was dropped.
type losses map[string]int

func (l losses) add(reason string, items int) { l[reason] += items }

func open(t testing.TB, dir string, limit int64) (*spill.Queue, losses) {
	t.Helper()
	lost := losses{}
	q, err := spill.Open(dir, limit, lost.add)
	require.NoError(t, err)
	t.Cleanup(func() { _ = q.Close() })
	return q, lost
}

// items are n items of a batch.
func items(batch, n, size int) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		out[i] = fmt.Appendf(nil, "%d/%d %s", batch, i, strings.Repeat("x", size))
	}
	return out
}

// take returns the oldest batch and removes it.
func take(t testing.TB, q *spill.Queue) [][]byte {
	t.Helper()
	b, err := q.Oldest()
	require.NoError(t, err)
	require.NoError(t, q.Remove(b.Seq))
	return b.Items
}

func TestOrderSurvivesARestart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "made")
	q, _ := open(t, dir, mebibyte)
	_, err := q.Oldest()
	require.ErrorIs(t, err, spill.ErrEmpty)
	at := time.Now()
	for i := range 12 { // past 9, where texts and numbers are ordered differently
		require.NoError(t, q.Append(at, items(i, i+1, 0)))
	}
	require.NoError(t, q.Append(at, nil))
	require.Equal(t, int64(12*4096), q.Bytes())
	require.Equal(t, items(0, 1, 0), take(t, q))
	require.Equal(t, 77, q.Len())
	require.NoError(t, q.Close())

	q, lost := open(t, dir, mebibyte)
	require.Equal(t, 77, q.Len())
	require.Equal(t, int64(11*4096), q.Bytes())
	b, err := q.Oldest()
	require.NoError(t, err)
	require.True(t, at.Equal(b.Time))
	for i := 1; i < 12; i++ {
		require.Equal(t, items(i, i+1, 0), take(t, q))
	}
	require.NoError(t, q.Append(at, items(99, 1, 0)))
	require.Equal(t, items(99, 1, 0), take(t, q))
	require.Zero(t, q.Len())
	require.Zero(t, q.Bytes())
	require.Empty(t, lost)
}

func TestLimitHolds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	q, lost := open(t, dir, mebibyte)
	for i := range 100 {
		require.NoError(t, q.Append(time.Now(), items(i, 10, 2500)))
		require.LessOrEqual(t, q.Bytes(), int64(mebibyte))
	}
	require.LessOrEqual(t, size(t, dir), int64(mebibyte))
	require.Equal(t, 1000, q.Len()+lost[spill.Full])
	kept := q.Len() / 10
	require.Greater(t, kept, 30)
	for i := 100 - kept; i < 100; i++ { // the newest stay
		require.Equal(t, items(i, 10, 2500), take(t, q))
	}
	require.ErrorIs(t, q.Append(time.Now(), items(0, 1, 2*mebibyte)), spill.ErrTooLarge)

	require.NoError(t, q.Append(time.Now(), items(1, 10, 9000)))
	require.NoError(t, q.Append(time.Now(), items(2, 1, 0)))
	require.NoError(t, q.Close())
	q, lost = open(t, dir, 8192) // a smaller limit holds at once
	require.Equal(t, losses{spill.Full: 10}, lost)
	require.Equal(t, items(2, 1, 0), take(t, q))
}

func size(t testing.TB, dir string) (n int64) {
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

// A file that is not what was written is set aside, counted, and in nobody's way.
func TestCorruptFiles(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(t *testing.T, file string, data []byte){
		"a bit": func(t *testing.T, file string, data []byte) {
			data[len(data)/2] ^= 1
			require.NoError(t, os.WriteFile(file, data, 0o600))
		},
		"cut": func(t *testing.T, file string, data []byte) {
			require.NoError(t, os.WriteFile(file, data[:len(data)-1], 0o600))
		},
		"empty": func(t *testing.T, file string, _ []byte) { require.NoError(t, os.WriteFile(file, nil, 0o600)) },
		"longer": func(t *testing.T, file string, data []byte) {
			require.NoError(t, os.WriteFile(file, append(data, 0), 0o600))
		},
		"another format": func(t *testing.T, file string, data []byte) {
			data[0] ^= 1
			require.NoError(t, os.WriteFile(file, data, 0o600))
		},
		"in the way": func(t *testing.T, file string, _ []byte) { // it cannot be set aside
			require.NoError(t, os.WriteFile(file, nil, 0o600))
			require.NoError(t, os.MkdirAll(filepath.Join(file+".corrupt", "x"), 0o700))
		},
		"gone": func(t *testing.T, file string, _ []byte) { require.NoError(t, os.Remove(file)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			q, lost := open(t, dir, mebibyte)
			for i := range 3 {
				require.NoError(t, q.Append(time.Now(), items(i, 5, 10)))
			}
			require.Equal(t, items(0, 5, 10), take(t, q))
			files, err := filepath.Glob(filepath.Join(dir, "*.batch"))
			require.NoError(t, err)
			data, err := os.ReadFile(files[0])
			require.NoError(t, err)
			harm(t, files[0], data)

			require.Equal(t, items(2, 5, 10), take(t, q))
			require.Equal(t, losses{spill.Corrupt: 5}, lost)
			require.Zero(t, q.Len())
			require.NoFileExists(t, files[0])
		})
	}
}

func TestCorruptFilesAreBounded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	q, lost := open(t, dir, mebibyte)
	for i := range 50 {
		require.NoError(t, q.Append(time.Now(), items(i, 1, 10)))
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.batch"))
	require.NoError(t, err)
	for _, f := range files {
		require.NoError(t, os.WriteFile(f, []byte("junk"), 0o600))
	}
	_, err = q.Oldest()
	require.ErrorIs(t, err, spill.ErrEmpty)
	require.Equal(t, 50, lost[spill.Corrupt])
	aside, err := filepath.Glob(filepath.Join(dir, "*.corrupt"))
	require.NoError(t, err)
	require.Len(t, aside, 16)
}

// A file whose sum is right, and which is no batch of its name for all that.
func TestWrongFiles(t *testing.T) {
	t.Parallel()
	same := func(file []byte) []byte { return file }
	for name, tc := range map[string]struct {
		items int
		alter func(file []byte) []byte
	}{
		"as it is":       {1, same},
		"another number": {2, same},
		"few items":      {2, func(f []byte) []byte { f[spill.CountAt] = 2; return f }},
		"long item":      {1, func(f []byte) []byte { f[spill.ItemAt] = 5; return f }},
		"more behind it": {1, func(f []byte) []byte { return append(f, 0) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%020d-%d.batch", 7, tc.items)), spill.File("item", tc.alter), 0o600))
			q, lost := open(t, dir, mebibyte)
			b, err := q.Oldest()
			if name == "as it is" {
				require.NoError(t, err)
				require.Equal(t, spill.Batch{Seq: 7, Time: time.Unix(0, 0), Items: [][]byte{[]byte("item")}}, b)
				return
			}
			require.ErrorIs(t, err, spill.ErrEmpty)
			require.Equal(t, losses{spill.Corrupt: tc.items}, lost)
		})
	}
}

// A batch that Oldest returned is the caller's to count when it has to make room,
// and none of those behind it is taken for it.
func TestRoomIsMadeOfWhatIsOnItsWay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	q, lost := open(t, dir, mebibyte)
	const half = 400 << 10
	require.NoError(t, q.Append(time.Now(), items(0, 1, half)))
	require.NoError(t, q.Append(time.Now(), items(1, 1, half)))
	b, err := q.Oldest()
	require.NoError(t, err)
	require.True(t, q.Holds(b.Seq))
	require.NoError(t, q.Append(time.Now(), items(2, 1, half)))
	require.Empty(t, lost)
	require.False(t, q.Holds(b.Seq))
	require.NoError(t, q.Remove(b.Seq))
	require.Equal(t, 2, q.Len())
	require.NoError(t, q.Append(time.Now(), items(3, 1, half)))
	require.Equal(t, losses{spill.Full: 1}, lost)

	b, err = q.Oldest()
	require.NoError(t, err)
	require.NoError(t, os.Remove(filepath.Join(dir, fmt.Sprintf("%020d-1.batch", b.Seq))))
	require.NoError(t, q.Remove(b.Seq), "it is gone already")
	require.Equal(t, items(3, 1, half), take(t, q))
}

// A directory that cannot be held to its limit is not opened, and not locked.
func TestOpenFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stuck := filepath.Join(dir, "00000000000000000000-1.batch")
	require.NoError(t, os.MkdirAll(filepath.Join(stuck, "x"), 0o700))
	_, err := spill.Open(dir, 1, nil)
	require.ErrorContains(t, err, "spill: open "+dir)
	require.NotErrorIs(t, err, spill.ErrLocked)
	require.NoError(t, os.RemoveAll(stuck))
	open(t, dir, mebibyte)
}

// A file that cannot be read is as one that is corrupt.
func TestUnreadableFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	q, lost := open(t, dir, mebibyte)
	require.NoError(t, q.Append(time.Now(), items(0, 5, 0)))
	require.NoError(t, q.Append(time.Now(), items(1, 1, 0)))
	files, err := filepath.Glob(filepath.Join(dir, "*.batch"))
	require.NoError(t, err)
	require.NoError(t, os.Remove(files[0]))
	require.NoError(t, os.Mkdir(files[0], 0o700)) // a bad sector would do
	require.Equal(t, items(1, 1, 0), take(t, q))
	require.Equal(t, losses{spill.Corrupt: 5}, lost)

	require.True(t, q.OwnTrouble(&os.PathError{Err: syscall.EIO}))
	require.False(t, q.OwnTrouble(&os.PathError{Err: syscall.EMFILE}), "the process has too many files open")
}

// Corrupt files are within the limit, of this process and of the one before, and
// go before a batch does; also where the directory's name is a pattern.
func TestCorruptFilesTakeRoom(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "spill[1")
	q, lost := open(t, dir, mebibyte)
	const most = 900 << 10
	for i := range 4 {
		require.NoError(t, q.Append(time.Now(), items(i, 1, most)))
		require.LessOrEqual(t, size(t, dir), int64(mebibyte))
		require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%020d-1.batch", i)), make([]byte, most), 0o600))
		_, err := q.Oldest()
		require.ErrorIs(t, err, spill.ErrEmpty)
		require.Equal(t, int64(most), q.Bytes())
	}
	require.NoError(t, q.Close())
	q, _ = open(t, dir, mebibyte)
	require.Equal(t, int64(most), q.Bytes())
	require.NoError(t, q.Append(time.Now(), items(4, 1, 0)), "beside it")
	require.NoError(t, q.Append(time.Now(), items(5, 1, most)))
	require.LessOrEqual(t, size(t, dir), int64(mebibyte))
	require.Equal(t, items(4, 1, 0), take(t, q))
	require.Equal(t, items(5, 1, most), take(t, q))
	require.Zero(t, q.Bytes())
	require.Equal(t, losses{spill.Corrupt: 4}, lost)
}

// A queue that was closed does nothing in a directory that may be another's.
func TestClosed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	q, _ := open(t, dir, mebibyte)
	require.NoError(t, q.Append(time.Now(), items(0, 1, 0)))
	_, err := q.Oldest()
	require.NoError(t, err)
	require.NoError(t, q.Close())
	require.NoError(t, q.Close())
	next, _ := open(t, dir, mebibyte)
	require.NoError(t, next.Append(time.Now(), items(1, 1, 0)))
	require.ErrorIs(t, q.Append(time.Now(), items(2, 1, 0)), spill.ErrClosed)
	require.ErrorIs(t, q.Remove(0), spill.ErrClosed)
	_, err = q.Oldest()
	require.ErrorIs(t, err, spill.ErrClosed)
	require.Equal(t, items(0, 1, 0), take(t, next))
	require.Equal(t, items(1, 1, 0), take(t, next))
}

// A batch is synced before it has its name, and its name when it has it; one that
// cannot be synced is none.
func TestSync(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	q, _ := open(t, dir, mebibyte)
	var synced [][]string // what was there, at each sync
	errSync := error(nil)
	q.OnSync(func(f *os.File) error {
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		names := []string{filepath.Base(f.Name()) + ":"}
		for _, e := range entries {
			names = append(names, e.Name())
		}
		synced = append(synced, names)
		return errSync
	})
	require.NoError(t, q.Append(time.Now(), items(0, 1, 0)))
	const name = "00000000000000000000-1.batch"
	require.Equal(t, [][]string{{name + ".tmp:", name + ".tmp", "lock"}, {filepath.Base(dir) + ":", name, "lock"}}, synced)

	errSync = os.ErrDeadlineExceeded
	require.ErrorIs(t, q.Append(time.Now(), items(1, 1, 0)), errSync)
	require.Equal(t, 1, q.Len())
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 2)
	for _, e := range entries {
		info, err := e.Info()
		require.NoError(t, err)
		require.Zero(t, info.Mode().Perm()&0o077, "it is nobody else's to read")
	}
}

// What an earlier process did not finish is cleared away, and what is not the
// queue's is left alone.
func TestStrangers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{
		"00000000000000000003-1.batch.tmp", "x.batch", "00000000000000000001.batch", "1-1.batch", "00000000000000000001-0.batch",
		"00000000000000000001-01.batch", "notes.corrupt", "00000000000000000001-1.other",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600))
	}
	q, lost := open(t, dir, mebibyte)
	require.Zero(t, q.Bytes())
	_, err := q.Oldest()
	require.ErrorIs(t, err, spill.ErrEmpty)
	require.Empty(t, lost)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 8, "all but the first, and the lock")

	require.NoError(t, os.WriteFile(filepath.Join(dir, "00000000000000000000-1.batch.tmp"), make([]byte, 10_000), 0o600))
	require.NoError(t, q.Append(time.Now(), items(0, 1, 0)))
	require.Equal(t, items(0, 1, 0), take(t, q))
}

func TestOneProcessADirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	q, _ := open(t, dir, mebibyte)
	_, err := spill.Open(dir, mebibyte, nil)
	require.ErrorIs(t, err, spill.ErrLocked)
	require.NoError(t, q.Close())
	open(t, dir, mebibyte)
}

// A disk that does not take a batch leaves what was there as it was.
func TestFailingDisk(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "spill")
	q, lost := open(t, dir, mebibyte)
	require.NoError(t, q.Append(time.Now(), items(0, 1, 0)))
	away := dir + "-away"
	require.NoError(t, os.Rename(dir, away))
	require.Error(t, q.Append(time.Now(), items(1, 1, 0)))
	_, err := q.Oldest()
	require.ErrorIs(t, err, os.ErrNotExist, "it is not the file that is corrupt")
	require.NoError(t, os.Rename(away, dir))
	require.NoError(t, q.Append(time.Now(), items(2, 1, 0)))
	require.Equal(t, items(0, 1, 0), take(t, q))
	require.Equal(t, items(2, 1, 0), take(t, q))
	require.Empty(t, lost)
}

// Whatever Append said was written is there after a kill -9, whole and in order,
// and at most one batch more.
func TestKill(t *testing.T) {
	if dir := os.Getenv("SPILL_TEST_DIR"); dir != "" {
		q, _ := open(t, dir, 64*mebibyte)
		for i := 0; ; i++ {
			require.NoError(t, q.Append(time.Now(), items(i, 20, 200)))
			fmt.Printf("written %d\n", i)
		}
	}
	t.Parallel()
	for round := range 10 {
		dir := t.TempDir()
		cmd := exec.Command(os.Args[0], "-test.run=^TestKill$")
		cmd.Env = append(os.Environ(), "SPILL_TEST_DIR="+dir)
		var out strings.Builder
		cmd.Stdout = &out
		require.NoError(t, cmd.Start())
		time.Sleep(time.Duration(100+23*round) * time.Millisecond)
		require.NoError(t, cmd.Process.Kill())
		_ = cmd.Wait()
		written := strings.Count(out.String(), "written ")

		q, lost := open(t, dir, 64*mebibyte)
		n := q.Len() / 20
		require.GreaterOrEqual(t, n, written)
		require.LessOrEqual(t, n, written+1)
		for i := range n {
			require.Equal(t, items(i, 20, 200), take(t, q))
		}
		require.Empty(t, lost)
		require.NoError(t, q.Close())
	}
}

func BenchmarkAppend(b *testing.B) {
	q, err := spill.Open(b.TempDir(), 64*mebibyte, func(string, int) {})
	require.NoError(b, err)
	defer q.Close()
	batch := items(0, 500, 250)
	b.SetBytes(500 * 250)
	for b.Loop() {
		require.NoError(b, q.Append(time.Now(), batch))
	}
}
