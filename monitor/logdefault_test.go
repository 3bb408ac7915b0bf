package monitor_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"log/slog"
	"testing"
	"testing/slogtest"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
)

// asDefault makes h the handler of the default logger for the time of a test,
// which must not be parallel.
func asDefault(t *testing.T, h slog.Handler) {
	t.Helper()
	before, writer, flags := slog.Default(), log.Writer(), log.Flags()
	slog.SetDefault(slog.New(h))
	t.Cleanup(func() {
		slog.SetDefault(before)
		log.SetOutput(writer)
		log.SetFlags(flags)
	})
}

// TestOwnWarningsPassTheLogHandler, as it is wired in its documentation: made of
// the monitor, and the default after it.
func TestOwnWarningsPassTheLogHandler(t *testing.T) { //nolint:paralleltest // it changes the default logger
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		var events recorder
		m, err := monitor.New(
			monitor.WithSink("sick", monitor.SinkFunc(func(context.Context, []monitor.Event) error {
				return monitor.Permanent(errors.New("not this one"))
			}), monitor.WithKinds(monitor.KindQuery)),
			monitor.WithSink("logs", &events, monitor.WithKinds(monitor.KindLog)))
		require.NoError(t, err)
		asDefault(t, m.LogHandler(slog.NewJSONHandler(&out, nil), monitor.WithLogEvents(slog.LevelDebug)))
		m.Record(monitor.Event{Kind: monitor.KindQuery, Name: "q"})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.NoError(t, m.Run(ctx))
		records := written(t, &out)
		require.Len(t, records, 1)
		require.Equal(t, "WARN", records[0]["level"])
		require.Equal(t, "sink did not take its events", records[0]["msg"])
		require.Equal(t, "sick", records[0]["sink"])
		require.Equal(t, "not this one", records[0]["error"])
		require.Empty(t, events.names(), "the SDK's own records are no events")
		got := logged(t, m)
		require.Len(t, got, 1)
		for series, n := range got {
			require.Contains(t, series, `level="warn",source="monitor/sink.go:`)
			require.Equal(t, 1.0, n)
		}
	})
}

// TestDefaultLogger: it keeps the contract of handlers, whichever is the default.
func TestDefaultLogger(t *testing.T) { //nolint:paralleltest // it changes the default logger
	m, err := monitor.New()
	require.NoError(t, err)
	derived := m.Logger().With("a", 1).WithGroup("g").With("b", 2)
	var out bytes.Buffer
	asDefault(t, slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelWarn}))
	require.False(t, derived.Enabled(t.Context(), slog.LevelInfo))
	derived.Warn("one", "c", 3)
	records := written(t, &out)
	require.Len(t, records, 1)
	require.Equal(t, 1.0, records[0]["a"])
	require.Equal(t, map[string]any{"b": 2.0, "c": 3.0}, records[0]["g"])

	var second bytes.Buffer
	slog.SetDefault(slog.New(slog.NewJSONHandler(&second, nil)))
	derived.Info("two")
	require.Equal(t, "two", written(t, &second)[0]["msg"])
	second.Reset()
	require.NoError(t, slogtest.TestHandler(m.Logger().Handler(), func() []map[string]any { return written(t, &second) }))
}

// TestDefaultLoggerAsDefault: what leads back to itself ends.
func TestDefaultLoggerAsDefault(t *testing.T) { //nolint:paralleltest // it changes the default logger
	m, err := monitor.New()
	require.NoError(t, err)
	for _, h := range []slog.Handler{
		m.Logger().Handler(),
		m.LogHandler(m.Logger().Handler()),
		slog.NewMultiHandler(m.Logger().Handler(), slog.NewTextHandler(io.Discard, nil)),
	} {
		asDefault(t, h)
		require.True(t, slog.Default().Enabled(t.Context(), slog.LevelWarn))
		require.False(t, m.Logger().Enabled(nil, slog.LevelDebug)) //nolint:staticcheck // what a host may do by mistake
		slog.Warn("this is written to standard error")
		m.Logger().Warn("and this")
	}
}
