// Package recordfiletest has a disk that forgets, in a power cut, what was not
// made durable, and sees what package recordfile makes so.
package recordfiletest

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/recordfile"
)

var (
	mu       sync.Mutex
	watchers = map[string]func(path string){} // guarded by mu; by the directory that they watch
)

func init() { //nolint:gochecknoinits // before anything is written
	recordfile.Syncing = func(path string) {
		mu.Lock()
		var told []func(string)
		for dir, f := range watchers {
			if path == dir || strings.HasPrefix(path, dir+string(filepath.Separator)) {
				told = append(told, f)
			}
		}
		mu.Unlock()
		for _, f := range told {
			f(path)
		}
	}
}

// Watch has f called, until the test ends, before each file or directory under a
// directory is made durable, or that directory itself.
func Watch(t testing.TB, dir string, f func(path string)) {
	t.Helper()
	mu.Lock()
	defer mu.Unlock()
	watchers[dir] = f
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		delete(watchers, dir)
	})
}

// Disk is what is durable of a directory whose files are only appended to. One
// goroutine at a time may write there.
type Disk struct {
	t     testing.TB
	dir   string
	files []*file
	names map[string]*file // that are durable
}

// file is one by whatever name.
type file struct {
	info    os.FileInfo
	content []byte // that is durable
}

// NewDisk follows a directory until the test ends. Before anything is made
// durable in it, it calls cut, if that is not nil.
func NewDisk(t testing.TB, dir string, cut func(*Disk)) *Disk {
	t.Helper()
	d := &Disk{t: t, dir: dir, names: map[string]*file{}}
	Watch(t, dir, func(path string) {
		if cut != nil {
			cut(d)
		}
		if path != dir {
			d.find(path).content = d.read(path)
			return
		}
		names := map[string]*file{}
		for _, name := range d.list() {
			names[name] = d.find(filepath.Join(dir, name))
		}
		d.names = names
	})
	return d
}

// Left makes a directory of what a power cut would leave now, at worst: only names
// and content that were made durable. Whether files are there that were removed
// since is anybody's guess.
func (d *Disk) Left(removed bool) (dir string) {
	d.t.Helper()
	dir = d.t.TempDir()
	there := map[string]bool{}
	for _, name := range d.list() {
		there[name] = true
	}
	for name, f := range d.names {
		if there[name] || removed {
			require.NoError(d.t, os.WriteFile(filepath.Join(dir, name), f.content, 0o600))
		}
	}
	return dir
}

// find returns the file of that name. Numbers of files that are gone are used
// again: what is the same begins with what it began with.
func (d *Disk) find(path string) *file {
	info, err := os.Stat(path)
	require.NoError(d.t, err)
	content := d.read(path)
	for _, f := range d.files {
		if os.SameFile(f.info, info) && bytes.HasPrefix(content, f.content) {
			return f
		}
	}
	f := &file{info: info}
	d.files = append(d.files, f)
	return f
}

func (d *Disk) read(path string) []byte {
	content, err := os.ReadFile(path)
	require.NoError(d.t, err)
	return content
}

func (d *Disk) list() (names []string) {
	entries, err := os.ReadDir(d.dir)
	require.NoError(d.t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
