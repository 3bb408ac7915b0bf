package monitor_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
)

// vault is a Snapshotter of one value.
type vault struct {
	name, value     string
	saveErr, takErr error
	half            bool // Restore takes a part of it before it fails
}

func (v *vault) SnapshotName() string { return v.name }

func (v *vault) Snapshot(_ context.Context, w io.Writer) error {
	if v.saveErr != nil {
		return v.saveErr
	}
	_, err := io.WriteString(w, v.value)
	return err
}

func (v *vault) Restore(_ context.Context, r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if v.takErr != nil {
		err, v.takErr = v.takErr, nil // once
		if v.half {
			v.value = "half " + string(b)
		}
		return err
	}
	v.value = string(b)
	return nil
}

// picky is one that says beforehand what it takes.
type picky struct{ vault }

func (p *picky) Verify(_ context.Context, r io.Reader) error {
	b, err := io.ReadAll(r)
	if err == nil && strings.Contains(string(b), "bad") {
		err = errors.New("that is bad")
	}
	return err
}

func withParts(t *testing.T, parts ...monitor.Snapshotter) *monitor.Monitor {
	t.Helper()
	at := time.Unix(1_700_000_000, 0)
	m := plain(t, monitor.WithService("shop", "v1.2.3"), monitor.WithClock(func() time.Time { return at }))
	for _, p := range parts {
		require.NoError(t, m.AddSnapshotter(p))
	}
	return m
}

func backup(t *testing.T, m *monitor.Monitor) []byte {
	t.Helper()
	var b bytes.Buffer
	_, err := m.Backup(t.Context(), &b)
	require.NoError(t, err)
	return b.Bytes()
}

// fates is what became of each part.
func fates(a monitor.Archive) map[string]monitor.Fate {
	out := map[string]monitor.Fate{}
	for _, p := range a.Parts {
		out[p.Name] = p.Fate
	}
	return out
}

func TestBackup(t *testing.T) {
	t.Parallel()
	a, b, only := &vault{name: "a", value: strings.Repeat("A", 100_000)}, &picky{vault{name: "b"}}, &vault{name: "only", value: "old"}
	m := withParts(t, a, b, only)
	var file bytes.Buffer
	saved, err := m.Backup(t.Context(), &file)
	require.NoError(t, err)
	require.Equal(t, monitor.Archive{
		Time: time.Unix(1_700_000_000, 0).UTC(), Service: "shop", Version: "v1.2.3", Parts: []monitor.Part{
			{Name: "a", Bytes: 100_000, Fate: monitor.PartSaved}, {Name: "b", Fate: monitor.PartSaved}, {Name: "only", Bytes: 3, Fate: monitor.PartSaved},
		},
	}, saved)
	require.Less(t, file.Len(), 5000)

	a2, b2, c2 := &vault{name: "a", value: "x"}, &picky{vault{name: "b", value: "y"}}, &vault{name: "new", value: "z"}
	m2 := withParts(t, a2, b2, c2)
	got, err := m2.Restore(t.Context(), bytes.NewReader(file.Bytes()), monitor.WithDryRun(), nil)
	require.NoError(t, err)
	require.Equal(t, saved.Time, got.Time)
	require.Equal(t, "shop", got.Service)
	require.Equal(t, []monitor.Part{
		{Name: "a", Bytes: 100_000, Fate: monitor.PartRestorable},
		{Name: "b", Fate: monitor.PartRestorable},
		{Name: "new", Fate: monitor.PartMissing},
		{Name: "only", Bytes: 3, Fate: monitor.PartUntaken},
	}, got.Parts)
	require.Equal(t, "xyz", a2.value+b2.value+c2.value, "a dry run")

	for _, r := range []io.Reader{bytes.NewReader(file.Bytes()), io.MultiReader(bytes.NewReader(file.Bytes()))} {
		a2.value = ""
		got, err = m2.Restore(t.Context(), r)
		require.NoError(t, err)
		require.Equal(t, map[string]monitor.Fate{
			"a": monitor.PartRestored, "b": monitor.PartRestored, "new": monitor.PartMissing, "only": monitor.PartUntaken,
		}, fates(got))
		require.Equal(t, a.value, a2.value)
		require.Equal(t, "z", b2.value+c2.value)
	}
}

