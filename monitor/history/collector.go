package history

import (
	"errors"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/histogram"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/monitor"
)

// collector turns the registry into samples. The SDK's own instruments are read
// as they are; what else is in the registry is gathered. It remembers the series
// of each label set, so that in steady state nothing is looked up.
type collector struct {
	m         *monitor.Monitor
	store     *store
	exemplars *exemplars
	metadata  *metadata
	maker     maker
	last      int64 // time of the last collection

	own     map[*instrument.Family]*family
	foreign *foreign
	round   uint64

	// Series of before a start or restore, until the first collection after it:
	// those that it does not find end with it, as those of a target that was
	// started anew end with a scrape.
	expected map[*series]bool
}

func newCollector(m *monitor.Monitor, db *DB, extra monitor.Labels) *collector {
	c := &collector{
		m: m, store: db.store, exemplars: db.exemplars, metadata: db.metadata, maker: maker{extra: extra},
		own: map[*instrument.Family]*family{},
	}
	c.foreign = newForeign(c)
	return c
}

// family is what is known of the series of one of the SDK's metrics.
type family struct {
	known []member // by label values
	round uint64
	le    []string // of a histogram, +Inf the last one
}

// member is one label set of a family.
type member struct {
	labels *instrument.Labels
	// Of a counter or gauge one; of a histogram its buckets, sum and count, and
	// the native histogram once there is one. Those there was no room for are nil.
	series []*series
}

// collect writes a sample of everything in the registry. The store is locked by
// the caller.
func (c *collector) collect(now int64) error {
	c.last = now
	c.round++
	err := errors.Join(c.collectOwn(now), c.foreign.collect(now))
	for s := range c.expected {
		c.stale(s, now)
	}
	c.expected = nil
	return err
}

// expect says which series there were before.
func (c *collector) expect(all []*series) {
	c.expected = map[*series]bool{}
	for _, s := range all {
		if s.collected && !s.ended {
			c.expected[s] = true
		}
	}
}

func (c *collector) collectOwn(now int64) (err error) {
	defer c.m.Guard("history.collect", &err)
	var errs []error
	c.m.Instruments().Read(func(f *instrument.Family, rows *instrument.Rows) {
		known := c.own[f]
		if known == nil {
			known = newFamily(f)
			c.own[f] = known
			c.metadata.add(f.Name(), f.Type().String(), f.Help())
		}
		known.round = c.round
		errs = append(errs, c.read(f, known, rows, now))
	})
	for f, known := range c.own {
		if known.round != c.round {
			c.end(known.known, now)
			delete(c.own, f)
		}
	}
	return errors.Join(errs...)
}

func newFamily(f *instrument.Family) *family {
	known := &family{}
	if f.Type() == catalog.Histogram {
		for _, b := range f.Bounds() {
			known.le = append(known.le, number(b))
		}
		known.le = append(known.le, "+Inf")
	}
	return known
}

// read writes one reading of a family. Both what is known and the reading are
// ordered by label values, so that one pass finds what is new and what is gone.
func (c *collector) read(f *instrument.Family, known *family, rows *instrument.Rows, now int64) error {
	var errs []error
	old := known.known
	var merged []member // nil while nothing has changed
	at := 0
	for i := range rows.Len() {
		if !rows.Shown(i) {
			continue
		}
		l := rows.Labels(i)
		from := at
		for at < len(old) && old[at].labels != l && slices.Compare(old[at].labels.Values(), l.Values()) < 0 {
			at++
		}
		isKnown := at < len(old) && (old[at].labels == l || slices.Equal(old[at].labels.Values(), l.Values()))
		if merged == nil && (at != from || !isKnown) {
			merged = append(make([]member, 0, rows.Len()), old[:from]...)
		}
		c.end(old[from:at], now)
		m := member{labels: l}
		if isKnown {
			m.series = old[at].series
			old[at].labels = l
			at++
		}
		errs = append(errs, c.write(f, known, rows, i, &m, now))
		if merged != nil {
			merged = append(merged, m)
		} else {
			old[at-1].series = m.series
		}
	}
	c.end(old[at:], now)
	switch {
	case merged != nil:
		known.known = merged
	case at < len(old):
		known.known = slices.Clone(old[:at])
	}
	return errors.Join(errs...)
}

// end writes the markers that say that series are over.
func (c *collector) end(gone []member, now int64) {
	for _, m := range gone {
		for _, s := range m.series {
			c.stale(s, now)
		}
	}
}

func (c *collector) stale(s *series, now int64) {
	if s != nil && !s.ended {
		c.store.append(s, now, Stale)
	}
}

// write writes what one label set has.
func (c *collector) write(f *instrument.Family, known *family, rows *instrument.Rows, i int, m *member, now int64) error {
	if known.le == nil {
		if m.series == nil {
			m.series = make([]*series, 1)
		}
		c.put(&m.series[0], now, rows.Value(i), func() {
			c.begin(f, f.Name(), m.labels)
		})
		return nil
	}
	buckets, sum := rows.Histogram(i)
	if m.series == nil {
		m.series = make([]*series, len(buckets)+2)
	}
	var cumulative uint64
	for j, n := range buckets {
		cumulative += n
		c.put(&m.series[j], now, float64(cumulative), func() {
			c.begin(f, f.Name()+"_bucket", m.labels)
			c.maker.add(bucketLabel, known.le[j])
		})
	}
	c.put(&m.series[len(buckets)], now, sum, func() { c.begin(f, f.Name()+"_sum", m.labels) })
	c.put(&m.series[len(buckets)+1], now, float64(cumulative), func() { c.begin(f, f.Name()+"_count", m.labels) })
	if c.exemplars.limit > 0 {
		rows.Exemplars(i, func(bucket int, trace string, v float64, at time.Time) {
			c.exemplars.add(m.series[bucket], "trace_id", trace, v, millis(at))
		})
	}
	native, err := rows.Native(i)
	if native == nil || err != nil {
		return err
	}
	if len(m.series) == len(buckets)+2 {
		m.series = append(slices.Clip(m.series), nil)
	}
	h, fh := nativeHistogram(native, false)
	c.putNative(&m.series[len(buckets)+2], now, h, fh, func() { c.begin(f, f.Name(), m.labels) })
	return nil
}

// begin starts the labels of a series of a family.
func (c *collector) begin(f *instrument.Family, name string, l *instrument.Labels) {
	c.maker.begin(name)
	for i, label := range f.LabelNames() {
		c.maker.add(label, l.Values()[i])
	}
}

// put writes a sample into the series, which label names if it is not known.
func (c *collector) put(s **series, now int64, v float64, label func()) {
	if *s != nil && c.store.append(*s, now, v) {
		return
	}
	if c.find(s, now, label) {
		c.store.append(*s, now, v)
	}
}

func (c *collector) putNative(s **series, now int64, h *histogram.Histogram, fh *histogram.FloatHistogram, label func()) {
	if *s != nil && c.store.appendNative(*s, now, h, fh) {
		return
	}
	if c.find(s, now, label) {
		c.store.appendNative(*s, now, h, fh)
	}
}

// find finds or makes a series.
func (c *collector) find(s **series, now int64, label func()) bool {
	label()
	if *s = c.store.get(c.maker.labels(), raw, now); *s == nil {
		c.store.counts.drop(dropSeriesLimit)
		return false
	}
	(*s).collected = true
	delete(c.expected, *s)
	return true
}
