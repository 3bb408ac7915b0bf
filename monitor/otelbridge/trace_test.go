package otelbridge_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/trace"

	"github.com/chronoretrace/chronomon/apimon"
	"github.com/chronoretrace/chronomon/monitor/otelbridge"
)

func spanContext(t testing.TB, flags trace.TraceFlags, remote bool) context.Context {
	t.Helper()
	return trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID(traceID), SpanID: trace.SpanID{1}, TraceFlags: flags, Remote: remote,
	}))
}

func TestTraceID(t *testing.T) {
	t.Parallel()
	require.Equal(t, traceHex, otelbridge.TraceID(spanContext(t, trace.FlagsSampled, false)))
	require.Equal(t, traceHex, otelbridge.TraceID(spanContext(t, trace.FlagsSampled, true)))
	require.Empty(t, otelbridge.TraceID(spanContext(t, 0, false)))
	require.Empty(t, otelbridge.TraceID(t.Context()))
	noTrace := trace.NewSpanContext(trace.SpanContextConfig{SpanID: trace.SpanID{1}, TraceFlags: trace.FlagsSampled})
	require.Empty(t, otelbridge.TraceID(trace.ContextWithSpanContext(t.Context(), noTrace)))
}

// A trace id travels from a request's context to an exemplar.
func TestTraceIDOfARequestBecomesAnExemplar(t *testing.T) {
	t.Parallel()
	m := newMonitor(t)
	api, err := apimon.New(m, apimon.WithTraceID(otelbridge.TraceID))
	require.NoError(t, err)
	h := api.WithRoute("/quotes/{symbol}").Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, ctx := range []context.Context{spanContext(t, trace.FlagsSampled, true), spanContext(t, 0, true)} {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "/quotes/600519", http.NoBody))
	}
	data := find(t, collect(t, m), "api_request_duration_seconds").Data.(metricdata.Histogram[float64])
	require.Len(t, data.DataPoints, 1)
	require.Equal(t, uint64(2), data.DataPoints[0].Count)
	require.Len(t, data.DataPoints[0].Exemplars, 1)
	require.Equal(t, traceID, data.DataPoints[0].Exemplars[0].TraceID)
}
