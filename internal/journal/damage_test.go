package journal_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/journal"
)

// someWrites are writes, each of one key, and what the state is after each.
func someWrites() (writes, states []map[string][]byte) {
	state := map[string][]byte{}
	states = append(states, map[string][]byte{})
	for i := range 12 {
		w := map[string][]byte{fmt.Sprintf("key%d", i): bytes.Repeat([]byte{byte(i + 1)}, i*3+1)}
		if i == 7 {
			w = map[string][]byte{"key3": nil, "key4": []byte("again")}
		}
		writes = append(writes, w)
		now := map[string][]byte{}
		for _, m := range []map[string][]byte{state, w} {
			for k, v := range m {
				now[k] = v
				if v == nil {
					delete(now, k)
				}
			}
		}
		state = now
		states = append(states, now)
	}
	return writes, states
}

// TestCutOffAnywhere: a log that ends anywhere has all writes before that, and
// is not called damaged.
func TestCutOffAnywhere(t *testing.T) {
	t.Parallel()
	writes, states := someWrites()
	log, ends := journal.Encode(3, writes...)
	for size := range len(log) + 1 {
		whole := 0
		for whole < len(ends) && ends[whole] <= size {
			whole++
		}
		for _, tail := range [][]byte{nil, make([]byte, 100)} {
			got, damage, torn, err := journal.Read(append(bytes.Clone(log[:size]), tail...), false, 3, true)
			require.NoError(t, err)
			require.Equal(t, states[whole], got, "at %d", size)
			if tail == nil {
				require.Empty(t, damage, "at %d", size)
				begin := 16
				if whole > 0 {
					begin = ends[whole-1]
				}
				if size < 16 {
					begin = 0
				}
				require.Equal(t, int64(size-begin), torn, "at %d", size)
			}
		}
		if size < len(log) && (whole == 0 || size > ends[whole-1]) && size != 16 { // between records nothing shows
			_, damage, _, err := journal.Read(log[:size], false, 3, false)
			require.NoError(t, err)
			require.NotEmpty(t, damage, "one that was finished is not cut off by a crash: at %d", size)
		}
	}
}

// TestCutOffFile: whatever a crash left of the newest log, the journal can be
// written to and read again.
func TestCutOffFile(t *testing.T) {
	t.Parallel()
	for _, compacted := range []bool{false, true} {
		for size := range 120 {
			dir := t.TempDir()
			s := open(t, journal.Config{Dir: dir})
			want := map[string]string{}
			if compacted {
				put(t, s, "before", "1")
				require.NoError(t, s.Close())
				s = open(t, journal.Config{Dir: dir})
				want["before"] = "1"
			}
			put(t, s, "cut", "off")
			put(t, s, "cut", "off again")
			require.NoError(t, s.Close())
			logs, err := filepath.Glob(filepath.Join(dir, "*.log"))
			require.NoError(t, err)
			require.Len(t, logs, 1)
			info, err := os.Stat(logs[0])
			require.NoError(t, err)
			if int64(size) > info.Size() {
				break
			}
			require.NoError(t, os.Truncate(logs[0], int64(size)))
			s = open(t, journal.Config{Dir: dir})
			require.Empty(t, s.Stats().Damage)
			got := state(t, s)
			delete(got, "cut")
			require.Equal(t, want, got, "at %d", size)
			put(t, s, "cut", "and whole")
			want["cut"] = "and whole"
			require.NoError(t, s.Close())
			s = open(t, journal.Config{Dir: dir})
			require.Empty(t, s.Stats().Damage, "at %d", size)
			require.Equal(t, want, state(t, s), "at %d", size)
			require.NoError(t, s.Close())
		}
	}
}

