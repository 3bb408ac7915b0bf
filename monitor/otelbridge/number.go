package otelbridge

import (
	"slices"

	dto "github.com/prometheus/client_model/go"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

func (b *batch) counters(metrics []*dto.Metric, w *word) metricdata.Sum[float64] {
	points := make([]metricdata.DataPoint[float64], len(metrics))
	for i, m := range metrics {
		c := m.GetCounter()
		p := b.number(m, w, c.GetValue())
		p.StartTime = b.since(c.GetCreatedTimestamp(), p.Time)
		if e := c.GetExemplar(); e != nil {
			p.Exemplars = []metricdata.Exemplar[float64]{exemplar(e, p.Time)}
		}
		points[i] = p
	}
	return metricdata.Sum[float64]{DataPoints: points, Temporality: metricdata.CumulativeTemporality, IsMonotonic: true}
}

func (b *batch) upDowns(metrics []*dto.Metric, w *word) metricdata.Sum[float64] {
	points := b.gauges(metrics, w).DataPoints
	for i := range points {
		points[i].StartTime = b.since(nil, points[i].Time)
	}
	return metricdata.Sum[float64]{DataPoints: points, Temporality: metricdata.CumulativeTemporality}
}

func (b *batch) gauges(metrics []*dto.Metric, w *word) metricdata.Gauge[float64] {
	points := make([]metricdata.DataPoint[float64], len(metrics))
	for i, m := range metrics {
		points[i] = b.number(m, w, m.GetGauge().GetValue())
	}
	return metricdata.Gauge[float64]{DataPoints: points}
}

func (b *batch) untyped(metrics []*dto.Metric, w *word) metricdata.Gauge[float64] {
	points := make([]metricdata.DataPoint[float64], len(metrics))
	for i, m := range metrics {
		points[i] = b.number(m, w, m.GetUntyped().GetValue())
	}
	return metricdata.Gauge[float64]{DataPoints: points}
}

func (b *batch) number(m *dto.Metric, w *word, v float64) metricdata.DataPoint[float64] {
	return metricdata.DataPoint[float64]{Attributes: b.attributes(m, w), Time: b.at(m), Value: v}
}

func (b *batch) summaries(metrics []*dto.Metric, w *word) metricdata.Summary {
	points := make([]metricdata.SummaryDataPoint, len(metrics))
	for i, m := range metrics {
		s, at := m.GetSummary(), b.at(m)
		points[i] = metricdata.SummaryDataPoint{
			Attributes: b.attributes(m, w), StartTime: b.since(s.GetCreatedTimestamp(), at), Time: at,
			Count: s.GetSampleCount(), Sum: s.GetSampleSum(), QuantileValues: quantiles(s),
		}
	}
	return metricdata.Summary{DataPoints: points}
}

func quantiles(s *dto.Summary) []metricdata.QuantileValue {
	out := slices.Grow([]metricdata.QuantileValue(nil), len(s.GetQuantile()))
	for _, q := range s.GetQuantile() {
		out = append(out, metricdata.QuantileValue{Quantile: q.GetQuantile(), Value: q.GetValue()})
	}
	return out
}
