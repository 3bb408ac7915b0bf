package monitor

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// What is in a backup's tar.
const (
	archiveFormat = 1
	archiveAbout  = "backup.json"
	archiveParts  = "parts/"
	archiveSums   = "SHA256SUMS" // as sha256sum reads it
)

// ErrBackup is returned for what is not a whole, undamaged backup that this
// version can read, of this service, with anything in it that somebody takes.
var ErrBackup = errors.New("not a backup that can be restored")

// about is backup.json.
type about struct {
	Format  int       `json:"format"`
	Time    time.Time `json:"time"`
	Service string    `json:"service"`
	Version string    `json:"version"`
}

// archiveWriter writes a backup's files.
type archiveWriter struct {
	tar      *tar.Writer
	modified time.Time
	sums     strings.Builder
}

func (w *archiveWriter) about(a Archive) error {
	b, err := json.Marshal(about{archiveFormat, a.Time, a.Service, a.Version})
	if err != nil {
		return err
	}
	return w.add(archiveAbout, int64(len(b)), strings.NewReader(string(b)))
}

func (w *archiveWriter) add(name string, size int64, r io.Reader) error {
	err := w.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: w.modified})
	if err != nil {
		return err
	}
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(w.tar, sum), r); err != nil {
		return err
	}
	fmt.Fprintf(&w.sums, "%x  %s\n", sum.Sum(nil), name)
	return nil
}

func (w *archiveWriter) end() error {
	sums := w.sums.String()
	return errors.Join(w.add(archiveSums, int64(len(sums)), strings.NewReader(sums)), w.tar.Close())
}

// readArchive reads a backup to its end. It calls each with every part, which need
// not read it, and whose error ends it. All is verified when it returns, sums of
// all files among it.
func readArchive(ctx context.Context, r io.Reader, each func(name string, r io.Reader) error) (a Archive, sums string, err error) {
	in := &archiveReader{each: each}
	err = in.read(contextReader{ctx, r})
	switch {
	case err == nil:
	case ctx.Err() != nil:
		err = ctx.Err()
	case in.failed != nil:
		err = in.failed
	default:
		err = fmt.Errorf("%w: %w", ErrBackup, err)
	}
	return in.archive, in.sums.String(), err
}

// archiveReader reads a backup's files.
type archiveReader struct {
	each    func(name string, r io.Reader) error
	failed  error // of each
	archive Archive
	tar     *tar.Reader
	sums    strings.Builder
}

func (r *archiveReader) read(from io.Reader) error {
	packed, err := gzip.NewReader(from)
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("the backup is empty, or was read to its end before")
	case err != nil:
		return err
	}
	r.tar = tar.NewReader(packed)
	for first := true; ; first = false {
		h, err := r.tar.Next()
		switch {
		case errors.Is(err, io.EOF):
			return errors.New("its end is missing")
		case err != nil:
			return err
		case h.Typeflag != tar.TypeReg || first != (h.Name == archiveAbout) || sparse(h):
			return fmt.Errorf("unexpected %q", h.Name)
		case first:
			err = r.file(h.Name, r.about)
		case h.Name == archiveSums:
			return r.end(packed)
		default:
			err = r.part(h)
		}
		if err != nil {
			return err
		}
	}
}

// sparse reports whether a file has holes, which may be longer than what can be
// read in a lifetime.
func sparse(h *tar.Header) bool {
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// file lets f read a file of which the sum is taken.
func (r *archiveReader) file(name string, f func(io.Reader) error) error {
	sum := sha256.New()
	in := io.TeeReader(r.tar, sum)
	if err := f(in); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, in); err != nil {
		return err
	}
	fmt.Fprintf(&r.sums, "%x  %s\n", sum.Sum(nil), name)
	return nil
}

// mostAbout bounds what is read of the files that are no parts.
const mostAbout = 1 << 20

func (r *archiveReader) about(in io.Reader) error {
	var a about
	if err := json.NewDecoder(io.LimitReader(in, mostAbout)).Decode(&a); err != nil {
		return fmt.Errorf("%s: %w", archiveAbout, err)
	}
	if a.Format != archiveFormat {
		return fmt.Errorf("format %d, this one reads %d", a.Format, archiveFormat)
	}
	r.archive.Time, r.archive.Service, r.archive.Version = a.Time, a.Service, a.Version
	return nil
}

func (r *archiveReader) part(h *tar.Header) error {
	name, ok := strings.CutPrefix(h.Name, archiveParts)
	if n := len(r.archive.Parts); !ok || !validPart(name) || (n > 0 && name <= r.archive.Parts[n-1].Name) {
		return fmt.Errorf("unexpected %q", h.Name)
	}
	if len(r.archive.Parts) == mostParts {
		return fmt.Errorf("it has more than %d parts", mostParts)
	}
	r.archive.Parts = append(r.archive.Parts, Part{Name: name, Bytes: h.Size})
	return r.file(h.Name, func(in io.Reader) error {
		r.failed = r.each(name, in)
		return r.failed
	})
}

// end checks the sums, and that nothing comes after them.
func (r *archiveReader) end(packed io.Reader) error {
	sums, err := io.ReadAll(io.LimitReader(r.tar, mostAbout))
	if err != nil {
		return err
	}
	if string(sums) != r.sums.String() {
		return errors.New("a checksum is wrong")
	}
	if _, err := r.tar.Next(); !errors.Is(err, io.EOF) {
		return errors.Join(errors.New("there is something after its end"), err)
	}
	_, err = io.Copy(io.Discard, packed) // the checksum of gzip
	return err
}

// contextReader is a reader that ends with its context.
type contextReader struct {
	ctx context.Context //nolint:containedctx // for the time of one call
	r   io.Reader
}

// Read implements io.Reader.
func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
