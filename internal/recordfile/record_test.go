package recordfile_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/recordfile"
	"github.com/chronoretrace/chronomon/internal/recordfile/recordfiletest"
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

// TestNextRecord: it is found wherever it is in what is read at a time.
func TestNextRecord(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 1<<16 - 40} {
		for garbage := range 50 {
			file, ends := write(1, size, 10)
			file = append(append(bytes.Clone(file[:ends[0]]), bytes.Repeat([]byte{0xc5}, garbage+1)...), file[ends[0]:]...)
			var got int
			for _, r := range []io.Reader{bytes.NewReader(file), iotest.OneByteReader(bytes.NewReader(file))} {
				c, err := format.Read(r, recordfile.Log, 1, true, func([]byte) string { got++; return "" })
				require.NoError(t, err)
				require.Equal(t, []recordfile.Damage{{Offset: int64(ends[0]), Bytes: int64(garbage + 1), Reason: "a record's head is damaged"}}, c.Damage)
			}
			require.Equal(t, 4, got)
		}
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
	file := append(append(bytes.Clone(whole[:ends[0]]), make([]byte, 100)...), whole[ends[0]:]...)
	got, c := read(t, file, 3, true)
	require.Equal(t, []int{0, 1, 2}, got)
	require.Zero(t, c.Torn)
	require.Len(t, c.Damage, 1, "zeros before what is there are damage")
	_, c = read(t, whole, 4, false)
	require.NotEmpty(t, c.Damage, "a file of another number")
	_, err := format.Read(iotest.ErrReader(os.ErrPermission), recordfile.Log, 3, true, nil)
	require.ErrorIs(t, err, os.ErrPermission)
}

// greedy is a reader that notes how much it was asked for at once: what there was
// room for.
type greedy struct {
	io.Reader
	most int
}

func (g *greedy) Read(p []byte) (int, error) {
	g.most = max(g.most, len(p))
	return g.Reader.Read(p)
}

// head is how a record begins whose payload of that length is not there.
func head(number uint64, length int) []byte {
	b, at := recordfile.Begin(nil)
	size := len(b)
	b = append(b, make([]byte, length)...)
	recordfile.End(b, at, number)
	return b[:size:size]
}

// otherMark is the head of an empty record, right but for its mark.
func otherMark(number uint64) []byte {
	b := head(number, 0)
	b[0]++
	covered := append(binary.LittleEndian.AppendUint64(nil, number), b[:12]...)
	return binary.LittleEndian.AppendUint32(b[:12:12], crc32.Checksum(covered, crc32.MakeTable(crc32.Castagnoli)))
}

// TestForged: files that were made to be expensive cost what they have.
func TestForged(t *testing.T) {
	t.Parallel()
	header := format.Header(recordfile.Log, 0)
	heads := bytes.Repeat(head(0, format.MaxPayload-16-16_000), 1<<19) // each 64536th could be the next
	for name, c := range map[string]struct {
		file   []byte
		room   int
		damage int
	}{
		"a length of what is not there":   {append(append(header, head(0, format.MaxPayload)...), make([]byte, 100_000)...), 1 << 16, 1},
		"nothing but marks":               {append(header, bytes.Repeat([]byte("\xc5jr\xa9"), 1<<18)...), 1 << 16, 1},
		"nothing but other marks":         {append(header, bytes.Repeat(otherMark(0), 1<<16)...), 1 << 16, 1},
		"nothing but heads":               {append(header, heads...), format.MaxPayload - 16_000, 9},
		"nothing but heads, after damage": {append(append(header, 1), heads...), format.MaxPayload - 16_000, 10},
		"nothing but short heads":         {append(header, bytes.Repeat(head(0, 20), 1<<16)...), 1 << 16, 100},
		"nothing":                         {append(header, make([]byte, 1<<23)...), 1 << 16, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			r := &greedy{Reader: bytes.NewReader(c.file)}
			content, err := format.Read(r, recordfile.Log, 0, false, func([]byte) string { return "" })
			require.NoError(t, err)
			require.Equal(t, int64(len(c.file)), content.Size)
			require.Len(t, content.Damage, c.damage)
			require.LessOrEqual(t, r.most, c.room)
			require.Less(t, time.Since(began), 5*time.Second)
		})
	}
}

