package httpcases

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// A Series is one label set of the request metric and how much it rose.
type Series struct {
	Labels map[string]string
	Count  float64
}

// A Total is how much a histogram or summary rose, over all its label sets.
type Total struct {
	Count float64
	Sum   float64
}

// A reading is what a subject's metrics say at one moment.
type reading struct {
	requests      map[string]Series // by rendered labels
	duration      Total
	requestBytes  Total
	responseBytes Total
	inFlight      float64
}

func read(g prometheus.Gatherer, m Metrics) (reading, error) {
	families, err := g.Gather()
	if err != nil {
		return reading{}, fmt.Errorf("httpcases: gather: %w", err)
	}
	r := reading{requests: make(map[string]Series)}
	for _, f := range families {
		if f.GetName() == "" {
			continue
		}
		// One family may play two parts: the count of a histogram is a counter.
		switch f.GetName() {
		case m.InFlight:
			for _, metric := range f.GetMetric() {
				r.inFlight += value(metric).Sum
			}
		case m.RequestBytes:
			r.requestBytes = total(f)
		case m.ResponseBytes:
			r.responseBytes = total(f)
		case m.Duration:
			r.duration = total(f)
		}
		if f.GetName() == m.Requests {
			for _, metric := range f.GetMetric() {
				labels := labelMap(metric)
				r.requests[render(labels)] = Series{Labels: labels, Count: value(metric).Count}
			}
		}
	}
	return r, nil
}

// since returns how much r has risen over an earlier reading. In flight stays
// what it is.
func (r reading) since(before reading) reading {
	rose := make(map[string]Series)
	for key, s := range r.requests {
		if s.Count -= before.requests[key].Count; s.Count > 0 {
			rose[key] = s
		}
	}
	r.requests = rose
	r.duration = r.duration.since(before.duration)
	r.requestBytes = r.requestBytes.since(before.requestBytes)
	r.responseBytes = r.responseBytes.since(before.responseBytes)
	return r
}

func (t Total) since(before Total) Total {
	return Total{Count: t.Count - before.Count, Sum: t.Sum - before.Sum}
}

// series lists the label sets in a fixed order.
func (r reading) series() []Series {
	list := make([]Series, 0, len(r.requests))
	for _, key := range slices.Sorted(maps.Keys(r.requests)) {
		list = append(list, r.requests[key])
	}
	return list
}

func total(f *dto.MetricFamily) Total {
	var t Total
	for _, m := range f.GetMetric() {
		v := value(m)
		t.Count += v.Count
		t.Sum += v.Sum
	}
	return t
}

// value reads any kind of metric; a plain number is its own count and sum.
func value(m *dto.Metric) Total {
	switch {
	case m.GetHistogram() != nil:
		return Total{float64(m.GetHistogram().GetSampleCount()), m.GetHistogram().GetSampleSum()}
	case m.GetSummary() != nil:
		return Total{float64(m.GetSummary().GetSampleCount()), m.GetSummary().GetSampleSum()}
	case m.GetCounter() != nil:
		return Total{m.GetCounter().GetValue(), m.GetCounter().GetValue()}
	case m.GetGauge() != nil:
		return Total{m.GetGauge().GetValue(), m.GetGauge().GetValue()}
	default:
		return Total{m.GetUntyped().GetValue(), m.GetUntyped().GetValue()}
	}
}

func labelMap(m *dto.Metric) map[string]string {
	labels := make(map[string]string, len(m.GetLabel()))
	for _, l := range m.GetLabel() {
		labels[l.GetName()] = l.GetValue()
	}
	return labels
}

func render(labels map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		fmt.Fprintf(&b, "%s=%q,", name, labels[name])
	}
	return b.String()
}
