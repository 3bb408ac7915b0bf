package instrument

import (
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/chronoretrace/chronomon/internal/catalog"
)

// nativeMaxBuckets bounds the native histograms that stand beside the classic
// ones by option, as Prometheus recommends. One that would grow past it is made
// coarser, never reset: the classic buckets beside it go on counting.
const nativeMaxBuckets = 160

// sample is one series of a family at one moment, for registries that gather.
type sample struct {
	family *Family
	labels *Labels
	cell   *Cell    // of a cellSource
	row    []uint64 // of a cellSource
	value  float64  // of a funcSource
}

var _ prometheus.Metric = (*sample)(nil)

// Desc implements prometheus.Metric.
func (s *sample) Desc() *prometheus.Desc { return s.family.desc }

// Write implements prometheus.Metric.
func (s *sample) Write(m *dto.Metric) error {
	m.Label = make([]*dto.LabelPair, len(s.labels.values))
	for i, v := range s.labels.values {
		m.Label[i] = &dto.LabelPair{Name: &s.family.naming.Labels[i], Value: &v}
	}
	sortPairs(m.Label)
	value := s.value
	if src, ok := s.family.source.(*cellSource); ok {
		if s.family.metric.Type == catalog.Histogram {
			h, err := s.histogram(src)
			m.Histogram = h
			return err
		}
		value = float64(src.total(s.row))
	}
	if s.family.metric.Type == catalog.Counter {
		m.Counter = &dto.Counter{Value: &value}
	} else {
		m.Gauge = &dto.Gauge{Value: &value}
	}
	return nil
}

func (s *sample) histogram(src *cellSource) (*dto.Histogram, error) {
	lay := src.histogram()
	n := len(lay.upper)
	counts := make([]uint64, n+1) // cumulative; the last one is the total
	buckets := make([]dto.Bucket, n+1)
	out := &dto.Histogram{Bucket: make([]*dto.Bucket, n, n+1), SampleSum: new(lay.shownSum(s.row))}
	var total uint64
	for i := range buckets {
		total += s.row[lay.at+i]
		counts[i] = total
		b := &buckets[i]
		b.CumulativeCount, b.Exemplar = &counts[i], s.exemplar(lay.at+i)
		if i < n {
			b.UpperBound, out.Bucket[i] = &lay.upper[i], b
		}
	}
	out.SampleCount = &counts[n]
	if last := &buckets[n]; last.Exemplar != nil { // otherwise +Inf goes without saying
		last.UpperBound = new(inf)
		out.Bucket = append(out.Bucket, last)
	}
	if s.cell.native == nil {
		return out, nil
	}
	var native dto.Metric
	if err := s.cell.native[src.histograms[0]].Write(&native); err != nil {
		return nil, err
	}
	// The native histogram was read last, so its count is at least the classic
	// one's and both sets of buckets fit under it.
	native.Histogram.Bucket, native.Histogram.SampleSum = out.Bucket, out.SampleSum
	buckets[n].CumulativeCount = native.Histogram.SampleCount
	return native.Histogram, nil
}

func (s *sample) exemplar(at int) *dto.Exemplar {
	e := s.cell.exemplar(at)
	if e == nil {
		return nil
	}
	return &dto.Exemplar{
		Label:     []*dto.LabelPair{{Name: new(string(traceLabel)), Value: &e.trace}},
		Value:     &e.value,
		Timestamp: timestamppb.New(e.at),
	}
}