// TestReadsAhead: no more is held than the longest record and a little.
func TestReadsAhead(t *testing.T) {
	t.Parallel()
	file, ends := write(1, 600_000, 600_000, 600_000)
	r, records := bytes.NewReader(file), 0
	_, err := format.Read(r, recordfile.Log, 1, false, func([]byte) string {
		require.LessOrEqual(t, len(file)-r.Len()-ends[records], 1<<16)
		records++
		return ""
	})
	require.NoError(t, err)
	require.Equal(t, 3, records)
}

// TestLongest: what no format may have is not waited for.
func TestLongest(t *testing.T) {
	t.Parallel()
	for _, longest := range []int{100, recordfile.MaxPayload, 1 << 30} {
		f := format
		f.MaxPayload = longest
		longest = min(longest, recordfile.MaxPayload)
		for _, length := range []int{longest, longest + 1} {
			file, at := recordfile.Begin(f.Header(recordfile.Log, 1))
			file = append(file, make([]byte, length)...)
			recordfile.End(file, at, 1)
			got := 0
			c, err := f.Read(bytes.NewReader(file), recordfile.Log, 1, false, func(b []byte) string { got = len(b); return "" })
			require.NoError(t, err)
			if length == longest {
				require.Equal(t, length, got)
				require.Empty(t, c.Damage)
				continue
			}
			require.Zero(t, got)
			require.Equal(t, "a record's length is out of bounds", c.Damage[0].Reason)
		}
	}
}

// TestHeader: a file is read as what it says it is, by those who know that.
func TestHeader(t *testing.T) {
	t.Parallel()
	whole, _ := write(3, 10)
	c, err := format.Read(bytes.NewReader(whole), recordfile.Snapshot, 3, false, func([]byte) string { panic("it has none") })
	require.NoError(t, err)
	require.Equal(t, []recordfile.Damage{{Bytes: recordfile.HeaderSize, Reason: "it is a file of another kind"}}, c.Damage)
	for version, want := range map[uint16]error{0: nil, format.Version: nil, format.Version + 1: recordfile.ErrVersion} {
		other := format
		other.Version = version
		_, err := format.Read(bytes.NewReader(other.Header(recordfile.Log, 3)), recordfile.Log, 3, false, nil)
		require.ErrorIs(t, err, want)
	}
	for at := range recordfile.HeaderSize * 8 {
		flipped := bytes.Clone(whole)
		flipped[at/8] ^= 1 << (at % 8)
		got, c := read(t, flipped, 3, true)
		require.Equal(t, []int{0}, got)
		require.Equal(t, []recordfile.Damage{{Bytes: recordfile.HeaderSize, Reason: "the header is damaged"}}, c.Damage, at)
	}
	other := format
	other.Magic = "another1"
	c, err = other.Read(bytes.NewReader(whole[:recordfile.HeaderSize]), recordfile.Log, 3, true, nil)
	require.NoError(t, err)
	require.Equal(t, "the header is damaged", c.Damage[0].Reason)
}

// TestDurable: names and content outlive a power cut as soon as a call returns.
func TestDurable(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("directories are not synced")
	}
	root := t.TempDir()
	path := filepath.Join(root, "a", "b", "c")
	var synced []string
	recordfiletest.Watch(t, root, func(path string) { synced = append(synced, path) })
	dir := recordfile.Dir(path)
	lock, err := dir.Lock()
	require.NoError(t, err)
	defer func() { require.NoError(t, recordfile.Unlock(lock)) }()
	require.ElementsMatch(t, []string{root, filepath.Join(root, "a"), filepath.Join(root, "a", "b")}, synced, "each has the name of the next")

	disk := recordfiletest.NewDisk(t, path, nil)
	left := func() map[string]string {
		out := map[string]string{}
		kept := disk.Left(true)
		entries, err := os.ReadDir(kept)
		require.NoError(t, err)
		for _, e := range entries {
			content, err := os.ReadFile(filepath.Join(kept, e.Name()))
			require.NoError(t, err)
			if e.Name() != "lock" {
				out[e.Name()] = string(content)
			}
		}
		return out
	}
	for number := range uint64(2) {
		file, err := dir.Create(number+1, []byte("header"))
		require.NoError(t, err)
		_, err = file.WriteString(" and more")
		require.NoError(t, err)
		if number == 1 {
			require.NoError(t, recordfile.Sync(file))
		}
		require.NoError(t, file.Close())
	}
	require.Equal(t, map[string]string{"0000000001.log": "header", "0000000002.log": "header and more"}, left())
	require.NoError(t, dir.WriteSnapshot(2, func(f *os.File) error { _, err := f.WriteString("state"); return err }))
	require.Equal(t, map[string]string{"0000000001.log": "header", "0000000002.log": "header and more", "0000000002.snapshot": "state"}, left())
	for path, want := range map[string]os.FileMode{path: 0o700, dir.Path(1, ".log"): 0o600, dir.Path(2, ".snapshot"): 0o600} {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, want, info.Mode().Perm(), "for its owner only: %s", path)
	}
	require.NoError(t, dir.Clear(2, nil))
	require.Equal(t, map[string]string{"0000000002.log": "header and more", "0000000002.snapshot": "state"}, left())

	file, err := os.Create(filepath.Join(root, "closed"))
	require.NoError(t, err)
	require.NoError(t, file.Close())
	require.ErrorIs(t, recordfile.Sync(file), os.ErrClosed, "what is not durable is said")
}

