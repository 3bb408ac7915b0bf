package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	dto "github.com/prometheus/client_model/go"

	"github.com/chronoretrace/chronomon/monitor"
)

// announce says where to look, what is measured and what is not.
func announce(w io.Writer, m *monitor.Monitor, base string) {
	if m.Off() {
		fmt.Fprintf(w, "quotes on %s/api/v1/stocks · monitoring is off (MONITOR=off)\n", base)
		return
	}
	fmt.Fprintf(w, "quotes on %[1]s/api/v1/stocks · metrics on %[1]s/metrics · "+
		"on: HTTP API, Go runtime · not wired yet: database, cache, business, alerting\n", base)
}

// summary prints the three API metrics as they stand.
func summary(w io.Writer, m *monitor.Monitor) error {
	families, err := m.Gatherer().Gather()
	if err != nil {
		return err
	}
	byName := map[string]*dto.MetricFamily{}
	for _, f := range families {
		byName[f.GetName()] = f
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "\napi_request_total\tapi_request_duration_seconds (mean)\t")
	durations := map[string]*dto.Histogram{}
	for _, metric := range byName["api_request_duration_seconds"].GetMetric() {
		durations[labels(metric)] = metric.GetHistogram()
	}
	for _, metric := range byName["api_request_total"].GetMetric() {
		h := durations[labels(metric)]
		mean := h.GetSampleSum() / max(1, float64(h.GetSampleCount()))
		fmt.Fprintf(tw, "%.0f\t%.6f\t%s\n", metric.GetCounter().GetValue(), mean, labels(metric))
	}
	fmt.Fprintln(tw, "\napi_concurrent_requests\t\t")
	for _, metric := range byName["api_concurrent_requests"].GetMetric() {
		fmt.Fprintf(tw, "%.0f\t\t%s\n", metric.GetGauge().GetValue(), labels(metric))
	}
	return tw.Flush()
}

func labels(m *dto.Metric) string {
	parts := make([]string, len(m.GetLabel()))
	for i, l := range m.GetLabel() {
		parts[i] = l.GetName() + "=" + l.GetValue()
	}
	return strings.Join(parts, " ")
}
