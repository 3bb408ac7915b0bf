package history

import (
	"fmt"
	"math"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/prometheus/model/histogram"
)

// foreign collects what is in the registry and not the SDK's.
type foreign struct {
	c        *collector
	gatherer prometheus.Gatherer // nil if there is nothing that can be gathered
	mixed    bool                // the SDK's own come with it and are passed over
	known    map[string]*metric  // by name and labels
	key      []byte
}

// metric is what is known of the series of one gathered metric.
type metric struct {
	series []*series
	bounds []float64 // of buckets and quantiles, by series
	round  uint64
}

// A monitor's private registry gathers the host's collectors apart.
type apart interface{ Foreign() prometheus.Gatherer }

func newForeign(c *collector) *foreign {
	f := &foreign{c: c, gatherer: c.m.Gatherer(), mixed: true, known: map[string]*metric{}}
	if own, ok := f.gatherer.(apart); ok {
		f.gatherer, f.mixed = own.Foreign(), false
	}
	return f
}

func (f *foreign) collect(now int64) error {
	if f.gatherer == nil {
		return nil
	}
	families, err := f.gather()
	for _, mf := range families {
		if f.mixed && f.c.m.Instruments().Has(mf.GetName()) {
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
	if err != nil {
		return fmt.Errorf("history: gather: %w", err)
	}
	return nil
}

// gather asks the host's collectors; one that panics costs the collection only.
func (f *foreign) gather() (families []*dto.MetricFamily, err error) {
	defer f.c.m.Guard("history.gather", &err)
	return f.gatherer.Gather()
}

func (f *foreign) write(mf *dto.MetricFamily, m *dto.Metric, now int64) {
	f.key = appendKey(f.key[:0], mf.GetName(), m)
	k := f.known[string(f.key)]
	if k == nil {
		k = &metric{}
		f.known[string(f.key)] = k
	}
	k.round = f.c.round
	if m.TimestampMs != nil {
		now = m.GetTimestampMs()
	}
	w := writing{f: f, name: mf.GetName(), m: m, k: k, now: now}
	switch {
	case m.Counter != nil:
		w.value("", "", 0, m.Counter.GetValue())
		w.exemplar(m.Counter.Exemplar)
	case m.Gauge != nil:
		w.value("", "", 0, m.Gauge.GetValue())
	case m.Untyped != nil:
		w.value("", "", 0, m.Untyped.GetValue())
	case m.Summary != nil:
		w.summary(m.Summary)
	case m.Histogram != nil:
		w.histogram(m.Histogram, mf.GetType() == dto.MetricType_GAUGE_HISTOGRAM)
	}
	for _, s := range k.series[w.n:] { // a metric that has fewer buckets now
		f.c.stale(s, now)
	}
	k.series, k.bounds = k.series[:w.n], k.bounds[:w.n]
}

// writing is one metric on its way into the store.
type writing struct {
	f    *foreign
	name string
	m    *dto.Metric
	k    *metric
	now  int64
	n    int // series written so far
}

// slot returns where the metric's next series is remembered. One whose bound
// is another than before ends, and is found again.
func (w *writing) slot(bound float64) **series {
	if w.n == len(w.k.series) {
		w.k.series, w.k.bounds = append(w.k.series, nil), append(w.k.bounds, bound)
	}
	s := &w.k.series[w.n]
	if w.k.bounds[w.n] != bound {
		w.f.c.stale(*s, w.now)
		*s, w.k.bounds[w.n] = nil, bound
	}
	w.n++
	return s
}

// value writes a series of the metric: its name's suffix and, for a bucket or
// quantile, one more label.
func (w *writing) value(suffix, label string, bound, v float64) {
	w.f.c.put(w.slot(bound), w.now, v, func() {
		w.labels(suffix)
		if label != "" {
			w.f.c.maker.add(label, number(bound))
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
	pairs := make([]string, 0, 2*len(e.Label))
	for _, l := range e.Label {
		pairs = append(pairs, l.GetName(), l.GetValue())
	}
	w.f.c.exemplars.addPairs(w.k.series[w.n-1], pairs, e.GetValue(), at)
}

func (w *writing) summary(s *dto.Summary) {
	for _, q := range s.GetQuantile() {
		w.value("", quantileLabel, q.GetQuantile(), q.GetValue())
	}
	w.value("_sum", "", 0, s.GetSampleSum())
	w.value("_count", "", 0, float64(s.GetSampleCount()))
}

func (w *writing) histogram(h *dto.Histogram, gauge bool) {
	native := h.Schema != nil || h.ZeroThreshold != nil || len(h.PositiveSpan)+len(h.NegativeSpan) > 0
	if native {
		ints, floats := nativeHistogram(h, gauge)
		w.f.c.putNative(w.slot(0), w.now, ints, floats, func() { w.labels("") })
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
		w.value("_bucket", bucketLabel, b.GetUpperBound(), n)
		w.exemplar(b.GetExemplar())
		complete = math.IsInf(b.GetUpperBound(), 1)
	}
	if !complete {
		w.value("_bucket", bucketLabel, math.Inf(1), count)
	}
	w.value("_sum", "", 0, h.GetSampleSum())
	w.value("_count", "", 0, count)
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
