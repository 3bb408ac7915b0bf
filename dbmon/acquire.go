package dbmon

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chronoretrace/chronomon/internal/instrument"
)

// TraceAcquireStart implements pgxpool.AcquireTracer.
func (t *Tracer) TraceAcquireStart(ctx context.Context, pool *pgxpool.Pool, data pgxpool.TraceAcquireStartData) context.Context {
	_, poll := ctx.(polling)
	if t.next.acquire != nil {
		ctx = t.next.acquire.TraceAcquireStart(ctx, pool, data)
	}
	if t.off || poll {
		return ctx
	}
	return &started{ctx, startedKey{t, false}, t.now()}
}

// TraceAcquireEnd implements pgxpool.AcquireTracer.
func (t *Tracer) TraceAcquireEnd(ctx context.Context, pool *pgxpool.Pool, data pgxpool.TraceAcquireEndData) {
	if !t.off {
		t.acquired(ctx, pool, data)
	}
	if t.next.acquire != nil {
		t.next.acquire.TraceAcquireEnd(ctx, pool, data)
	}
}

func (t *Tracer) acquired(ctx context.Context, pool *pgxpool.Pool, data pgxpool.TraceAcquireEndData) {
	elapsed, ok := t.since(ctx, startedKey{t, false})
	if !ok {
		return
	}
	cells := t.metrics.poolOf(pool)
	s := t.state(data.Conn)
	if s == nil { // no connection was to be had
		var home instrument.Home
		cells.cell.Observe(&home, histWait, int64(elapsed))
		if data.Err != nil {
			t.metrics.poolErrors.Cell(cells.name, classOf(ctx, data.Err, nil)).Add(&home, 0, 1)
		}
		return
	}
	cells.cell.Observe(&s.home, histWait, int64(elapsed))
	s.open = 0 // whatever was left open on it is over
	s.acquired = t.now()
	s.wait = elapsed
}

// TraceRelease implements pgxpool.ReleaseTracer.
func (t *Tracer) TraceRelease(pool *pgxpool.Pool, data pgxpool.TraceReleaseData) {
	if !t.off {
		if s := t.state(data.Conn); s != nil && s.acquired > 0 {
			t.metrics.poolOf(pool).cell.Observe(&s.home, histHeld, int64(t.now()-s.acquired))
			s.acquired, s.wait = 0, 0
		}
	}
	if t.next.release != nil {
		t.next.release.TraceRelease(pool, data)
	}
}
