package history

import (
	"errors"
	"fmt"
	"math"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/chronoretrace/chronomon/monitor"
)

// foreign writes what is in the registry and not the SDK's.
type foreign struct {
	c     *collector
	m     *monitor.Monitor
	mixed bool               // the SDK's own come with it and are passed over
	known map[string]*metric // by name and labels
	key   []byte
}

// metric is what is known of the series of one gathered metric.
type metric struct {
	series []*series
	parts  []part // by series
	round  uint64
}

// part is which of a metric's series one is: its name's suffix and, of a bucket or
// quantile, one more label.
type part struct {
	suffix, label string
	bound         float64
}

// whole is the part that is the metric itself.
var whole part

func newForeign(c *collector, m *monitor.Monitor, mixed bool) *foreign {
	return &foreign{c: c, m: m, mixed: mixed, known: map[string]*metric{}}
}

func (f *foreign) collect(families []*dto.MetricFamily, now int64) {
	for _, mf := range families {
		if f.mixed && f.m.Instruments().Has(mf.GetName()) {
			continue
		}
		f.c.metadata.add(mf.GetName(), typeName(mf.GetType()), mf.GetHelp())
		for _, m := range mf.GetMetric() {
			f.write(mf, m, now)
		}
	}
	for key, k := range f.known {
		if k.round == f.c.round {
			continue
		}
		for _, s := range k.series {
			f.c.stale(s, now)
		}
		delete(f.known, key)
	}
}

func (f *foreign) write(mf *dto.MetricFamily, m *dto.Metric, now int64) {
	f.key = appendKey(f.key[:0], mf.GetName(), m)
	k := f.known[string(f.key)]
	if k == nil {
		k = &metric{}
		f.known[string(f.key)] = k
	}
	k.round = f.c.round
	w := writing{f: f, name: mf.GetName(), m: m, k: k, now: now}
	switch why, err := w.metric(mf.GetType() == dto.MetricType_GAUGE_HISTOGRAM); {
	case err != nil:
		f.c.flaw(w.name, why, err)
	case m.TimestampMs != nil:
		now = m.GetTimestampMs()
	}
	for _, s := range append(w.former, k.series[w.n:]...) { // a metric that has fewer buckets now
		if s != nil && s.last != now { // it was not found again
			f.c.stale(s, now)
		}
	}
	k.series, k.parts = k.series[:w.n], k.parts[:w.n]
}

// writing is one metric on its way into the store.
type writing struct {
	f    *foreign
	name string
	m    *dto.Metric
	k    *metric
	now  int64
	n    int // series written so far

	former []*series // that were in a slot that another one has now
}

// metric writes all of it; one that is not what it says costs itself only.
func (w *writing) metric(gauge bool) (why dropReason, err error) {
	defer w.f.m.Guard("history.metric", &err)
	why = dropInvalid
	if w.m.TimestampMs != nil {
		t := w.m.GetTimestampMs()
		if t > w.now+mostAhead {
			return dropAhead, ErrAhead
		}
		if err := checkTime(t); err != nil {
			return why, err
		}
		w.now = t
	}
	switch m := w.m; {
	case m.Counter != nil:
		w.value(whole, m.Counter.GetValue())
		w.exemplar(m.Counter.Exemplar)
	case m.Gauge != nil:
		w.value(whole, m.Gauge.GetValue())
	case m.Untyped != nil:
		w.value(whole, m.Untyped.GetValue())
	case m.Summary != nil:
		w.summary(m.Summary)
	case m.Histogram != nil:
		w.histogram(m.Histogram, gauge)
	}
	return why, nil
}

// slot returns where the metric's next series is remembered. One that is another
// part than before ends, and is found again.
func (w *writing) slot(p part) **series {
	if w.n == len(w.k.series) {
		w.k.series, w.k.parts = append(w.k.series, nil), append(w.k.parts, p)
	}
	s := &w.k.series[w.n]
	if w.k.parts[w.n] != p {
		w.former = append(w.former, *s)
		*s, w.k.parts[w.n] = nil, p
	}
	w.n++
	return s
}

// value writes a series of the metric.
func (w *writing) value(p part, v float64) {
	w.f.c.put(w.slot(p), w.now, v, func() {
		w.labels(p.suffix)
		if p.label != "" {
			w.f.c.maker.tell(p.label, number(p.bound))
		}
	})
}

func (w *writing) labels(suffix string) {
	w.f.c.maker.begin(w.name + suffix)
	for _, l := range w.m.GetLabel() {
		w.f.c.maker.add(l.GetName(), l.GetValue())
	}
}

// exemplar keeps one of the series written last.
func (w *writing) exemplar(e *dto.Exemplar) {
	if e == nil || w.f.c.exemplars.limit == 0 {
		return
	}
	at := w.now
	if e.Timestamp != nil {
		at = millis(e.Timestamp.AsTime())
	}
	of := make([]labels.Label, 0, len(e.Label))
	for _, l := range e.Label {
		of = append(of, labels.Label{Name: l.GetName(), Value: l.GetValue()})
	}
	if err := w.f.c.exemplars.add(w.k.series[w.n-1], e.GetValue(), at, of...); err != nil {
		w.f.c.flaw(w.name, dropInvalid, err)
	}
}

func (w *writing) summary(s *dto.Summary) {
	for _, q := range s.GetQuantile() {
		w.value(part{label: quantileLabel, bound: q.GetQuantile()}, q.GetValue())
	}
	w.value(part{suffix: "_sum"}, s.GetSampleSum())
	w.value(part{suffix: "_count"}, float64(s.GetSampleCount()))
}

