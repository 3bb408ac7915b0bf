package dbmon

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chronoretrace/chronomon/internal/instrument"
)

// started is a context that carries when something began, for what has no
// connection yet to keep it on. Contexts are not used again: pgx hands them to
// hooks and goroutines that may keep them.
type started struct {
	context.Context
	key   startedKey
	since time.Duration
}

// startedKey finds the start behind contexts that a further tracer made.
type startedKey struct {
	t       *Tracer
	connect bool
}

// Value implements context.Context.
func (s *started) Value(key any) any {
	if k, ok := key.(startedKey); ok && k == s.key {
		return s
	}
	return s.Context.Value(key)
}

// since returns how long ago the operation began whose context this is.
func (t *Tracer) since(ctx context.Context, key startedKey) (time.Duration, bool) {
	s, ok := ctx.(*started)
	if !ok || s.key != key {
		if s, ok = ctx.Value(key).(*started); !ok {
			return 0, false
		}
	}
	return t.now() - s.since, true
}

// TraceConnectStart implements pgx.ConnectTracer.
func (t *Tracer) TraceConnectStart(ctx context.Context, data pgx.TraceConnectStartData) context.Context {
	if t.next.connect != nil {
		ctx = t.next.connect.TraceConnectStart(ctx, data)
	}
	if t.off {
		return ctx
	}
	t.near.clear()
	return &started{ctx, startedKey{t, true}, t.now()}
}

// TraceConnectEnd implements pgx.ConnectTracer.
func (t *Tracer) TraceConnectEnd(ctx context.Context, data pgx.TraceConnectEndData) {
	if !t.off {
		if elapsed, ok := t.since(ctx, startedKey{t, true}); ok {
			var home instrument.Home
			t.metrics.connects.Observe(&home, 0, int64(elapsed))
			if data.Err != nil {
				t.metrics.connectErrors.Cell(classOf(ctx, data.Err, data.Conn)).Add(&home, 0, 1)
			}
		}
	}
	if t.next.connect != nil {
		t.next.connect.TraceConnectEnd(ctx, data)
	}
}
