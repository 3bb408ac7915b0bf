package catalog

import (
	"fmt"
	"slices"
	"strings"
)

// Type is the kind of a metric, in Prometheus's terms.
type Type uint8

// The metric types.
const (
	Counter Type = iota + 1
	Gauge
	Histogram
)

// String returns the type as the exposition formats write it.
func (t Type) String() string {
	switch t {
	case Counter:
		return "counter"
	case Gauge:
		return "gauge"
	case Histogram:
		return "histogram"
	}
	return fmt.Sprintf("type(%d)", uint8(t))
}

// Metric describes one metric family.
type Metric struct {
	Name    string    // name in the design profile
	Type    Type      // counter, gauge or histogram
	Unit    string    // UCUM: "s", "By", "1" or an annotation such as "{request}"
	Help    string    // English
	HelpZH  string    // Chinese, the design document's own words for Section 6.1
	Labels  []string  // names, in the order in which values are given
	Buckets []float64 // upper bounds of a histogram, in Unit, without +Inf
	Section string    // section of the design, empty for an extension

	chronoRetrace alias
	otel          alias
}

// alias is a metric's name and labels in another profile. An empty name means
// that the profile has no word of its own and the design name stands.
type alias struct {
	name   string
	labels []string
}

// Naming is what one metric is called: an exposition name and label names.
type Naming struct {
	Name   string
	Labels []string
}

// Names lists what the metric is called in the given profiles, each name once,
// in the profiles' order.
func (m Metric) Names(profiles ...Profile) []Naming {
	var out []Naming
	for _, p := range profiles {
		n := m.naming(p)
		if !slices.ContainsFunc(out, func(o Naming) bool { return o.Name == n.Name }) {
			out = append(out, n)
		}
	}
	return out
}

func (m Metric) naming(p Profile) Naming {
	switch {
	case p == ChronoRetrace && m.chronoRetrace.name != "":
		return Naming{m.chronoRetrace.name, m.chronoRetrace.labels}
	case p == OTel && m.otel.name != "":
		labels := make([]string, len(m.otel.labels))
		for i, l := range m.otel.labels {
			labels[i] = strings.ReplaceAll(l, ".", "_")
		}
		return Naming{m.otelExposition(), labels}
	}
	return Naming{m.Name, m.Labels}
}

// SemConv returns the metric's OpenTelemetry semantic-convention name and
// attribute names, in the order of Labels. ok is false where the conventions
// have no such metric.
func (m Metric) SemConv() (n Naming, ok bool) {
	return Naming{m.otel.name, m.otel.labels}, m.otel.name != ""
}

// otelExposition translates the dotted name as the OpenTelemetry
// specification does for Prometheus: underscores, unit suffix, _total.
func (m Metric) otelExposition() string {
	name := strings.ReplaceAll(m.otel.name, ".", "_")
	switch m.Unit {
	case "s":
		name += "_seconds"
	case "By":
		name += "_bytes"
	}
	if m.Type == Counter {
		name += "_total"
	}
	return name
}

// Lookup finds the metric that goes by an exposition name in any profile.
func Lookup(name string) (Metric, bool) {
	for _, m := range All() {
		for _, n := range m.Names(Profiles()...) {
			if n.Name == name {
				return m, true
			}
		}
	}
	return Metric{}, false
}

// Area is the metrics of one part of the SDK.
type Area struct {
	Title   string // in METRICS.md
	Metrics []Metric
}

// Areas lists the areas: Section 6.1 in the document's order within each, then
// the area's extensions.
func Areas() []Area {
	return []Area{
		{"HTTP API (`apimon`)", api()},
		{"PostgreSQL (`dbmon`)", db()},
		{"Caches and Redis (`cachemon`)", cache()},
		{"Business (`bizmon`)", business()},
		{"Probes (`bizmon/probe`)", probe()},
		{"Host (`monitor/host`)", host()},
		{"Logs (`monitor.LogHandler`)", logs()},
		{"The SDK itself (`monitor`)", self()},
		{"History (`monitor/history`)", history()},
		{"Queries to a server (`monitor/promapi`)", promAPI()},
		{"Anomalies (`anomaly`)", anomalies()},
		{"Event stores (`monitor/influx`, `monitor/elastic`)", stores()},
		{"State (`monitor/pgstore`, `monitor/lease`, the journal)", state()},
		{"Evidence (`anomaly/evidence`)", evidence()},
	}
}

// All lists every metric of the catalogue.
func All() []Metric {
	var all []Metric
	for _, a := range Areas() {
		all = append(all, a.Metrics...)
	}
	return all
}