func (w *writing) histogram(h *dto.Histogram, gauge bool) {
	native := h.Schema != nil || h.ZeroThreshold != nil || len(h.PositiveSpan)+len(h.NegativeSpan) > 0
	if native {
		ints, floats := nativeHistogram(h, gauge)
		w.f.c.putNative(w.name, w.slot(whole), w.now, ints, floats, func() { w.labels("") })
		for _, e := range h.GetExemplars() {
			w.exemplar(e)
		}
		if len(h.GetBucket()) == 0 {
			return
		}
	}
	count := float64(h.GetSampleCount())
	if f := h.GetSampleCountFloat(); f > 0 {
		count = f
	}
	complete := false
	for _, b := range h.GetBucket() {
		n := float64(b.GetCumulativeCount())
		if f := b.GetCumulativeCountFloat(); f > 0 {
			n = f
		}
		w.value(part{"_bucket", bucketLabel, b.GetUpperBound()}, n)
		w.exemplar(b.GetExemplar())
		complete = math.IsInf(b.GetUpperBound(), 1)
	}
	if !complete {
		w.value(part{"_bucket", bucketLabel, math.Inf(1)}, count)
	}
	w.value(part{suffix: "_sum"}, h.GetSampleSum())
	w.value(part{suffix: "_count"}, count)
}

// appendKey appends what tells a metric from all others.
func appendKey(b []byte, name string, m *dto.Metric) []byte {
	b = append(b, name...)
	for _, l := range m.GetLabel() {
		b = append(b, 0xff) // in no valid UTF-8
		b = append(b, l.GetName()...)
		b = append(b, 0xff)
		b = append(b, l.GetValue()...)
	}
	return b
}

// typeName is a type as metadata has it.
func typeName(t dto.MetricType) string {
	switch t {
	case dto.MetricType_COUNTER:
		return "counter"
	case dto.MetricType_GAUGE:
		return "gauge"
	case dto.MetricType_SUMMARY:
		return "summary"
	case dto.MetricType_HISTOGRAM:
		return "histogram"
	case dto.MetricType_GAUGE_HISTOGRAM:
		return "gaugehistogram"
	default:
		return "unknown"
	}
}

// nativeHistogram brings a native histogram into the store's form: with whole
// counts or, if it has others, with floats.
func nativeHistogram(h *dto.Histogram, gauge bool) (*histogram.Histogram, *histogram.FloatHistogram) {
	hint := histogram.UnknownCounterReset
	if gauge {
		hint = histogram.GaugeType
	}
	if h.GetSampleCountFloat() > 0 || h.GetZeroCountFloat() > 0 {
		return nil, &histogram.FloatHistogram{
			CounterResetHint: hint, Schema: h.GetSchema(), Sum: h.GetSampleSum(), Count: h.GetSampleCountFloat(),
			ZeroThreshold: h.GetZeroThreshold(), ZeroCount: h.GetZeroCountFloat(),
			PositiveSpans: spans(h.GetPositiveSpan()), PositiveBuckets: h.GetPositiveCount(),
			NegativeSpans: spans(h.GetNegativeSpan()), NegativeBuckets: h.GetNegativeCount(),
		}
	}
	return &histogram.Histogram{
		CounterResetHint: hint, Schema: h.GetSchema(), Sum: h.GetSampleSum(), Count: h.GetSampleCount(),
		ZeroThreshold: h.GetZeroThreshold(), ZeroCount: h.GetZeroCount(),
		PositiveSpans: spans(h.GetPositiveSpan()), PositiveBuckets: h.GetPositiveDelta(),
		NegativeSpans: spans(h.GetNegativeSpan()), NegativeBuckets: h.GetNegativeDelta(),
	}, nil
}

// What a native histogram may be: the engine makes room for as many buckets as
// its spans say.
const (
	mostBuckets = 1 << 16
	mostIndex   = 1 << 20 // of a bucket; the finest schema has 2^18 up to the largest number
)

var errNoHistogram = errors.New("no histogram")

// checkNative returns an error if what is not nil is no native histogram.
func checkNative(h *histogram.Histogram, fh *histogram.FloatHistogram) error {
	var positive, negative []histogram.Span
	if h != nil {
		if err := h.Validate(); err != nil {
			return err
		}
		positive, negative = h.PositiveSpans, h.NegativeSpans
	} else {
		if err := fh.Validate(); err != nil {
			return err
		}
		positive, negative = fh.PositiveSpans, fh.NegativeSpans
	}
	for _, spans := range [...][]histogram.Span{positive, negative} {
		buckets, index := int64(0), int64(0)
		for _, s := range spans {
			buckets += int64(s.Length)
			index += int64(s.Offset)
			if index < -mostIndex || index+int64(s.Length) > mostIndex {
				return fmt.Errorf("a bucket at %d: want at most %d", index, mostIndex)
			}
			index += int64(s.Length)
		}
		if buckets > mostBuckets || len(spans) > mostBuckets {
			return fmt.Errorf("%d buckets in %d spans: want at most %d", buckets, len(spans), mostBuckets)
		}
	}
	return nil
}

func spans(in []*dto.BucketSpan) []histogram.Span {
	var out []histogram.Span
	for _, s := range in {
		if s.GetOffset() == 0 && s.GetLength() == 0 { // says only that the histogram is native
			continue
		}
		out = append(out, histogram.Span{Offset: s.GetOffset(), Length: s.GetLength()})
	}
	return out
}
