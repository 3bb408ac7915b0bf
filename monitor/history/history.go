package history

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/internal/recordfile"
	"github.com/chronoretrace/chronomon/monitor"
)

// DB keeps what was measured and answers PromQL over it: a monitor.Runner and a
// monitor.Querier. It is safe for concurrent use.
type DB struct {
	m         *monitor.Monitor
	interval  time.Duration
	since     time.Time
	store     *store
	exemplars *exemplars
	metadata  *metadata
	collector *collector
	gathering *gathering
	engine    *engine
	counters  *counters // nil when the monitor is off

	thresholds thresholds

	stepping turn    // of Sample and Restore
	swept    int64   // guarded by the store's writing; when retention was last enforced
	setback  setback // guarded by the store's writing
	epoch    int     // guarded by the store's writing; how often the clock went back
	watches  *watches
}

var (
	_ monitor.Runner  = (*DB)(nil)
	_ monitor.Querier = (*DB)(nil)
)

// ErrOutOfOrder is returned for a sample that is older than its series' newest.
var ErrOutOfOrder = errors.New("out of order")

// ErrDuplicate is returned for another value at the time of a series' newest. It
// wraps [ErrOutOfOrder].
var ErrDuplicate = fmt.Errorf("%w: duplicate sample for timestamp", ErrOutOfOrder)

// ErrWatched is returned for a sample of a series that a watched expression gives.
var ErrWatched = errors.New("a watched expression gives the series")

// ErrNoRoom is returned for a sample of a new series when the series limit or
// the storage size is reached.
var ErrNoRoom = errors.New("no room for another series")

