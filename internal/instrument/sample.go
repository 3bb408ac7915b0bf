package instrument

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/chronoretrace/chronomon/internal/catalog"
)

// The limits of the native histograms that stand beside the classic ones by
// option: Prometheus's own recommendation.
const (
	nativeMaxBuckets = 160
	nativeMinReset   = time.Hour
)

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
	out := &dto.Histogram{Bucket: make([]*dto.Bucket, 0, len(lay.upper)+1)}
	var cumulative uint64
	for i, upper := range lay.upper {
		cumulative += s.row[lay.at+i]
		out.Bucket = append(out.Bucket, &dto.Bucket{
			UpperBound: &upper, CumulativeCount: new(cumulative), Exemplar: s.exemplar(lay.at + i),
		})
	}
	cumulative += s.row[lay.at+len(lay.upper)]
	out.SampleCount = &cumulative
	out.SampleSum = new(lay.shownSum(s.row))
	if e := s.exemplar(lay.at + len(lay.upper)); e != nil {
		out.Bucket = append(out.Bucket, &dto.Bucket{
			UpperBound: new(inf), CumulativeCount: &cumulative, Exemplar: e,
		})
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
	native.Histogram.Bucket = out.Bucket
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
