package otelbridge_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"

	"github.com/chronoretrace/chronomon/monitor/otelbridge"
)

// A series costs one allocation more than to gather it: its attributes.
func TestAllocsPerSeries(t *testing.T) {
	if raceEnabled {
		t.Skip("allocations are counted without the race detector")
	}
	const series = 500
	m := newMonitor(t)
	fillCounters(t, m, series)
	fillHistograms(t, m, series)
	p := newProducer(t, m)
	gather := testing.AllocsPerRun(10, func() { _, _ = m.Gatherer().Gather() })
	produce := testing.AllocsPerRun(10, func() { _, _ = p.Produce(t.Context()) })
	const fixed = 150
	require.LessOrEqual(t, produce-gather, 2.0*series+fixed)
}

func TestAllocsOfTraceID(t *testing.T) {
	if raceEnabled {
		t.Skip("allocations are counted without the race detector")
	}
	none, sampled := spanContext(t, 0, false), spanContext(t, trace.FlagsSampled, false)
	require.Zero(t, testing.AllocsPerRun(100, func() { _ = otelbridge.TraceID(none) }))
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() { _ = otelbridge.TraceID(sampled) }), 1.0)
}