// TestBackupIsReadByOthers: by tar and sha256sum.
func TestBackupIsReadByOthers(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"tar", "sha256sum"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "backup.tar.gz")
	require.NoError(t, os.WriteFile(file, backup(t, withParts(t, &vault{name: "a", value: "A"}, &vault{name: "b", value: "B"})), 0o600))
	out, err := exec.Command("tar", "-xzf", file, "-C", dir).CombinedOutput()
	require.NoError(t, err, string(out))
	check := exec.Command("sha256sum", "-c", "SHA256SUMS")
	check.Dir = dir
	out, err = check.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Equal(t, "backup.json: OK\nparts/a: OK\nparts/b: OK\n", string(out))
	part, err := os.ReadFile(filepath.Join(dir, "parts", "b"))
	require.NoError(t, err)
	require.Equal(t, "B", string(part))
}

// TestBrokenBackup: what is cut off or changed anywhere replaces nothing.
func TestBrokenBackup(t *testing.T) {
	t.Parallel()
	whole := backup(t, withParts(t, &vault{name: "a", value: "what was there"}, &vault{name: "b", value: "before"}))
	a, b := &vault{name: "a", value: "now"}, &vault{name: "b", value: "now"}
	m := withParts(t, a, b)
	try := func(file []byte) error {
		_, err := m.Restore(t.Context(), bytes.NewReader(file))
		return err
	}
	harmless := 0
	for i := range whole {
		require.ErrorIs(t, try(whole[:i]), monitor.ErrBackup, "cut off at %d", i)
		flipped := bytes.Clone(whole)
		flipped[i] ^= 0x10
		if err := try(flipped); err != nil {
			require.ErrorIs(t, err, monitor.ErrBackup)
			require.Equal(t, "now now", a.value+" "+b.value, "at %d", i)
			continue
		}
		harmless++ // a time in gzip's header, or another way to say the same
		require.Equal(t, "what was there before", a.value+" "+b.value)
		a.value, b.value = "now", "now"
	}
	require.Less(t, harmless, 30)
	require.ErrorIs(t, try(append(bytes.Clone(whole), "more"...)), monitor.ErrBackup)
	require.ErrorIs(t, try([]byte("no backup at all, but a text")), monitor.ErrBackup)
	require.Equal(t, "now now", a.value+" "+b.value)
	require.NoError(t, try(whole))
}

// FuzzRestore: any file is a backup, or is said to be none, and then replaces nothing.
func FuzzRestore(f *testing.F) {
	a := &vault{name: "a", value: "something"}
	m, err := monitor.New(monitor.WithLogger(slog.New(slog.DiscardHandler)))
	require.NoError(f, err)
	require.NoError(f, m.AddSnapshotter(a))
	var whole bytes.Buffer
	_, err = m.Backup(f.Context(), &whole)
	require.NoError(f, err)
	unpacked, err := gzip.NewReader(bytes.NewReader(whole.Bytes()))
	require.NoError(f, err)
	file, err := io.ReadAll(unpacked)
	require.NoError(f, err)
	f.Add(file)
	f.Add(file[:600])
	f.Fuzz(func(t *testing.T, file []byte) {
		var b bytes.Buffer
		packed := gzip.NewWriter(&b)
		_, _ = packed.Write(file)
		require.NoError(t, packed.Close())
		a.value = "now"
		if _, err := m.Restore(t.Context(), &b); err != nil {
			require.ErrorIs(t, err, monitor.ErrBackup)
			require.Equal(t, "now", a.value)
		}
	})
}

// TestForgedBackup: tars of all kinds, whose checksums are right.
func TestForgedBackup(t *testing.T) {
	t.Parallel()
	type file struct{ name, content string }
	forge := func(files ...file) []byte {
		var b bytes.Buffer
		packed := gzip.NewWriter(&b)
		w := tar.NewWriter(packed)
		for _, f := range files {
			require.NoError(t, w.WriteHeader(&tar.Header{Name: f.name, Size: int64(len(f.content)), Mode: 0o600}))
			_, err := w.Write([]byte(f.content))
			require.NoError(t, err)
		}
		require.NoError(t, w.Close())
		require.NoError(t, packed.Close())
		return b.Bytes()
	}
	first := file{"backup.json", `{"format":1,"service":"shop"}`}
	sums := func(files ...file) file {
		var b strings.Builder
		for _, f := range files {
			fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256([]byte(f.content)), f.name)
		}
		return file{"SHA256SUMS", b.String()}
	}
	for want, files := range map[string][]file{
		"its end is missing":            {first},
		`unexpected "parts/a"`:          {{"parts/a", ""}},
		`unexpected "../a"`:             {first, {"../a", ""}},
		`unexpected "parts/../a"`:       {first, {"parts/../a", ""}},
		`unexpected "parts/B"`:          {first, {"parts/B", ""}},
		`unexpected "parts/b"`:          {first, {"parts/b", ""}, {"parts/b", ""}},
		`unexpected "backup.json"`:      {first, first},
		"format 2, this one reads 1":    {{"backup.json", `{"format":2}`}},
		"backup.json: invalid charact":  {{"backup.json", `nothing`}},
		"a checksum is wrong":           {first, sums(file{"backup.json", "another"})},
		"there is something after its ": {first, sums(first), {"parts/a", ""}},
	} {
		m := withParts(t, &vault{name: "a"})
		_, err := m.Restore(t.Context(), bytes.NewReader(forge(files...)))
		require.ErrorIs(t, err, monitor.ErrBackup)
		require.ErrorContains(t, err, want)
	}
	a := &vault{name: "a"}
	_, err := withParts(t, a).Restore(t.Context(), bytes.NewReader(forge(first, file{"parts/a", "1"}, sums(first, file{"parts/a", "1"}))))
	require.NoError(t, err, "this is what the others lack")
	require.Equal(t, "1", a.value)
}