// TestFlippedBit: whichever bit is wrong, all other records load, and it is said.
func TestFlippedBit(t *testing.T) {
	t.Parallel()
	var writes []map[string][]byte
	for i := range 6 {
		writes = append(writes, map[string][]byte{fmt.Sprintf("key%d", i): []byte("value")})
	}
	log, _ := journal.Encode(1, writes...)
	for at := range log {
		for bit := range 8 {
			bad := bytes.Clone(log)
			bad[at] ^= 1 << bit
			got, damage, torn, err := journal.Read(bad, false, 1, true)
			require.NoError(t, err)
			require.GreaterOrEqual(t, len(got), len(writes)-1, "at %d", at)
			require.Len(t, damage, 1, "at %d, torn %d", at, torn)
			require.Zero(t, torn)
			for key, value := range got {
				require.Regexp(t, "^key[0-5]$", key)
				require.Equal(t, "value", string(value))
			}
		}
	}
}

// TestForeignRecords: a value that looks like records is none, not even where
// the head of its own is damaged.
func TestForeignRecords(t *testing.T) {
	t.Parallel()
	inner, _ := journal.Encode(1, map[string][]byte{"inner": {}}, map[string][]byte{"inner2": {}})
	log, ends := journal.Encode(2, map[string][]byte{"a": {1}}, map[string][]byte{"b": inner}, map[string][]byte{"c": {3}})
	log[ends[0]+5] ^= 1
	got, damage, _, err := journal.Read(log, false, 2, true)
	require.NoError(t, err)
	require.Equal(t, map[string][]byte{"a": {1}, "c": {3}}, got)
	require.Len(t, damage, 1)
	require.Equal(t, journal.Damage{Offset: int64(ends[0]), Bytes: int64(ends[1] - ends[0]), Reason: "a record's head is damaged"}, damage[0])
}

func TestDamageIsSetAside(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, journal.Config{Dir: dir})
	for i := range 100 {
		put(t, s, fmt.Sprintf("key%02d", i), "value")
	}
	want := state(t, s)
	require.NoError(t, s.Close())
	s = open(t, journal.Config{Dir: dir}) // compacts
	put(t, s, "later", "in the log")
	want["later"] = "in the log"
	require.NoError(t, s.Close())

	snapshots, err := filepath.Glob(filepath.Join(dir, "*.snapshot"))
	require.NoError(t, err)
	require.Len(t, snapshots, 1)
	data, err := os.ReadFile(snapshots[0])
	require.NoError(t, err)
	at := bytes.Index(data, []byte("key42"))
	data[at] = 'X'
	require.NoError(t, os.WriteFile(snapshots[0], data, 0o600))

	var log bytes.Buffer
	set := newSet(t)
	s = open(t, journal.Config{Dir: dir, Name: "silences", Logger: slog.New(slog.NewTextHandler(&log, nil)), Instruments: set})
	delete(want, "key42")
	require.Equal(t, want, state(t, s))
	name := filepath.Base(snapshots[0])
	damage := s.Stats().Damage
	require.Len(t, damage, 2, "the record, and the number of keys at the end")
	require.Equal(t, name, damage[0].File)
	require.Contains(t, damage[0].String(), "a record's checksum is wrong")
	require.Contains(t, log.String(), "the file is kept as .damaged, the rest is loaded")
	require.Contains(t, log.String(), name)
	require.NotContains(t, log.String(), "value")
	require.Contains(t, exposition(t, set), `monitor_journal_damaged_regions_total{journal="silences"} 2`)
	kept, err := os.ReadFile(snapshots[0] + ".damaged")
	require.NoError(t, err)
	require.Equal(t, data, kept)
	put(t, s, "key42", "new")
	require.NoError(t, s.Close())
	s = open(t, journal.Config{Dir: dir})
	require.Empty(t, s.Stats().Damage, "said once")
	want["key42"] = "new"
	require.Equal(t, want, state(t, s))
}

// TestDamagedFilesAreBounded: the newest few are kept.
func TestDamagedFilesAreBounded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i := range 10 {
		s := open(t, journal.Config{Dir: dir})
		put(t, s, strconv.Itoa(i), "value")
		require.NoError(t, s.Close())
		logs, err := filepath.Glob(filepath.Join(dir, "*.log"))
		require.NoError(t, err)
		require.Len(t, logs, 1)
		data, err := os.ReadFile(logs[0])
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(logs[0], bytes.Replace(data, []byte("value"), []byte("VALUE"), 1), 0o600))
	}
	open(t, journal.Config{Dir: dir})
	require.Equal(t, 4, strings.Count(strings.Join(suffixes(t, dir), " "), "damaged"))
}

