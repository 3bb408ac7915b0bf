package otelbridge

import (
	"math"
	"slices"

	dto "github.com/prometheus/client_model/go"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// histograms converts histograms with explicit bounds. Points share their
// bounds where these are equal, as the SDK's own do.
func (b *batch) histograms(metrics []*dto.Metric, w *word) metricdata.Aggregation {
	points := make([]metricdata.HistogramDataPoint[float64], 0, len(metrics))
	var bounds []float64
	var counts []uint64 // of all points
	for i, m := range metrics {
		h, at := m.GetHistogram(), b.at(m)
		if fractional(h) {
			continue
		}
		finite := withoutInf(h.GetBucket())
		if !slices.EqualFunc(bounds, finite, func(v float64, b *dto.Bucket) bool { return v == b.GetUpperBound() }) {
			bounds = make([]float64, len(finite))
			for j, bucket := range finite {
				bounds[j] = bucket.GetUpperBound()
			}
		}
		if width := len(bounds) + 1; len(counts) < width {
			counts = make([]uint64, width*(len(metrics)-i))
		}
		own := counts[: len(bounds)+1 : len(bounds)+1]
		counts = counts[len(own):]
		points = append(points, metricdata.HistogramDataPoint[float64]{
			Attributes: b.attributes(m, w), StartTime: b.since(h.GetCreatedTimestamp(), at), Time: at,
			Count: perBucket(own, finite, h), Sum: h.GetSampleSum(), Bounds: bounds, BucketCounts: own,
			Exemplars: exemplars(h, at),
		})
	}
	if len(points) == 0 {
		return nil
	}
	return metricdata.Histogram[float64]{DataPoints: points, Temporality: metricdata.CumulativeTemporality}
}

// fractional reports whether the histogram counts in floating point.
func fractional(h *dto.Histogram) bool { return h.GetSampleCountFloat() > 0 }

// withoutInf cuts off the bucket without a bound, which is there only when it
// has an exemplar.
func withoutInf(buckets []*dto.Bucket) []*dto.Bucket {
	if n := len(buckets); n > 0 && math.IsInf(buckets[n-1].GetUpperBound(), 1) {
		return buckets[:n-1]
	}
	return buckets
}

// perBucket writes how many values each bucket has, cumulative counts undone,
// and returns the sum. A cumulative count that falls counts for nothing.
func perBucket(out []uint64, finite []*dto.Bucket, h *dto.Histogram) uint64 {
	var below uint64
	for i, b := range finite {
		n := max(below, b.GetCumulativeCount())
		out[i] = n - below
		below = n
	}
	all := max(below, h.GetSampleCount())
	out[len(finite)] = all - below
	return all
}
