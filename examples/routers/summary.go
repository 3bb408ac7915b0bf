package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	dto "github.com/prometheus/client_model/go"

	"github.com/chronoretrace/chronomon/monitor"
)

// summary prints what api_request_total has counted.
func summary(w io.Writer, router string, m *monitor.Monitor) error {
	families, err := m.Gatherer().Gather()
	if err != nil {
		return err
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "\n%s\tmethod\tstatus_code\tendpoint\n", router)
	for _, f := range families {
		if f.GetName() != "api_request_total" {
			continue
		}
		for _, s := range f.GetMetric() {
			fmt.Fprintf(tw, "%.0f\t%s\t%s\t%s\n", s.GetCounter().GetValue(),
				label(s, "method"), label(s, "status_code"), label(s, "endpoint"))
		}
	}
	return tw.Flush()
}

func label(m *dto.Metric, name string) string {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}
