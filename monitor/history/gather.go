package history

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/monitor"
)

// gathering reads the registry, beside the caller and with no lock held: the
// host's collectors may take their time, or never end. One reading is made at a
// time, in memory that is used again.
type gathering struct {
	m        *monitor.Monitor
	gatherer prometheus.Gatherer // nil if there is nothing that can be gathered
	mixed    bool                // the SDK's own come with it and are passed over

	busy    chan struct{} // has one while a reading is made
	since   atomic.Int64  // when it was begun, in Unix milliseconds
	reading reading       // of whoever is busy, then of whoever asked
}

// reading is what is in the registry: the SDK's instruments as they are, and what
// else there is.
type reading struct {
	own       []ownFamily
	rows      []ownRow
	buckets   []uint64
	exemplars []ownExemplar
	whole     bool // all of own was read
	families  []*dto.MetricFamily
	err       error
}

// ownFamily is a family of the SDK's, whose rows are some of the reading's.
type ownFamily struct {
	*instrument.Family
	from, to int
}

// ownRow is one label set of a family.
type ownRow struct {
	labels       *instrument.Labels
	value        float64 // of a histogram its sum
	bucket       int     // where its buckets begin
	native       *dto.Histogram
	exemplarFrom int
	exemplarTo   int
}

type ownExemplar struct {
	bucket int
	trace  string
	value  float64
	at     time.Time
}

// A monitor's private registry gathers the host's collectors apart.
type apart interface{ Foreign() prometheus.Gatherer }

func newGathering(m *monitor.Monitor) *gathering {
	g := &gathering{m: m, gatherer: m.Gatherer(), mixed: true, busy: make(chan struct{}, 1)}
	if own, ok := g.gatherer.(apart); ok {
		g.gatherer, g.mixed = own.Foreign(), false
	}
	return g
}

var errHangs = errors.New("a collector of the registry has not returned")

// read reads the registry. It returns when the context ends, and is an error for
// as long as a reading goes on after that. What it returns is valid until the next.
func (g *gathering) read(ctx context.Context) (*reading, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("history: gather: %w", err)
	}
	select {
	case g.busy <- struct{}{}:
	default:
		return nil, fmt.Errorf("history: gather: %w since %s", errHangs, when(g.since.Load()))
	}
	g.since.Store(millis(g.m.Now()))
	done := make(chan struct{})
	go func() {
		g.make()
		<-g.busy
		close(done)
	}()
	select {
	case <-done:
		return &g.reading, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("history: gather: %w: %w", errHangs, ctx.Err())
	}
}

// settle waits for a reading that nobody waits for any more, but not for long.
func (g *gathering) settle(most time.Duration) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case g.busy <- struct{}{}:
		<-g.busy
	case <-timer.C:
	}
}

func (g *gathering) make() {
	r := &g.reading
	*r = reading{own: r.own[:0], rows: r.rows[:0], buckets: r.buckets[:0], exemplars: r.exemplars[:0]}
	err := g.readOwn(r)
	r.whole = err == nil
	if g.gatherer != nil {
		r.families, r.err = g.gather()
	}
	if r.err != nil {
		r.err = fmt.Errorf("history: gather: %w", r.err)
	}
	r.err = errors.Join(err, r.err)
}

// gather asks the host's collectors; one that panics costs the collection only.
func (g *gathering) gather() (families []*dto.MetricFamily, err error) {
	defer g.m.Guard("history.gather", &err)
	return g.gatherer.Gather()
}

func (g *gathering) readOwn(r *reading) (err error) {
	defer g.m.Guard("history.collect", &err)
	var errs []error
	g.m.Instruments().Read(func(f *instrument.Family, rows *instrument.Rows) {
		from := len(r.rows)
		for i := range rows.Len() {
			if !rows.Shown(i) {
				continue
			}
			if err := r.add(f, rows, i); err != nil {
				errs = append(errs, err)
			}
		}
		r.own = append(r.own, ownFamily{f, from, len(r.rows)})
	})
	return errors.Join(errs...)
}

// add copies a row: it is the set's.
func (r *reading) add(f *instrument.Family, rows *instrument.Rows, i int) (err error) {
	row := ownRow{labels: rows.Labels(i)}
	if f.Type() != catalog.Histogram {
		row.value = rows.Value(i)
		r.rows = append(r.rows, row)
		return nil
	}
	buckets, sum := rows.Histogram(i)
	row.value, row.bucket = sum, len(r.buckets)
	r.buckets = append(r.buckets, buckets...)
	row.exemplarFrom = len(r.exemplars)
	rows.Exemplars(i, func(bucket int, trace string, v float64, at time.Time) {
		r.exemplars = append(r.exemplars, ownExemplar{bucket, trace, v, at})
	})
	row.exemplarTo = len(r.exemplars)
	row.native, err = rows.Native(i)
	r.rows = append(r.rows, row)
	return err
}
