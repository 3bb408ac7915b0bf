package otelbridge

import (
	"time"

	dto "github.com/prometheus/client_model/go"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// batch is one gathering on its way to OpenTelemetry's model.
type batch struct {
	p      *Producer
	now    time.Time
	own    []metricdata.Metrics
	others []metricdata.Metrics
	done   []bool // by word: the metric is in already, from another profile
	pairs  []attribute.KeyValue
}

// newBatch begins a batch after the gathering, so that nothing in it is younger.
func (p *Producer) newBatch(families int) *batch {
	return &batch{
		p: p, now: p.m.Now(),
		own:  make([]metricdata.Metrics, 0, families),
		done: make([]bool, p.words.metrics),
	}
}

// add converts one family.
func (b *batch) add(f *dto.MetricFamily) {
	if len(f.GetMetric()) == 0 {
		return
	}
	w := b.p.words.of(f)
	if w == nil {
		if b.p.foreign {
			b.others = b.convert(b.others, f, &word{name: f.GetName(), unit: ucum(f.GetUnit())})
		}
		return
	}
	if !b.done[w.metric] {
		b.done[w.metric] = true
		b.own = b.convert(b.own, f, w)
	}
}

func (b *batch) convert(out []metricdata.Metrics, f *dto.MetricFamily, w *word) []metricdata.Metrics {
	data := b.aggregation(f, w)
	if data == nil {
		return out
	}
	return append(out, metricdata.Metrics{Name: w.name, Description: f.GetHelp(), Unit: w.unit, Data: data})
}

// aggregation returns the family's data, or nil for a type that OpenTelemetry
// has no place for.
func (b *batch) aggregation(f *dto.MetricFamily, w *word) metricdata.Aggregation {
	switch f.GetType() {
	case dto.MetricType_COUNTER:
		return b.counters(f.GetMetric(), w)
	case dto.MetricType_GAUGE:
		if w.upDown {
			return b.upDowns(f.GetMetric(), w)
		}
		return b.gauges(f.GetMetric(), w)
	case dto.MetricType_UNTYPED:
		return b.untyped(f.GetMetric(), w)
	case dto.MetricType_SUMMARY:
		return b.summaries(f.GetMetric(), w)
	case dto.MetricType_HISTOGRAM:
		if native(f.GetMetric()) {
			return b.exponentials(f.GetMetric(), w)
		}
		return b.histograms(f.GetMetric(), w)
	}
	return nil
}

// scopes returns what was added.
func (b *batch) scopes() []metricdata.ScopeMetrics {
	var out []metricdata.ScopeMetrics
	if len(b.own) > 0 {
		out = append(out, metricdata.ScopeMetrics{Scope: b.p.scope(ownScope), Metrics: b.own})
	}
	if len(b.others) > 0 {
		out = append(out, metricdata.ScopeMetrics{Scope: b.p.scope(foreignScope), Metrics: b.others})
	}
	return out
}

// at is the time of a sample.
func (b *batch) at(m *dto.Metric) time.Time {
	if ms := m.GetTimestampMs(); ms != 0 {
		return time.UnixMilli(ms)
	}
	return b.now
}

// since is the time from which a sample adds up: when its series was made, if
// it says so, or else when the process started. It is never after the sample,
// which may be of another clock or an old one.
func (b *batch) since(created *timestamppb.Timestamp, at time.Time) time.Time {
	if created.IsValid() {
		if t := created.AsTime(); !t.After(at) {
			return t
		}
	}
	if b.p.start.After(at) {
		return at
	}
	return b.p.start
}

// attributes returns the set of a sample's labels.
func (b *batch) attributes(m *dto.Metric, w *word) attribute.Set {
	b.pairs = b.pairs[:0]
	for _, l := range m.GetLabel() {
		b.pairs = append(b.pairs, w.attribute(l.GetName(), l.GetValue()))
	}
	return attribute.NewSet(b.pairs...)
}
