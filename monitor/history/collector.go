package history

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/monitor"
)

// collector turns what is in the registry into samples. It remembers the series
// of each label set, so that in steady state nothing is looked up. It is used with
// the store's writing held.
type collector struct {
	store     *store
	exemplars *exemplars
	metadata  *metadata
	maker     maker
	last      int64 // time of the last collection

	own     map[*instrument.Family]*family
	foreign *foreign
	round   uint64
	flaws   []error // of this collection, a few of them

	// Series of before a start or restore, until the first collection after it:
	// those that it does not find end with it, as those of a target that was
	// started anew end with a scrape.
	expected map[*series]bool
}

func newCollector(db *DB, extra monitor.Labels) *collector {
	c := &collector{
		store: db.store, exemplars: db.exemplars, metadata: db.metadata, maker: maker{extra: extra},
		last: math.MinInt64, own: map[*instrument.Family]*family{},
	}
	c.foreign = newForeign(c, db.m, db.gathering.mixed)
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

// collect writes a sample of everything that was read.
func (c *collector) collect(now int64, r *reading) error {
	c.last = now
	c.round++
	c.flaws = nil
	for _, f := range r.own {
		known := c.own[f.Family]
		if known == nil {
			known = newFamily(f.Family)
			c.own[f.Family] = known
			c.metadata.add(f.Name(), f.Type().String(), f.Help())
		}
		known.round = c.round
		c.write(f, known, r, now)
	}
	for f, known := range c.own {
		if r.whole && known.round != c.round {
			c.end(known.known, now)
			delete(c.own, f)
		}
	}
	c.foreign.collect(r.families, now)
	for s := range c.expected {
		c.stale(s, now)
	}
	c.expected = nil
	return errors.Join(append(c.flaws, r.err)...)
}

// flaw counts samples that cannot be taken, and remembers why.
func (c *collector) flaw(metric string, why dropReason, err error) {
	const most = 10
	c.store.counts.drop(why)
	if len(c.flaws) < most {
		c.flaws = append(c.flaws, fmt.Errorf("history: collect %s: %w", metric, err))
	}
}

// expect says which series there were before.
func (c *collector) expect(all []*series) {
	c.expected, c.last = map[*series]bool{}, math.MinInt64
	for _, s := range all {
		if s.collected && !s.ended {
			c.expected[s] = true
			c.last = max(c.last, s.last)
		}
	}
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

// write writes one reading of a family. Both what is known and the reading are
// ordered by label values, so that one pass finds what is new and what is gone.
func (c *collector) write(f ownFamily, known *family, r *reading, now int64) {
	old := known.known
	var merged []member // nil while nothing has changed
	at := 0
	rows := r.rows[f.from:f.to]
	for i := range rows {
		row := &rows[i]
		l := row.labels
		from := at
		for at < len(old) && old[at].labels != l && slices.Compare(old[at].labels.Values(), l.Values()) < 0 {
			at++
		}
		isKnown := at < len(old) && (old[at].labels == l || slices.Equal(old[at].labels.Values(), l.Values()))
		if merged == nil && (at != from || !isKnown) {
			merged = append(make([]member, 0, len(rows)), old[:from]...)
		}
		c.end(old[from:at], now)
		m := member{labels: l}
		if isKnown {
			m.series = old[at].series
			old[at].labels = l
			at++
		}
		c.writeRow(f.Family, known, r, row, &m, now)
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

// writeRow writes what one label set has.
func (c *collector) writeRow(f *instrument.Family, known *family, r *reading, row *ownRow, m *member, now int64) {
	if known.le == nil {
		if m.series == nil {
			m.series = make([]*series, 1)
		}
		c.put(&m.series[0], now, row.value, func() {
			c.begin(f, f.Name(), m.labels)
		})
		return
	}
	buckets := r.buckets[row.bucket : row.bucket+len(known.le)]
	if m.series == nil {
		m.series = make([]*series, len(buckets)+2)
	}
	var cumulative uint64
	for j, n := range buckets {
		cumulative += n
		c.put(&m.series[j], now, float64(cumulative), func() {
			c.begin(f, f.Name()+"_bucket", m.labels)
			c.maker.tell(bucketLabel, known.le[j])
		})
	}
	c.put(&m.series[len(buckets)], now, row.value, func() { c.begin(f, f.Name()+"_sum", m.labels) })
	c.put(&m.series[len(buckets)+1], now, float64(cumulative), func() { c.begin(f, f.Name()+"_count", m.labels) })
	if c.exemplars.limit > 0 {
		for _, e := range r.exemplars[row.exemplarFrom:row.exemplarTo] {
			if err := c.exemplars.add(m.series[e.bucket], e.value, millis(e.at), labels.Label{Name: traceLabel, Value: e.trace}); err != nil {
				c.flaw(f.Name(), dropInvalid, err)
			}
		}
	}
	if row.native == nil {
		return
	}
	if len(m.series) == len(buckets)+2 {
		m.series = append(slices.Clip(m.series), nil)
	}
	h, fh := nativeHistogram(row.native, false)
	c.putNative(f.Name(), &m.series[len(buckets)+2], now, h, fh, func() { c.begin(f, f.Name(), m.labels) })
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
	if *s != nil && c.store.append(*s, now, v) != evicted {
		return
	}
	if c.find(s, now, label) {
		c.store.append(*s, now, v)
	}
}

func (c *collector) putNative(metric string, s **series, now int64, h *histogram.Histogram, fh *histogram.FloatHistogram, label func()) {
	if err := checkNative(h, fh); err != nil {
		c.stale(*s, now)
		c.flaw(metric, dropInvalid, err)
		return
	}
	if *s != nil && c.store.appendNative(*s, now, h, fh) != evicted {
		return
	}
	if c.find(s, now, label) {
		c.store.appendNative(*s, now, h, fh)
	}
}

// find finds or makes a series.
func (c *collector) find(s **series, now int64, label func()) bool {
	label()
	l, err := c.maker.labels()
	if err != nil {
		*s = nil
		c.flaw(c.maker.fixed[0].Value, dropInvalid, err)
		return false
	}
	if *s = c.store.get(l, raw, now); *s == nil {
		c.store.counts.drop(dropSeriesLimit)
		return false
	}
	(*s).collected = true
	delete(c.expected, *s)
	return true
}