// New returns a history of m's registry. It collects nothing yet; with
// [WithStoragePath] it reads the directory, and has it until Run ends or Close. A
// registry has one history. Every option that is out of range is named in the error, which
// wraps [monitor.ErrInvalidOption] for each.
func New(m *monitor.Monitor, opts ...Option) (*DB, error) {
	c, err := newConfig(opts)
	if m == nil {
		err = errors.Join(fmt.Errorf("history: %w: monitor = nil: want a monitor", monitor.ErrInvalidOption), err)
	}
	if err != nil {
		return nil, err
	}
	db := &DB{m: m, interval: c.interval, since: m.Now().UTC(), engine: newEngine(c, m.Logger()), stepping: newTurn(), watches: newWatches(c.lookback)}
	if err := db.open(c); err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	var errs []error
	for _, w := range c.watches {
		errs = append(errs, db.Watch(w.name, w.expr, w.step))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if m.Off() {
		return db, nil
	}
	if c.path != "" {
		if err := db.onDisk(c); err != nil {
			return nil, fmt.Errorf("history: open %s: %w", c.path, err)
		}
	}
	if err := db.publish(); err != nil {
		return nil, errors.Join(fmt.Errorf("history: %w", err), db.Close())
	}
	return db, nil
}

// open makes the store and what writes to it.
func (db *DB) open(c *config) (err error) {
	l := limits{
		series: c.series, bytes: c.storage,
		retention: [tiers]int64{raw: c.retention.Milliseconds(), long: c.longTerm.Milliseconds()},
		lookback:  c.lookback.Milliseconds(),
	}
	if !db.m.Off() {
		set := db.m.Instruments()
		db.counters, err = instrument.Share(set, "history counters", func() (*counters, error) { return newCounters(set) })
	}
	db.store = newStore(l, counts{shown: db.counters})
	db.exemplars = newExemplars(c.exemplars)
	db.metadata = &metadata{families: map[string]Metadata{}}
	db.gathering = newGathering(db.m)
	db.collector = newCollector(db, c.labels)
	return err
}

var errSecond = errors.New("the registry has a history already")

// publish shows the history in the registry and makes it part of backups: the last
// step, which cannot be taken back.
func (db *DB) publish() error {
	set, st := db.m.Instruments(), db.store
	shown, err := instrument.Share(set, "history", func() (*store, error) {
		err := db.m.AddSnapshotter(db)
		if err == nil {
			err = show(set, st)
		}
		if err == nil && st.disk != nil {
			err = st.disk.show(set)
		}
		return st, err
	})
	if err == nil && shown != st {
		err = errSecond
	}
	return err
}

// onDisk opens the directory.
func (db *DB) onDisk(c *config) (err error) {
	d := &disk{dir: recordfile.Dir(c.path), log: db.m.Logger(), syncs: c.sync, segment: c.segment, least: c.logs, longest: c.storage + 2*c.logs, wake: make(chan struct{}, 1)}
	if d.counters, err = newDiskCounters(db.m.Instruments()); err != nil {
		return err
	}
	return db.openDisk(d)
}

// Run collects the registry every interval until ctx is done: at once, and then
// at the full multiples of the interval. With [WithStoragePath] it then writes a
// snapshot: see [DB.Close].
func (db *DB) Run(ctx context.Context) error {
	if db.m.Off() {
		<-ctx.Done()
		return ctx.Err()
	}
	var beside sync.WaitGroup
	if db.store.disk != nil {
		beside.Go(func() { db.keep(ctx) })
	}
	beside.Go(func() { db.keepWatches(ctx) })
	db.run(ctx)
	beside.Wait()
	db.gathering.settle(time.Second)
	if err := db.Close(); err != nil {
		return err
	}
	return ctx.Err()
}

// leastPatience is how long Run waits for the host's collectors at least, however
// short the interval is.
const leastPatience = 10 * time.Second

func (db *DB) run(ctx context.Context) {
	var wrong bool
	for at := db.m.Now(); ; {
		patient, cancel := context.WithTimeout(ctx, max(db.interval, leastPatience))
		err := db.step(patient, at)
		cancel()
		db.watches.rouse()
		db.upkeep(at)
		if (err != nil) != wrong && ctx.Err() == nil {
			if wrong = err != nil; wrong {
				db.m.Logger().Warn("history: collection is incomplete", "error", err)
			} else {
				db.m.Logger().Info("history: collection is complete again")
			}
		}
		now := db.m.Now()
		planned := now.Truncate(db.interval).Add(db.interval)
		timer := time.NewTimer(planned.Sub(now))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		at = aligned(db.m.Now(), planned, db.interval)
	}
}

// aligned returns the planned time if it has only just passed: steps of equal
// length compress far better.
func aligned(now, planned time.Time, interval time.Duration) time.Time {
	if late := now.Sub(planned); late >= 0 && late <= interval/100 {
		return planned
	}
	return now
}

// Sample is what Run does every interval: it collects the registry as of now,
// evaluates the watched expressions that are due, and gives up what is past its
// retention. Unless Run runs, it writes the files that are due, too. What could
// be collected is kept beside an error.
//
// It returns when ctx ends, though a collector of the registry has not returned.
// Until that does, nothing is collected, and every call is an error that says so.
// A collector may use the history, but for Sample and Restore, which wait for it.
//
// Times must increase from call to call. What becomes of a clock that goes back is
// in the package's comment.
func (db *DB) Sample(ctx context.Context, now time.Time) error {
	if db.m.Off() {
		return nil
	}
	err := errors.Join(db.step(ctx, now), db.evaluateWatches(ctx))
	db.upkeep(now)
	return err
}

// step is Sample but for the watched expressions, which it only makes due.
func (db *DB) step(ctx context.Context, now time.Time) error {
	begin := time.Now()
	err := db.collect(ctx, millis(now))
	db.counters.collections.Cell().Observe(&instrument.Home{}, 0, int64(time.Since(begin)))
	result := db.counters.collected
	if err != nil {
		result = db.counters.failed
	}
	result.Add(&instrument.Home{}, 0, 1)
	db.askWatches(now)
	return err
}

// collect makes one collection.
func (db *DB) collect(ctx context.Context, now int64) error {
	if err := db.stepping.lock(ctx); err != nil {
		return fmt.Errorf("history: collect: %w", err)
	}
	defer db.stepping.unlock()
	st := db.store
	st.writing.Lock()
	err := db.admit(now)
	st.writing.Unlock()
	if err != nil {
		return err
	}
	r, err := db.gathering.read(ctx)
	if err != nil {
		return err
	}
	st.writing.Lock()
	defer st.writing.Unlock()
	defer st.begin(now)()
	err = db.collector.collect(now, r)
	r.families = nil // they are large; the memory of the rest is used again
	st.commit(now)
	if db.swept == 0 || now-db.swept >= sweepEvery.Milliseconds() || st.size() > st.limits.bytes {
		db.swept = now
		st.retain(now)
		db.exemplars.trim(st.outlived(raw, now))
	}
	return err
}

// sweepEvery is how often the retention is enforced.
const sweepEvery = time.Minute

// Append writes samples of an engine's own series, such as ALERTS, into the raw
// tier. A series ends with a sample whose value is [Stale]; without that, queries
// see its last value for the lookback. Samples of a series must come in order of
// time; the newest once more is no error. Those that cannot be taken are counted
// and named in the error by [ErrOutOfOrder], [ErrDuplicate], [ErrAhead],
// [ErrWatched] or [ErrNoRoom]; the others are written.
func (db *DB) Append(samples ...monitor.Sample) error {
	if db.m.Off() || len(samples) == 0 {
		return nil
	}
	now := db.m.Now()
	err := db.appendAll(samples, millis(now))
	db.upkeep(now)
	return err
}

// upkeep sees to the directory, or has Run do it.
func (db *DB) upkeep(now time.Time) {
	if d := db.store.disk; d != nil && !d.woken() {
		db.maintain(millis(now))
	}
}

func (db *DB) appendAll(samples []monitor.Sample, now int64) error {
	st := db.store
	st.writing.Lock()
	defer st.writing.Unlock()
	latest := max(now, db.collector.last) + mostAhead
	var refused refusals
	newest := int64(math.MinInt64)
	for _, s := range samples {
		t := millis(s.Time)
		why, err := dropInvalid, checkTime(t)
		switch {
		case err != nil:
			st.counts.drop(why)
		case t > latest:
			st.counts.drop(dropAhead)
			why, err = dropAhead, fmt.Errorf("%w: %s at %s", ErrAhead, when(t), when(now))
		default:
			newest = max(newest, t)
			why, err = db.appendSample(s.Labels, t, s.Value)
		}
		if err != nil {
			refused.add(why, fmt.Errorf("history: append %s: %w", clipped(s.Labels.String()), err))
		}
	}
	st.commit(newest)
	if st.size() > st.limits.bytes {
		st.shrink(max(newest, st.committed.Load()))
	}
	return refused.err()
}

// refusals are samples of a batch that were not taken.
type refusals struct {
	counts [dropReasons]uint64
	errs   []error // a few of each reason
}

const mostRefusals = 10

func (r *refusals) add(why dropReason, err error) {
	if r.counts[why]++; r.counts[why] <= mostRefusals {
		r.errs = append(r.errs, err)
	}
}

func (r *refusals) err() error {
	for why, n := range r.counts {
		if n > mostRefusals {
			r.errs = append(r.errs, fmt.Errorf("history: append: %d more samples: %s", n-mostRefusals, dropReason(why)))
		}
	}
	return errors.Join(r.errs...)
}

// appendSample writes a sample, or counts and says why not.
func (db *DB) appendSample(of monitor.Labels, t int64, v float64) (why dropReason, err error) {
	st := db.store
	l, err := seriesLabels(of)
	if err != nil {
		st.counts.drop(dropInvalid)
		return dropInvalid, err
	}
	s := st.get(l, raw, t)
	switch {
	case s == nil:
		st.counts.drop(dropSeriesLimit)
		return dropSeriesLimit, ErrNoRoom
	case s.tier == long && s.recent(t, st.limits.lookback):
		st.counts.drop(dropInvalid)
		return dropInvalid, ErrWatched
	case s.tier == long:
		st.turn(s, raw)
	}
	switch st.append(s, t, v) {
	case outOfOrder:
		return dropOutOfOrder, ErrOutOfOrder
	case another:
		return dropDuplicate, ErrDuplicate
	}
	return 0, nil
}

// clipped is the beginning of a long text.
func clipped(text string) string {
	const most = 1000
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

func when(ms int64) string { return rfc3339(time.UnixMilli(ms)) }

func rfc3339(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
