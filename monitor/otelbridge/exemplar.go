package otelbridge

import (
	"encoding/hex"
	"time"

	dto "github.com/prometheus/client_model/go"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// The exemplar labels that are ids, and how many bytes the ids have. Receivers
// refuse a whole request for an id of another length.
const (
	traceLabel, traceBytes = "trace_id", 16
	spanLabel, spanBytes   = "span_id", 8
)

// exemplars returns a histogram's: those it keeps for itself, if it is a native
// one that does, or else its buckets'.
func exemplars(h *dto.Histogram, at time.Time) (out []metricdata.Exemplar[float64]) {
	for _, e := range h.GetExemplars() {
		out = append(out, exemplar(e, at))
	}
	if out != nil {
		return out
	}
	for _, b := range h.GetBucket() {
		if e := b.GetExemplar(); e != nil {
			out = append(out, exemplar(e, at))
		}
	}
	return out
}

// exemplar converts one exemplar of a sample that was taken at that time.
func exemplar(e *dto.Exemplar, at time.Time) metricdata.Exemplar[float64] {
	out := metricdata.Exemplar[float64]{Time: at, Value: e.GetValue()}
	if t := e.GetTimestamp(); t.IsValid() {
		out.Time = t.AsTime()
	}
	for _, l := range e.GetLabel() {
		switch id := unhex(l.GetValue()); {
		case l.GetName() == traceLabel && len(id) == traceBytes:
			out.TraceID = id
		case l.GetName() == spanLabel && len(id) == spanBytes:
			out.SpanID = id
		default:
			out.FilteredAttributes = append(out.FilteredAttributes, attribute.String(l.GetName(), l.GetValue()))
		}
	}
	return out
}

// unhex returns the bytes that the text is in hex, or nil.
func unhex(text string) []byte {
	b, err := hex.DecodeString(text)
	if err != nil {
		return nil
	}
	return b
}