func TestMissingLog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log, _ := journal.Encode(3, map[string][]byte{"a": []byte("1")})
	require.NoError(t, os.WriteFile(filepath.Join(dir, "0000000003.log"), log, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "0000000009.snapshot.tmp"), log, 0o600))
	s := open(t, journal.Config{Dir: dir})
	require.Equal(t, map[string]string{"a": "1"}, state(t, s))
	require.Equal(t, []journal.Damage{{File: "0000000001.log", Reason: "the log is missing"}}, s.Stats().Damage)
	require.Equal(t, []string{"log", "snapshot"}, suffixes(t, dir))
}

// TestLeftBehind: whatever a crash, or a disk, has left beside a whole log that is
// empty, the next Open ends with one snapshot and one log.
func TestLeftBehind(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(dir, snapshot string){
		"an older snapshot": func(dir, _ string) {
			require.NoError(t, os.WriteFile(filepath.Join(dir, "0000000001.snapshot"), []byte("old"), 0o600))
		},
		"an older log": func(dir, _ string) {
			require.NoError(t, os.WriteFile(filepath.Join(dir, "0000000001.log"), []byte("old"), 0o600))
		},
		"damage": func(_, snapshot string) {
			data, err := os.ReadFile(snapshot)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(snapshot, bytes.Replace(data, []byte("value of b"), []byte("VALUE of b"), 1), 0o600))
		},
	} {
		dir := t.TempDir()
		s := open(t, journal.Config{Dir: dir})
		put(t, s, "a", "value of a")
		put(t, s, "b", "value of b")
		require.NoError(t, s.Close())
		s = open(t, journal.Config{Dir: dir}) // compacts: a snapshot, an empty log
		require.NoError(t, s.Close())
		snapshots, err := filepath.Glob(filepath.Join(dir, "*.snapshot"))
		require.NoError(t, err)
		require.Len(t, snapshots, 1)
		leave(dir, snapshots[0])
		want := map[string]string{"a": "value of a", "b": "value of b"}
		files := []string{"log", "snapshot"}
		if name == "damage" {
			delete(want, "b")
			files = []string{"damaged", "log", "snapshot"}
		}
		for range 2 {
			s = open(t, journal.Config{Dir: dir})
			require.Equal(t, want, state(t, s), name)
			require.NoError(t, s.Close())
			require.Equal(t, files, suffixes(t, dir), name)
		}
		require.Empty(t, s.Stats().Damage, name)
	}
}

// TestOddPayloads: what does not decode to its last byte is damage, whatever its
// checksum says.
func TestOddPayloads(t *testing.T) {
	t.Parallel()
	good := []byte{1, 1, 1, 1, 'z', 1, 'v'} // one change: put z = v
	for name, odd := range map[string][]byte{
		"nothing":              {},
		"no count":             {1},
		"a count without end":  {1, 0xff},
		"another kind":         {3, 0},
		"no change":            {1, 1},
		"fewer changes":        {1, 2, 0, 1, 'a'},
		"another change":       {1, 1, 2, 1, 'a', 0},
		"a key cut off":        {1, 1, 0, 5, 'a'},
		"no value":             {1, 1, 1, 1, 'a'},
		"a value cut off":      {1, 1, 1, 1, 'a', 9, 'v'},
		"more after the last":  {1, 1, 1, 1, 'a', 1, 'v', 0},
		"a key that is none":   {1, 1, 0, 0},
		"a snapshot's end":     {2, 1}, // of one key, as many as were read
		"more after the end":   {2, 1, 0},
		"a length beyond ints": {1, 1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 'a'},
	} {
		got, damage, torn, err := journal.Read(journal.Raw(1, good, odd, good), false, 1, true)
		require.NoError(t, err)
		require.Equal(t, map[string][]byte{"z": []byte("v")}, got, name)
		require.Len(t, damage, 1, name)
		require.Zero(t, torn)
	}
}

