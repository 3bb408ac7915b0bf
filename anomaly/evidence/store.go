package evidence

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// ErrPending is wrapped by the error of [Recorder.Open] for a bundle that is being
// made.
var ErrPending = errors.New("the bundle is not there yet")

// A Bundle is evidence that was stored.
type Bundle struct {
	ID       string    `json:"id"`
	Kind     string    `json:"kind"` // of the subject; empty if the bundle cannot be read
	Name     string    `json:"name"`
	Opened   time.Time `json:"opened"`
	Captured time.Time `json:"captured"`
	Bytes    int64     `json:"bytes"`
}

const (
	idTime    = "20060102T150405Z"
	extension = ".tar.gz"
	temporary = ".evidence-"
	leastSize = 256 << 10
)

// ids are the names of bundles, and of nothing else in the directory.
var ids = regexp.MustCompile(`^\d{8}T\d{6}Z-[0-9a-f]{8}$`)

// store is the directory of bundles. What is in it is reached through an [os.Root]
// only, which no name and no link leads out of.
type store struct {
	dir     string
	bundles int
	bytes   int64

	mu      sync.Mutex
	pending map[string]bool // guarded by mu
}

func (s *store) expect(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending[id] = true
}

func (s *store) settle(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pending, id)
}

// expects reports whether a bundle is being made.
func (s *store) expects(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pending[id]
}

// root opens the directory, which is made if it is not there.
func (s *store) root() (*os.Root, error) {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, err
	}
	return os.OpenRoot(s.dir)
}

// tidy removes what an earlier process did not finish.
func (s *store) tidy() error {
	root, err := s.root()
	if err != nil {
		return err
	}
	defer root.Close()
	entries, err := fs.ReadDir(root.FS(), ".")
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), temporary) {
			err = errors.Join(err, root.Remove(e.Name()))
		}
	}
	return err
}

// write stores a bundle of at most limit bytes, which is there as a whole or not at
// all, after it has made room. It returns its size and how many others went.
func (s *store) write(id string, limit int64, fill func(*archive) error) (size int64, deleted int, err error) {
	root, err := s.root()
	if err != nil {
		return 0, 0, err
	}
	defer root.Close()
	if deleted, err = s.makeRoom(root, limit); err != nil {
		return 0, deleted, err
	}
	name := temporary + id
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, deleted, err
	}
	a := newArchive(f, limit)
	err = fill(a)
	err = errors.Join(err, a.close())
	if err == nil {
		err = f.Sync()
	}
	info, statErr := f.Stat()
	err = errors.Join(err, statErr, f.Close())
	if err == nil {
		err = root.Rename(name, id+extension)
	}
	if err != nil {
		_ = root.Remove(name) // it is removed at the next start otherwise
		return 0, deleted, err
	}
	return info.Size(), deleted, nil
}

// makeRoom deletes the oldest bundles until there is room for one more.
func (s *store) makeRoom(root *os.Root, size int64) (deleted int, err error) {
	all, err := list(root)
	if err != nil {
		return 0, err
	}
	sum := size
	for _, b := range all {
		sum += b.Bytes
	}
	for _, b := range all {
		if len(all)-deleted < s.bundles && sum <= s.bytes {
			break
		}
		if err := root.Remove(b.ID + extension); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return deleted, err
		}
		sum -= b.Bytes
		deleted++
	}
	return deleted, nil
}

// list returns the bundles, oldest first, by what their files are called.
func list(root *os.Root) ([]Bundle, error) {
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return nil, err
	}
	var out []Bundle
	for _, e := range entries {
		id, ok := strings.CutSuffix(e.Name(), extension)
		if !ok || !ids.MatchString(id) || !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted meanwhile
		}
		if err != nil {
			return nil, err
		}
		out = append(out, Bundle{ID: id, Bytes: info.Size()})
	}
	return out, nil
}

// List returns the bundles that are stored, newest first.
func (r *Recorder) List() ([]Bundle, error) {
	root, err := os.OpenRoot(r.store.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("evidence: list: %w", err)
	}
	defer root.Close()
	all, err := list(root)
	if err != nil {
		return nil, fmt.Errorf("evidence: list: %w", err)
	}
	for i := range all {
		all[i].describe(root)
	}
	slices.Reverse(all)
	return all, nil
}

// describe reads what a bundle says of itself. A file that somebody else put there
// under such a name stays without a description.
func (b *Bundle) describe(root *os.Root) {
	f, err := root.Open(b.ID + extension)
	if err != nil {
		return
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return
	}
	t := tar.NewReader(io.LimitReader(z, 64<<10))
	if h, err := t.Next(); err != nil || h.Name != "subject.json" {
		return
	}
	var s subjectRecord
	if json.NewDecoder(t).Decode(&s) == nil {
		b.Kind, b.Name, b.Opened, b.Captured = s.Kind, s.Name, s.Opened, s.Captured
	}
}

// Open opens a bundle: a tar archive, compressed by gzip. The error wraps
// [ErrPending] if it is being made, and [fs.ErrNotExist] if there is none of that
// id, as after it had to make room. Any text may be asked for.
func (r *Recorder) Open(id string) (io.ReadCloser, error) {
	f, err := r.open(id)
	if err != nil {
		return nil, fmt.Errorf("evidence: open: %w", err)
	}
	return f, nil
}

func (r *Recorder) open(id string) (*os.File, error) {
	if !ids.MatchString(id) {
		return nil, fs.ErrNotExist
	}
	pending := r.store.expects(id) // asked first: it may become stored in between
	f, err := openIn(r.store.dir, id+extension)
	if errors.Is(err, fs.ErrNotExist) && pending {
		return nil, ErrPending
	}
	return f, err
}

// openIn opens a regular file of a directory.
func openIn(dir, name string) (*os.File, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	info, err := root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // a pipe would be waited for
		return nil, fs.ErrNotExist
	}
	return root.Open(name)
}

// archive is a compressed tar file of bounded size.
type archive struct {
	left int64
	gzip *gzip.Writer
	tar  *tar.Writer
}

func newArchive(w io.Writer, limit int64) *archive {
	z := gzip.NewWriter(w)
	// What cannot be compressed becomes a little more; the last file, the end and the
	// headers have their share too.
	return &archive{left: limit - limit/512 - 64<<10, gzip: z, tar: tar.NewWriter(z)}
}

// add writes a file.
func (a *archive) add(name string, at time.Time, content []byte) error {
	a.left -= int64(len(content)) + 1024 // header and padding
	h := tar.Header{Name: name, Mode: 0o600, Size: int64(len(content)), ModTime: at.Truncate(time.Second), Typeflag: tar.TypeReg}
	if err := a.tar.WriteHeader(&h); err != nil {
		return err
	}
	_, err := a.tar.Write(content)
	return err
}

func (a *archive) close() error { return errors.Join(a.tar.Close(), a.gzip.Close()) }
