package history

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"

	"github.com/chronoretrace/chronomon/monitor"
)

// Stale is the value that ends a series: see [DB.Append]. It is a NaN that
// queries do not show.
var Stale = math.Float64frombits(value.StaleNaN)

// The labels that tell the series of a histogram or summary apart.
const (
	bucketLabel   = "le"
	quantileLabel = "quantile"
)

// seriesLabels checks the labels of a series and brings them into the store's form.
func seriesLabels(l monitor.Labels) (labels.Labels, error) {
	if !model.UTF8Validation.IsValidMetricName(l[monitor.MetricName]) {
		return labels.EmptyLabels(), fmt.Errorf("%q is not a metric name", l[monitor.MetricName])
	}
	for name, v := range l {
		if !model.UTF8Validation.IsValidLabelName(name) || !model.LabelValue(v).IsValid() {
			return labels.EmptyLabels(), fmt.Errorf("%q=%q is not a label", name, v)
		}
	}
	b := labels.NewScratchBuilder(len(l))
	for name, v := range l {
		if v != "" {
			b.Add(name, v)
		}
	}
	b.Sort()
	return b.Labels(), nil
}

// exported copies labels out of the store.
func exported(l labels.Labels) monitor.Labels {
	out := make(monitor.Labels, l.Len())
	l.Range(func(l labels.Label) { out[l.Name] = l.Value })
	return out
}

// maker makes the labels of collected series: the metric's own and those that
// every series gets.
type maker struct {
	extra   monitor.Labels
	builder labels.ScratchBuilder
}

// begin starts the labels of a series.
func (m *maker) begin(name string) {
	m.builder.Reset()
	m.builder.Add(monitor.MetricName, name)
	for k, v := range m.extra {
		if v != "" {
			m.builder.Add(k, v)
		}
	}
}

// add adds a label of the metric. An empty value is no label.
func (m *maker) add(name, v string) {
	if v == "" {
		return
	}
	for m.extra[name] != "" {
		name = model.ExportedLabelPrefix + name
	}
	m.builder.Add(name, v)
}

// labels ends it.
func (m *maker) labels() labels.Labels {
	m.builder.Sort()
	return m.builder.Labels()
}

// number writes a bound or quantile as OpenMetrics and Prometheus 3 do: a
// whole number has a decimal point.
func number(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "+Inf"
	case math.IsInf(v, -1):
		return "-Inf"
	}
	s := strconv.FormatFloat(v, 'g', -1, 64)
	if !strings.ContainsAny(s, "e.N") {
		s += ".0"
	}
	return s
}
