package history

import (
	"cmp"
	"fmt"
	"math"
	"slices"
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

// What a label set may be: the engine's labels hold no string of 16 MiB, and a
// record on disk has the labels of a series as a whole.
const mostLabels = 1 << 20 // bytes of its names and values

// checkLabels returns an error if they cannot be a series' labels.
func checkLabels(l labels.Labels) error {
	if name := l.Get(monitor.MetricName); !model.UTF8Validation.IsValidMetricName(name) {
		return fmt.Errorf("%q is not a metric name", name)
	}
	if size := l.ByteSize(); size > mostLabels {
		return fmt.Errorf("labels of %d bytes: want at most %d", size, mostLabels)
	}
	if name, twice := l.HasDuplicateLabelNames(); twice {
		return fmt.Errorf("two labels are called %q", name)
	}
	return l.Validate(func(l labels.Label) error { return checkLabel(l.Name, l.Value) })
}

func checkLabel(name, v string) error {
	const shown = 100 // bytes of what is no label, in an error
	switch {
	case len(name)+len(v) > mostLabels:
		return fmt.Errorf("a label %.*q of %d bytes: want at most %d", shown, name, len(name)+len(v), mostLabels)
	case !model.UTF8Validation.IsValidLabelName(name) || !model.LabelValue(v).IsValid():
		return fmt.Errorf("%.*q=%.*q is not a label", shown, name, shown, v)
	}
	return nil
}

// traceLabel is the label of the exemplars of the SDK's own metrics.
const traceLabel = "trace_id"

// seriesLabels checks the labels of a series and brings them into the store's form.
func seriesLabels(l monitor.Labels) (labels.Labels, error) {
	b := labels.NewScratchBuilder(len(l))
	for name, v := range l {
		if err := checkLabel(name, v); err != nil { // before the engine's labels have to hold it
			return labels.EmptyLabels(), err
		}
		if v != "" {
			b.Add(name, v)
		}
	}
	b.Sort()
	out := b.Labels()
	return out, checkLabels(out)
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
	own     []labels.Label // of the metric
	fixed   []labels.Label // the others
	builder labels.ScratchBuilder
}

// begin starts the labels of a series.
func (m *maker) begin(name string) {
	m.own = m.own[:0]
	m.fixed = append(m.fixed[:0], labels.Label{Name: monitor.MetricName, Value: name})
	for k, v := range m.extra {
		if v != "" {
			m.fixed = append(m.fixed, labels.Label{Name: k, Value: v})
		}
	}
}

// add adds a label of the metric. An empty value is no label.
func (m *maker) add(name, v string) {
	if v != "" {
		m.own = append(m.own, labels.Label{Name: name, Value: v})
	}
}

// tell adds the label that tells the series of one metric apart.
func (m *maker) tell(name, v string) {
	if m.extra[name] != "" {
		m.add(name, v)
		return
	}
	m.fixed = append(m.fixed, labels.Label{Name: name, Value: v})
}

// labels ends it. A label of the metric whose name another one has is called
// exported_, as often as it takes, as in Prometheus: short names give way first.
func (m *maker) labels() (labels.Labels, error) {
	m.builder.Reset()
	kept := m.own[:0]
	var clash []labels.Label
	for _, l := range m.own {
		if named(m.fixed, l.Name) || named(kept, l.Name) {
			clash = append(clash, l)
		} else {
			kept = append(kept, l)
		}
	}
	slices.SortStableFunc(clash, func(a, b labels.Label) int { return cmp.Compare(len(a.Name), len(b.Name)) })
	for _, l := range clash {
		for named(m.fixed, l.Name) || named(kept, l.Name) {
			l.Name = model.ExportedLabelPrefix + l.Name
		}
		kept = append(kept, l)
	}
	for _, list := range [...][]labels.Label{m.fixed, kept} {
		for _, l := range list {
			if err := checkLabel(l.Name, l.Value); err != nil {
				return labels.EmptyLabels(), err
			}
			m.builder.Add(l.Name, l.Value)
		}
	}
	m.builder.Sort()
	out := m.builder.Labels()
	return out, checkLabels(out)
}

func named(list []labels.Label, name string) bool {
	return slices.ContainsFunc(list, func(l labels.Label) bool { return l.Name == name })
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
