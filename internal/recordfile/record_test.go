package recordfile_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/recordfile"
)

var format = recordfile.Format{Magic: "chrntest", Version: 1, MaxPayload: 1 << 20}

// write makes a log of payloads of these sizes, each of which says which it is.
func write(number uint64, sizes ...int) (file []byte, ends []int) {
	file = format.Header(recordfile.Log, number)
	for i, size := range sizes {
		var at int
		file, at = recordfile.Begin(file)
		file = fmt.Appendf(file, "%d.", i)
		file = append(file, bytes.Repeat([]byte{0xff}, size)...)
		recordfile.End(file, at, number)
		ends = append(ends, len(file))
	}
	return file, ends
}

// read returns which records were read.
func read(t testing.TB, file []byte, number uint64, last bool) (got []int, c recordfile.Content) {
	t.Helper()
	c, err := format.Read(iotest.HalfReader(bytes.NewReader(file)), recordfile.Log, number, last, func(b []byte) string {
		var i int
		_, err := fmt.Sscanf(string(b), "%d.", &i)
		require.NoError(t, err)
		got = append(got, i)
		return ""
	})
	require.NoError(t, err)
	require.Equal(t, int64(len(file)), c.Size)
	return got, c
}

// TestDamageAnywhere: of files much longer than what is read at a time, all
// records are read but the one that is damaged.
func TestDamageAnywhere(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		var sizes, all []int
		for i := range 12 {
			sizes = append(sizes, rng.IntN(200_000))
			all = append(all, i)
		}
		file, ends := write(7, sizes...)
		got, c := read(t, file, 7, false)
		require.Equal(t, all, got)
		require.Empty(t, c.Damage)

		at := rng.IntN(len(file))
		if rng.IntN(2) == 0 { // in the head of a record
			at = ends[rng.IntN(len(ends)-1)] + rng.IntN(16)
		}
		file[at] ^= 1 << rng.IntN(8)
		got, c = read(t, file, 7, rng.IntN(2) == 0)
		require.Len(t, c.Damage, 1)
		require.Zero(t, c.Torn)
		lost := 0
		for lost < len(ends) && ends[lost] <= at {
			lost++
		}
		if at < recordfile.HeaderSize {
			require.Equal(t, all, got)
			require.Equal(t, int64(recordfile.HeaderSize), c.Damage[0].Bytes)
			continue
		}
		require.Equal(t, append(append([]int{}, all[:lost]...), all[lost+1:]...), got, "at %d", at)
		begin := recordfile.HeaderSize
		if lost > 0 {
			begin = ends[lost-1]
		}
		require.Equal(t, int64(begin), c.Damage[0].Offset)
		require.Equal(t, int64(ends[lost]-begin), c.Damage[0].Bytes)
	}
}

// TestTorn: what is cut off, or was never written, is no damage of the newest log.
func TestTorn(t *testing.T) {
	t.Parallel()
	whole, ends := write(3, 100_000, 5, 100_000)
	for _, size := range []int{0, 5, 16, 20, 40, 70_000, ends[0] + 3, ends[1] - 1, ends[1] + 90_000} {
		for _, zeros := range []int{0, 10, 200_000} {
			file := append(bytes.Clone(whole[:size]), make([]byte, zeros)...)
			got, c := read(t, file, 3, true)
			require.LessOrEqual(t, len(got), 2)
			if zeros == 0 || size == 0 || size == 16 {
				require.Empty(t, c.Damage, "%d and %d zeros", size, zeros)
			}
			_, c = read(t, file, 3, false)
			require.Zero(t, c.Torn)
			if zeros > 0 || size != 16 {
				require.NotEmpty(t, c.Damage, "%d and %d zeros", size, zeros)
			}
		}
	}
	_, c := read(t, whole, 4, false)
	require.NotEmpty(t, c.Damage, "a file of another number")
	_, err := format.Read(iotest.ErrReader(os.ErrPermission), recordfile.Log, 3, true, nil)
	require.ErrorIs(t, err, os.ErrPermission)
}

func TestDir(t *testing.T) {
	t.Parallel()
	dir := recordfile.Dir(filepath.Join(t.TempDir(), "a", "b"))
	lock, err := dir.Lock()
	require.NoError(t, err)
	_, err = dir.Lock()
	require.ErrorIs(t, err, recordfile.ErrLocked)
	for number := range uint64(3) {
		file, err := dir.Create(number+1, []byte("header"))
		require.NoError(t, err)
		require.NoError(t, file.Close())
	}
	_, err = dir.Create(2, nil)
	require.ErrorIs(t, err, os.ErrExist)
	require.NoError(t, dir.WriteSnapshot(3, func(f *os.File) error { return nil }))
	require.ErrorIs(t, dir.WriteSnapshot(4, func(*os.File) error { return os.ErrInvalid }), os.ErrInvalid)
	require.NoError(t, os.WriteFile(dir.Path(5, ".snapshot.tmp"), nil, 0o600))
	found, err := dir.List()
	require.NoError(t, err)
	require.Equal(t, recordfile.Found{Snapshots: []uint64{3}, Logs: []uint64{1, 2, 3}}, found)
	require.NoError(t, dir.Clear(3, []string{filepath.Base(dir.Path(2, ".log"))}))
	names, err := filepath.Glob(filepath.Join(string(dir), "0*"))
	require.NoError(t, err)
	require.Equal(t, []string{dir.Path(2, ".log.damaged"), dir.Path(3, ".log"), dir.Path(3, ".snapshot")}, names)
	require.NoError(t, recordfile.Unlock(lock))
	lock, err = dir.Lock()
	require.NoError(t, err)
	require.NoError(t, recordfile.Unlock(lock))
}
