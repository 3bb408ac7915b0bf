package history

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/chronoretrace/chronomon/internal/recordfile"
	"github.com/chronoretrace/chronomon/monitor"
)

var _ monitor.Snapshotter = (*DB)(nil)

// capture is all that the history keeps, at one moment. Closed chunks do not
// change; heads are copied.
type capture struct {
	committed int64
	series    []captured
	heads     []byte
	exemplars []exemplar
	metadata  map[string]Metadata
}

type captured struct {
	s      *series
	flags  byte
	enc    chunkenc.Encoding
	sealed []chunk
	head   int // where its head ends in heads; it begins where the one before ends
}

// capture takes little time: the store's writing is held.
func (db *DB) capture() *capture {
	// Only this goroutine writes to the series.
	all := slices.DeleteFunc(db.store.index.series(), func(s *series) bool { return s.head == nil })
	size := 0
	for _, s := range all {
		size += len(s.head.Bytes())
	}
	c := &capture{
		committed: db.store.committed.Load(), series: make([]captured, 0, len(all)),
		heads: make([]byte, 0, size), exemplars: db.exemplars.list(), metadata: db.Metadata(),
	}
	for _, s := range all {
		c.heads = append(c.heads, s.head.Bytes()...)
		c.series = append(c.series, captured{s, s.flags(), s.head.Encoding(), s.sealed, len(c.heads)})
	}
	return c
}

// write writes it as the snapshot of that number.
func (c *capture) write(w io.Writer, number uint64) error {
	const enough = 1 << 18
	r := recorder{number: number, buf: format.Header(recordfile.Snapshot, number)}
	flush := func(most int) error {
		if len(r.buf) < most {
			return nil
		}
		r.close()
		_, err := w.Write(r.buf)
		r.buf = r.buf[:0]
		return err
	}
	from := 0
	for i := range c.series {
		r.series(&c.series[i], c.heads[from:c.series[i].head])
		from = c.series[i].head
		if err := flush(enough); err != nil {
			return err
		}
	}
	for i := range c.exemplars {
		r.exemplar(&c.exemplars[i])
	}
	for _, name := range slices.Sorted(maps.Keys(c.metadata)) {
		r.metadata(name, c.metadata[name])
	}
	r.end(c.committed, len(c.series))
	return flush(0)
}

// SnapshotName implements [monitor.Snapshotter].
func (*DB) SnapshotName() string { return "history" }

// Snapshot implements [monitor.Snapshotter]: it writes all series, exemplars and
// metadata as they are at the call.
func (db *DB) Snapshot(ctx context.Context, w io.Writer) error {
	db.store.writing.Lock()
	c := db.capture()
	db.store.writing.Unlock()
	if err := c.write(contextWriter{ctx, w}, 0); err != nil {
		return fmt.Errorf("history: snapshot: %w", err)
	}
	return nil
}

// Verify implements [monitor.Verifier]: it reads a snapshot as Restore does, and
// leaves everything as it is.
func (db *DB) Verify(ctx context.Context, r io.Reader) error {
	if _, err := db.readSnapshot(ctx, r); err != nil {
		return fmt.Errorf("history: verify: %w", err)
	}
	return nil
}

// Restore implements [monitor.Snapshotter]: it replaces everything by what a
// snapshot has, on disk too, or leaves it as it is and returns why. Nothing is
// collected meanwhile. The limits hold for what is restored; series that are not
// collected again end.
func (db *DB) Restore(ctx context.Context, r io.Reader) error {
	c, err := db.readSnapshot(ctx, r)
	if err == nil {
		err = db.replace(ctx, c)
	}
	if err != nil {
		return fmt.Errorf("history: restore: %w", err)
	}
	return nil
}

// readSnapshot reads one that is whole, and of which nothing is damaged.
func (db *DB) readSnapshot(ctx context.Context, r io.Reader) (*contents, error) {
	c := newContents(db.store.limits, db.exemplars.limit)
	got, _, err := c.load(contextReader{ctx, r}, recordfile.Snapshot, 0, false)
	if err == nil {
		err = ctx.Err()
	}
	if err == nil && len(got.Damage) > 0 {
		d := got.Damage[0]
		err = fmt.Errorf("%w: %d bytes at %d: %s", ErrDamaged, d.Bytes, d.Offset, d.Reason)
	}
	return c, err
}

// replace makes contents the history's, between two collections.
func (db *DB) replace(ctx context.Context, c *contents) error {
	d, st := db.store.disk, db.store
	if err := db.stepping.lock(ctx); err != nil {
		return err
	}
	defer db.stepping.unlock()
	if err := db.watches.evaluating.lock(ctx); err != nil {
		return err
	}
	defer db.watches.evaluating.unlock()
	if d == nil {
		st.writing.Lock()
		defer st.writing.Unlock()
		db.adopt(c, millis(db.m.Now()))
		return nil
	}
	d.maintaining.Lock()
	defer d.maintaining.Unlock()
	st.writing.Lock()
	defer st.writing.Unlock()
	if d.lock != nil {
		if err := d.replace((&DB{store: c.store, exemplars: c.exemplars, metadata: c.metadata}).capture()); err != nil {
			return err
		}
	}
	db.adopt(c, millis(db.m.Now()))
	d.measure()
	return nil
}

// replace makes what was captured all that is on disk. All locks are held.
func (d *disk) replace(c *capture) (err error) {
	defer func() { d.counters.saved(err) }()
	number := d.number + 1
	if err := d.writeSnapshot(number, c); err != nil {
		return err
	}
	file, err := d.create(number)
	if err != nil {
		return errors.Join(err, os.Remove(d.dir.Path(number, recordfile.SnapshotSuffix)))
	}
	if before := d.turnTo(file, number, 0); before != nil {
		_ = before.Close()
	}
	d.breakWith(nil)
	d.logged = 0
	if err := d.dir.Clear(number, d.damaged); err != nil {
		d.log.Warn("history: old files are left behind", "dir", string(d.dir), "error", err)
	}
	d.damaged = nil
	return nil
}

// contextWriter is a writer that ends with its context.
type contextWriter struct {
	ctx context.Context //nolint:containedctx // for the time of one call
	w   io.Writer
}

// Write implements io.Writer.
func (w contextWriter) Write(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.w.Write(p)
}