// TestForgedHole: a file of eight exabytes, none of which is there, is not read.
func TestForgedHole(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	packed := gzip.NewWriter(&b)
	w := tar.NewWriter(packed)
	add := func(h tar.Header, content string) {
		h.Size, h.Mode = int64(len(content)), 0o600
		require.NoError(t, w.WriteHeader(&h))
		_, err := io.WriteString(w, content)
		require.NoError(t, err)
		require.NoError(t, w.Flush())
	}
	add(tar.Header{Name: "backup.json"}, `{"format":1,"service":"shop"}`)
	var records strings.Builder
	for _, r := range []string{"major=1", "minor=0", "name=parts/a", "realsize=9000000000000000000"} {
		fmt.Fprintf(&records, "%d GNU.sparse.%s\n", len(r)+len("00 GNU.sparse.\n"), r)
	}
	var header bytes.Buffer // of records: the Writer makes none of these
	forger := tar.NewWriter(&header)
	require.NoError(t, forger.WriteHeader(&tar.Header{Name: "x", Size: int64(records.Len()), Mode: 0o600}))
	block := header.Bytes()
	sum := 'x' - '0' + 0
	block[156] = 'x'
	old, err := strconv.ParseInt(string(block[148:154]), 8, 32)
	require.NoError(t, err)
	copy(block[148:], fmt.Sprintf("%06o", old+int64(sum)))
	_, err = packed.Write(append(block, records.String()+strings.Repeat("\x00", 512-records.Len())...))
	require.NoError(t, err)
	add(tar.Header{Name: "a"}, "0\n"+strings.Repeat("\x00", 510)) // where its data is: nowhere
	require.NoError(t, w.Close())
	require.NoError(t, packed.Close())

	a := &vault{name: "a", value: "now"}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err = withParts(t, a).Restore(ctx, &b)
	require.ErrorIs(t, err, monitor.ErrBackup)
	require.ErrorContains(t, err, `unexpected "parts/a"`)
	require.Equal(t, "now", a.value)
}

// TestMostParts: those that would be too many for Restore are not taken, and a
// forged backup is not read on for the sake of more.
func TestMostParts(t *testing.T) {
	t.Parallel()
	m := withParts(t)
	for i := range 1000 {
		require.NoError(t, m.AddSnapshotter(&vault{name: fmt.Sprintf("p%04d", i)}))
	}
	require.ErrorContains(t, m.AddSnapshotter(&vault{name: "one-more"}), `add snapshotter "one-more": there are 1000 already`)
	file := backup(t, m)
	_, err := m.Restore(t.Context(), bytes.NewReader(file))
	require.NoError(t, err)

	in, err := gzip.NewReader(bytes.NewReader(file))
	require.NoError(t, err)
	var forged bytes.Buffer
	packed := gzip.NewWriter(&forged)
	out := tar.NewWriter(packed)
	for r := tar.NewReader(in); ; {
		h, err := r.Next()
		require.NoError(t, err)
		if h.Name == "SHA256SUMS" {
			break
		}
		require.NoError(t, out.WriteHeader(h))
		_, err = io.Copy(out, r)
		require.NoError(t, err)
	}
	require.NoError(t, out.WriteHeader(&tar.Header{Name: "parts/q", Mode: 0o600}))
	require.NoError(t, out.Flush())
	require.NoError(t, packed.Close())
	_, err = m.Restore(t.Context(), &forged)
	require.ErrorIs(t, err, monitor.ErrBackup)
	require.ErrorContains(t, err, "more than 1000 parts")
}