func TestDir(t *testing.T) {
	t.Parallel()
	dir := recordfile.Dir(filepath.Join(t.TempDir(), "a[", "b*"))
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
	require.NoError(t, os.WriteFile(dir.Path(3, ".snapshot.tmp"), []byte("what a crash has left"), 0o600))
	require.NoError(t, dir.WriteSnapshot(3, func(f *os.File) error { _, err := f.WriteString("new"); return err }))
	content, err := os.ReadFile(dir.Path(3, ".snapshot"))
	require.NoError(t, err)
	require.Equal(t, "new", string(content))
	require.ErrorIs(t, dir.WriteSnapshot(4, func(*os.File) error { return os.ErrInvalid }), os.ErrInvalid)
	require.NoFileExists(t, dir.Path(4, ".snapshot.tmp"))
	require.NoFileExists(t, dir.Path(4, ".snapshot"))
	require.NoError(t, os.WriteFile(dir.Path(5, ".snapshot.tmp"), nil, 0o600))
	found, err := dir.List()
	require.NoError(t, err)
	require.Equal(t, recordfile.Found{Snapshots: []uint64{3}, Logs: []uint64{1, 2, 3}}, found)
	require.NoError(t, dir.Clear(3, []string{filepath.Base(dir.Path(2, ".log"))}))
	require.Equal(t, []string{dir.Path(2, ".log.damaged"), dir.Path(3, ".log"), dir.Path(3, ".snapshot")}, files(t, dir))
	for number := uint64(4); number < 10; number++ { // all of them damaged; the newest four are kept
		file, err := dir.Create(number, []byte("header"))
		require.NoError(t, err)
		require.NoError(t, file.Close())
		require.NoError(t, dir.Clear(number+1, []string{filepath.Base(dir.Path(number, ".log"))}))
	}
	require.Equal(t, []string{
		dir.Path(6, ".log.damaged"), dir.Path(7, ".log.damaged"), dir.Path(8, ".log.damaged"), dir.Path(9, ".log.damaged"),
	}, files(t, dir))
	require.NoError(t, recordfile.Unlock(lock))
	lock, err = dir.Lock()
	require.NoError(t, err)
	require.NoError(t, recordfile.Unlock(lock))
}

// TestOthersFiles: what has another's name is left alone.
func TestOthersFiles(t *testing.T) {
	t.Parallel()
	dir := recordfile.Dir(t.TempDir())
	others := []string{"0.log", "0000000000.log", "00000000008.snapshot", "0000000009.txt", "7.log", "9.snapshot.damaged", "x.log"}
	for _, name := range others {
		require.NoError(t, os.WriteFile(filepath.Join(string(dir), name), nil, 0o600))
	}
	found, err := dir.List()
	require.NoError(t, err)
	require.Zero(t, found)
	require.NoError(t, dir.Clear(100, []string{"x.log"}))
	for _, name := range others {
		require.FileExists(t, filepath.Join(string(dir), name))
	}
}

// files are all files of a directory but the lock.
func files(t *testing.T, dir recordfile.Dir) (paths []string) {
	t.Helper()
	entries, err := os.ReadDir(string(dir))
	require.NoError(t, err)
	for _, e := range entries {
		if e.Name() != "lock" {
			paths = append(paths, filepath.Join(string(dir), e.Name()))
		}
	}
	return paths
}
