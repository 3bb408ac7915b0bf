package otelbridge

import (
	"slices"
	"strconv"

	dto "github.com/prometheus/client_model/go"
	"go.opentelemetry.io/otel/attribute"

	"github.com/chronoretrace/chronomon/internal/catalog"
)

// vocabulary knows what the SDK's metrics are called in OpenTelemetry.
type vocabulary struct {
	words   map[string]*word // by exposition name, in any profile
	metrics int
}

// word is what one family is called.
type word struct {
	name   string
	unit   string // UCUM
	labels []label
	upDown bool // a gauge that is the sum of increments and decrements

	metric int      // the same in every profile
	typ    string   // the catalogue's
	help   []string // the catalogue's, in each language
}

// label is what one label is called.
type label struct {
	name string
	key  attribute.Key
}

func newVocabulary(semConv bool) vocabulary {
	all := catalog.All()
	v := vocabulary{words: map[string]*word{}, metrics: len(all)}
	for i, m := range all {
		to := m.Names(catalog.Design)[0]
		upDown := false
		if n, ok := m.SemConv(); ok && semConv {
			to = n
			upDown = m.Name == catalog.APIConcurrentRequests.Name
		}
		for _, from := range m.Names(catalog.Profiles()...) {
			w := &word{
				name: to.Name, unit: m.Unit, upDown: upDown,
				metric: i, typ: m.Type.String(), help: []string{m.Help, m.HelpZH},
			}
			for j, l := range from.Labels {
				w.labels = append(w.labels, label{l, attribute.Key(to.Labels[j])})
			}
			v.words[from.Name] = w
		}
	}
	return v
}

// of returns the family's word, or nil for one that is not the SDK's. The name
// alone does not tell: a host may well have a collector that another profile's
// name fits, such as http_requests_total. The help text does.
func (v *vocabulary) of(f *dto.MetricFamily) *word {
	w := v.words[f.GetName()]
	if w == nil || w.typ != typeName(f.GetType()) || !slices.Contains(w.help, f.GetHelp()) {
		return nil
	}
	return w
}

func typeName(t dto.MetricType) string {
	switch t {
	case dto.MetricType_COUNTER:
		return catalog.Counter.String()
	case dto.MetricType_GAUGE:
		return catalog.Gauge.String()
	case dto.MetricType_HISTOGRAM:
		return catalog.Histogram.String()
	}
	return ""
}

// statusCode is the only attribute of the conventions' metrics that is a number.
const statusCode = "http.response.status_code"

// attribute translates one label. One that is not the catalogue's stays as it is.
func (w *word) attribute(name, value string) attribute.KeyValue {
	for i := range w.labels {
		l := &w.labels[i]
		if l.name != name {
			continue
		}
		if l.key == statusCode {
			if n, err := strconv.Atoi(value); err == nil {
				return l.key.Int(n)
			}
		}
		return l.key.String(value)
	}
	return attribute.String(name, value)
}