// TestWaitsForAnother: one backup or restore at a time, and who waits may give up.
func TestWaitsForAnother(t *testing.T) {
	t.Parallel()
	slow := &slowVault{vault: vault{name: "slow"}, in: make(chan struct{}), out: make(chan struct{})}
	m := withParts(t, slow)
	first := make(chan error)
	go func() {
		_, err := m.Backup(t.Context(), io.Discard)
		first <- err
	}()
	<-slow.in
	ctx, cancel := context.WithCancel(t.Context())
	second := make(chan error)
	go func() {
		_, err := m.Backup(ctx, io.Discard)
		second <- err
	}()
	go func() {
		_, err := m.Restore(ctx, bytes.NewReader(nil))
		second <- err
	}()
	cancel()
	for range 2 {
		select {
		case err := <-second:
			require.ErrorIs(t, err, context.Canceled)
		case <-time.After(10 * time.Second):
			t.Error("its context is not heeded")
			close(slow.out)
			require.NoError(t, <-first)
			return
		}
	}
	close(slow.out)
	require.NoError(t, <-first)
	_, err := m.Restore(t.Context(), bytes.NewReader(nil))
	require.ErrorIs(t, err, monitor.ErrBackup, "it is the next one's turn")
}

// slowVault is a vault whose first Snapshot takes as long as the test wants.
type slowVault struct {
	vault
	in, out chan struct{}
}

func (v *slowVault) Snapshot(ctx context.Context, w io.Writer) error {
	close(v.in)
	<-v.out
	return v.vault.Snapshot(ctx, w)
}

// TestBackupChanges: a file that is replaced by another good one while it is read,
// at whatever time, replaces nothing.
func TestBackupChanges(t *testing.T) {
	t.Parallel()
	one := backup(t, withParts(t, &picky{vault{name: "a", value: "1"}}))
	for name, other := range map[string][]byte{
		"other state": backup(t, withParts(t, &picky{vault{name: "a", value: "2"}})),
		"more":        backup(t, withParts(t, &picky{vault{name: "a", value: "1"}}, &vault{name: "b", value: "2"})),
		"another":     backup(t, withParts(t, &vault{name: "b", value: "2"})),
	} {
		for reads := 1; reads <= 2; reads++ {
			a := &picky{vault{name: "a", value: "now"}}
			got, err := withParts(t, a).Restore(t.Context(), &replaced{Reader: bytes.NewReader(one), other: other, reads: reads})
			require.ErrorIs(t, err, monitor.ErrBackup, name)
			require.ErrorContains(t, err, "it changed while it was read", name)
			require.Equal(t, "now", a.value, name)
			require.NotContains(t, fates(got), "b", name)
		}
	}
}

// replaced is a file that is another one after it was read so many times.
type replaced struct {
	*bytes.Reader
	other []byte
	reads int
}

func (r *replaced) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekStart {
		if r.reads--; r.reads < 0 {
			r.Reader = bytes.NewReader(r.other)
		}
	}
	return r.Reader.Seek(offset, whence)
}

// TestPartFails: what was there stays, or comes back.
func TestPartFails(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	file := backup(t, withParts(t, &vault{name: "a", value: "1"}, &vault{name: "b", value: "2"}, &vault{name: "c", value: "3"}))
	for name, c := range map[string]struct {
		b    monitor.Snapshotter
		want map[string]monitor.Fate
	}{
		"fails":  {&vault{name: "b", value: "y", takErr: boom}, map[string]monitor.Fate{"a": monitor.PartPutBack, "b": monitor.PartPutBack, "c": monitor.PartRestorable}},
		"halves": {&vault{name: "b", value: "y", takErr: boom, half: true}, map[string]monitor.Fate{"a": monitor.PartPutBack, "b": monitor.PartPutBack, "c": monitor.PartRestorable}},
		"panics": {panicky{"b"}, map[string]monitor.Fate{"a": monitor.PartPutBack, "b": monitor.PartNotPutBack, "c": monitor.PartRestorable}},
		"cannot be kept": {
			&vault{name: "b", value: "y", saveErr: boom},
			map[string]monitor.Fate{"a": monitor.PartRestorable, "b": monitor.PartRestorable, "c": monitor.PartRestorable},
		},
	} {
		a, last := &vault{name: "a", value: "x"}, &vault{name: "c", value: "z"}
		m := withParts(t, a, c.b, last)
		got, err := m.Restore(t.Context(), bytes.NewReader(file))
		require.ErrorContains(t, err, "b: ", name)
		require.NotErrorIs(t, err, monitor.ErrBackup)
		require.Equal(t, c.want, fates(got), name)
		require.Equal(t, "xz", a.value+last.value, name)
		if v, ok := c.b.(*vault); ok {
			require.Equal(t, "y", v.value, name)
			require.ErrorIs(t, err, boom)
		}
	}
}

