package otelbridge

import (
	"context"

	"go.opentelemetry.io/otel/trace"
)

// TraceID returns the trace id, in hex, of the span in the context if that span
// is sampled, and "" otherwise: an exemplar should lead to a trace that was
// kept. It is made for apimon.WithTraceID.
func TraceID(ctx context.Context) string {
	sc := trace.SpanContextFromContext(ctx)
	if !sc.IsValid() || !sc.IsSampled() {
		return ""
	}
	return sc.TraceID().String()
}
