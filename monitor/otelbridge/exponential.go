package otelbridge

import (
	"iter"
	"slices"

	dto "github.com/prometheus/client_model/go"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// The schemas of native histograms that are exponential: Prometheus's schema is
// OpenTelemetry's scale.
const (
	minSchema = -4
	maxSchema = 8
)

// maxBuckets is how many buckets one side of an exponential histogram may span,
// empty ones included. Prometheus leaves empty buckets out and OpenTelemetry does
// not, so that one far outlier could cost megabytes; a span beyond this is shown
// at half the resolution, or a quarter …, which is exact.
const maxBuckets = 1024

// native reports whether all of the histograms can be shown as exponential ones.
func native(metrics []*dto.Metric) bool {
	return !slices.ContainsFunc(metrics, func(m *dto.Metric) bool {
		h := m.GetHistogram()
		return h == nil || h.Schema == nil || *h.Schema < minSchema || *h.Schema > maxSchema || fractional(h)
	})
}

func (b *batch) exponentials(metrics []*dto.Metric, w *word) metricdata.Aggregation {
	points := make([]metricdata.ExponentialHistogramDataPoint[float64], len(metrics))
	for i, m := range metrics {
		h, at := m.GetHistogram(), b.at(m)
		positive := side{h.GetPositiveSpan(), h.GetPositiveDelta()}
		negative := side{h.GetNegativeSpan(), h.GetNegativeDelta()}
		halvings := max(positive.halvings(), negative.halvings())
		p := metricdata.ExponentialHistogramDataPoint[float64]{
			Attributes: b.attributes(m, w), StartTime: b.since(h.GetCreatedTimestamp(), at), Time: at,
			Sum: h.GetSampleSum(), Scale: h.GetSchema() - int32(halvings),
			ZeroCount: h.GetZeroCount(), ZeroThreshold: h.GetZeroThreshold(),
			PositiveBucket: positive.dense(halvings), NegativeBucket: negative.dense(halvings),
			Exemplars: exemplars(h, at),
		}
		// Not the sample count, which has values that are in no bucket: NaN.
		p.Count = p.ZeroCount + total(p.PositiveBucket.Counts) + total(p.NegativeBucket.Counts)
		points[i] = p
	}
	return metricdata.ExponentialHistogram[float64]{DataPoints: points, Temporality: metricdata.CumulativeTemporality}
}

// side is the positive or the negative buckets of a native histogram: runs of
// neighbors, and counts as differences.
type side struct {
	spans  []*dto.BucketSpan
	deltas []int64
}

// buckets yields the buckets that are not empty, by OpenTelemetry's index: that
// of the lower bound, which is one less than Prometheus's of the upper bound.
func (s side) buckets() iter.Seq2[int, uint64] {
	return func(yield func(int, uint64) bool) {
		index, count, at := -1, int64(0), 0
		for _, span := range s.spans {
			index += int(span.GetOffset())
			for range span.GetLength() {
				if at == len(s.deltas) {
					return
				}
				count += s.deltas[at]
				at++
				if count > 0 && !yield(index, uint64(count)) {
					return
				}
				index++
			}
		}
	}
}

// bounds returns the lowest and the highest index.
func (s side) bounds() (low, high int, ok bool) {
	for i := range s.buckets() {
		if !ok {
			low, high, ok = i, i, true
		}
		low, high = min(low, i), max(high, i)
	}
	return low, high, ok
}

// halvings returns how often the resolution must be halved to keep maxBuckets.
func (s side) halvings() (n int) {
	low, high, _ := s.bounds()
	for high>>n-low>>n >= maxBuckets {
		n++
	}
	return n
}

// dense returns the buckets, at a resolution that was halved so often, without
// gaps.
func (s side) dense(halvings int) metricdata.ExponentialBucket {
	low, high, ok := s.bounds()
	if !ok {
		return metricdata.ExponentialBucket{}
	}
	low, high = low>>halvings, high>>halvings
	counts := make([]uint64, high-low+1)
	for i, n := range s.buckets() {
		counts[i>>halvings-low] += n
	}
	return metricdata.ExponentialBucket{Offset: int32(low), Counts: counts}
}

func total(counts []uint64) (n uint64) {
	for _, c := range counts {
		n += c
	}
	return n
}