// panicky is a Snapshotter that the host got wrong.
type panicky struct{ name string }

func (p panicky) SnapshotName() string                    { return p.name }
func (panicky) Snapshot(context.Context, io.Writer) error { return nil }
func (panicky) Restore(context.Context, io.Reader) error  { panic("secret") }

func TestPartIsRefused(t *testing.T) {
	t.Parallel()
	file := backup(t, withParts(t, &vault{name: "a", value: "1"}, &vault{name: "b", value: "bad"}))
	a, b := &vault{name: "a", value: "x"}, &picky{vault{name: "b", value: "y"}}
	m := withParts(t, a, b)
	for _, opts := range [][]monitor.RestoreOption{nil, {monitor.WithDryRun()}} {
		got, err := m.Restore(t.Context(), bytes.NewReader(file), opts...)
		require.ErrorContains(t, err, "monitor: restore: b: that is bad")
		require.Equal(t, map[string]monitor.Fate{"a": monitor.PartRestorable, "b": monitor.PartRefused}, fates(got))
		require.Equal(t, "xy", a.value+b.value)
	}
}

func TestBackupFails(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	v := &vault{name: "a", saveErr: boom}
	m := withParts(t, v)
	var b bytes.Buffer
	_, err := m.Backup(t.Context(), &b)
	require.ErrorIs(t, err, boom)
	require.ErrorContains(t, err, "monitor: back up: a: ")
	_, err = m.Restore(t.Context(), &b)
	require.ErrorIs(t, err, monitor.ErrBackup)
	v.saveErr = nil
	full := &fullDisk{room: 100}
	_, err = m.Backup(t.Context(), full)
	require.ErrorIs(t, err, errFull)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = m.Backup(ctx, &b)
	require.ErrorIs(t, err, context.Canceled)
	_, err = m.Restore(ctx, bytes.NewReader(backup(t, m)))
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, monitor.ErrBackup)
	for _, name := range []string{"", "A", "1a", "a/b", "a b", "ä", strings.Repeat("a", 65)} {
		require.ErrorIs(t, m.AddSnapshotter(state(name)), monitor.ErrInvalidOption, name)
	}
}

var errFull = errors.New("no space left")

type fullDisk struct{ room int }

func (d *fullDisk) Write(p []byte) (int, error) {
	if d.room -= len(p); d.room < 0 {
		return 0, errFull
	}
	return len(p), nil
}

// TestRestoreTakesNothing: that is no success.
func TestRestoreTakesNothing(t *testing.T) {
	t.Parallel()
	file := backup(t, withParts(t, &vault{name: "a", value: "1"}, &vault{name: "b"}))
	for _, opts := range [][]monitor.RestoreOption{nil, {monitor.WithDryRun()}} {
		got, err := withParts(t, &vault{name: "c"}).Restore(t.Context(), bytes.NewReader(file), opts...)
		require.ErrorIs(t, err, monitor.ErrBackup)
		require.ErrorContains(t, err, `none of its parts is taken: the engines here have ["c"]`)
		require.Equal(t, map[string]monitor.Fate{"a": monitor.PartUntaken, "b": monitor.PartUntaken, "c": monitor.PartMissing}, fates(got))
	}
	_, err := withParts(t).Restore(t.Context(), bytes.NewReader(file))
	require.ErrorIs(t, err, monitor.ErrBackup)
	_, err = withParts(t).Backup(t.Context(), io.Discard)
	require.ErrorContains(t, err, "monitor: back up: there is nothing")
}

func TestBackupOfAMonitorThatIsOff(t *testing.T) {
	t.Parallel()
	file := backup(t, withParts(t, &vault{name: "a"}))
	m := plain(t, monitor.WithDisabled())
	_, err := m.Backup(t.Context(), io.Discard)
	require.ErrorIs(t, err, monitor.ErrOff)
	_, err = m.Restore(t.Context(), bytes.NewReader(file))
	require.ErrorIs(t, err, monitor.ErrOff)
}