// TestTooManyChanges: a record of more than a write may have is none of ours.
func TestTooManyChanges(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{journal.MaxChange: journal.MaxChange, journal.MaxChange + 1: 0} {
		w := map[string][]byte{}
		for i := range n {
			w[strconv.Itoa(i)] = nil
			if i%2 == 0 {
				w[strconv.Itoa(i)] = []byte{}
			}
		}
		log, _ := journal.Encode(1, w)
		got, damage, _, err := journal.Read(log, false, 1, true)
		require.NoError(t, err)
		require.Len(t, got, want/2)
		require.Equal(t, want == 0, len(damage) == 1)
	}
}

// TestUnreadableFile: what the disk does not give back is damage of that file.
func TestUnreadableFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, journal.Config{Dir: dir})
	put(t, s, "a", "1")
	require.NoError(t, s.Close())
	s = open(t, journal.Config{Dir: dir}) // compacts: a snapshot, an empty log
	require.NoError(t, s.Close())
	logs, err := filepath.Glob(filepath.Join(dir, "*.log"))
	require.NoError(t, err)
	require.Len(t, logs, 1)
	require.NoError(t, os.Remove(logs[0]))
	require.NoError(t, os.Mkdir(logs[0], 0o700)) // which can be opened, and not be read
	s = open(t, journal.Config{Dir: dir})
	require.Equal(t, map[string]string{"a": "1"}, state(t, s))
	require.Len(t, s.Stats().Damage, 1)
	require.Contains(t, s.Stats().Damage[0].String(), filepath.Base(logs[0])+": 0 bytes at 0: it cannot be read: ")
	require.DirExists(t, logs[0]+".damaged")
	put(t, s, "b", "2")
	require.NoError(t, s.Close())
	s = open(t, journal.Config{Dir: dir})
	require.Equal(t, map[string]string{"a": "1", "b": "2"}, state(t, s))
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	set := newSet(t)
	dir := t.TempDir()
	s := open(t, journal.Config{Dir: dir, Name: "alerting", Instruments: set, MaxBytes: 100})
	put(t, s, "a", "1")
	require.Error(t, s.Write(t.Context(), map[string][]byte{"b": make([]byte, 100)}))
	text := exposition(t, set)
	require.Contains(t, text, `monitor_journal_writes_total{journal="alerting",result="ok"} 1`)
	require.Contains(t, text, `monitor_journal_writes_total{journal="alerting",result="error"} 1`)
	require.Contains(t, text, `monitor_journal_size_bytes{journal="alerting",part="live"} 66`)
	require.Contains(t, text, `monitor_journal_size_bytes{journal="alerting",part="log"} `)
	require.NoError(t, s.Close())
	require.NotContains(t, exposition(t, set), "monitor_journal_size_bytes{")
	open(t, journal.Config{Dir: dir, Name: "alerting", Instruments: set})
	require.Contains(t, exposition(t, set), `monitor_journal_size_bytes{journal="alerting",part="live"} 66`)
}

// FuzzRead: whatever a file holds, reading ends, invents nothing that fails its
// checksum, and accounts for every byte.
func FuzzRead(f *testing.F) {
	writes, _ := someWrites()
	log, _ := journal.Encode(3, writes...)
	f.Add(log, uint64(3), false, true)
	f.Add(log[:len(log)-3], uint64(3), false, false)
	f.Add(log, uint64(4), true, false)
	f.Add(journal.HeaderOfVersion(9, 1), uint64(1), false, true)
	f.Fuzz(func(t *testing.T, data []byte, number uint64, snapshot, last bool) {
		state, damage, torn, err := journal.Read(data, snapshot, number, last)
		if err != nil {
			require.ErrorIs(t, err, journal.ErrVersion)
			require.Empty(t, state)
			return
		}
		bad := torn
		for _, d := range damage {
			require.GreaterOrEqual(t, d.Offset, int64(0))
			require.LessOrEqual(t, d.Offset+d.Bytes, int64(len(data)))
			bad += d.Bytes
		}
		require.LessOrEqual(t, bad, int64(len(data)))
		if !last {
			require.Zero(t, torn)
		}
	})
}