// TestForeignBackup: another service's is taken if that is asked for.
func TestForeignBackup(t *testing.T) {
	t.Parallel()
	file := backup(t, withParts(t, &vault{name: "a", value: "the shop's"}))
	a := &vault{name: "a", value: "mine"}
	m := plain(t, monitor.WithService("depot", ""))
	require.NoError(t, m.AddSnapshotter(a))
	got, err := m.Restore(t.Context(), bytes.NewReader(file))
	require.ErrorIs(t, err, monitor.ErrBackup)
	require.ErrorContains(t, err, `it is of service "shop" and this is "depot" (see WithForeign)`)
	require.Equal(t, "shop", got.Service)
	require.Equal(t, "mine", a.value)
	_, err = m.Restore(t.Context(), bytes.NewReader(file), monitor.WithForeign())
	require.NoError(t, err)
	require.Equal(t, "the shop's", a.value)
}

// TestUnreadBackup: nothing is said of the parts of one that is damaged.
func TestUnreadBackup(t *testing.T) {
	t.Parallel()
	whole := backup(t, withParts(t, &vault{name: "a", value: "1"}, &vault{name: "b", value: "2"}))
	m := withParts(t, &vault{name: "a"}, &vault{name: "z"})
	got, err := m.Restore(t.Context(), bytes.NewReader(whole[:len(whole)-4]))
	require.ErrorIs(t, err, monitor.ErrBackup)
	require.Equal(t, map[string]monitor.Fate{"a": monitor.PartUnread, "b": monitor.PartUnread, "z": monitor.PartUnread}, fates(got))
	for _, r := range []io.Reader{&bytes.Buffer{}, bytes.NewReader(nil)} {
		got, err = m.Restore(t.Context(), r)
		require.ErrorIs(t, err, monitor.ErrBackup)
		require.ErrorContains(t, err, "the backup is empty")
		require.Equal(t, map[string]monitor.Fate{"a": monitor.PartUnread, "z": monitor.PartUnread}, fates(got))
	}
}

// TestRestoreIsLogged: what became of each part.
func TestRestoreIsLogged(t *testing.T) {
	t.Parallel()
	file := backup(t, withParts(t, &vault{name: "a"}, &vault{name: "b"}, &vault{name: "c"}))
	restore := func(opts []monitor.RestoreOption, parts ...monitor.Snapshotter) []map[string]any {
		var out bytes.Buffer
		m := plain(t, monitor.WithService("shop", ""), monitor.WithLogger(slog.New(slog.NewJSONHandler(&out, nil))))
		for _, p := range parts {
			require.NoError(t, m.AddSnapshotter(p))
		}
		_, _ = m.Restore(t.Context(), bytes.NewReader(file), opts...)
		records := written(t, &out)
		for _, r := range records {
			require.Equal(t, "shop", r["service"])
			require.Equal(t, "2023-11-14T22:13:20Z", r["of"])
			for _, key := range []string{"time", "service", "of"} {
				delete(r, key)
			}
		}
		return records
	}
	type record = map[string]any
	a, b, c := &vault{name: "a"}, &vault{name: "b"}, &vault{name: "c"}
	require.Equal(t, []record{{"level": "INFO", "msg": "a backup was restored", "restored": "a b c"}}, restore(nil, a, b, c))
	require.Equal(t, []record{{"level": "WARN", "msg": "a backup was restored", "restored": "a b", "untaken": "c", "missing": "d"}},
		restore(nil, a, b, &vault{name: "d"}))
	require.Equal(t, []record{{"level": "ERROR", "msg": "a backup was not restored", "error": "b: boom", "put back": "a b", "untaken": "c"}},
		restore(nil, a, &vault{name: "b", takErr: errors.New("boom")}))
	require.Empty(t, restore([]monitor.RestoreOption{monitor.WithDryRun()}, a))
}

func TestArchiveAsJSON(t *testing.T) {
	t.Parallel()
	got, err := json.Marshal(monitor.Archive{Time: time.Unix(0, 0).UTC(), Service: "shop", Parts: []monitor.Part{
		{Name: "a", Bytes: 3, Fate: monitor.PartRefused, Err: errors.New("that is bad")}, {Name: "b", Fate: monitor.PartRestorable},
	}})
	require.NoError(t, err)
	require.JSONEq(t, `{"time":"1970-01-01T00:00:00Z","service":"shop","version":"","parts":[
		{"name":"a","bytes":3,"fate":"refused","error":"that is bad"},{"name":"b","bytes":0,"fate":"restorable"}]}`, string(got))
}
