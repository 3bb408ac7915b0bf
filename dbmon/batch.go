package dbmon

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// TraceBatchStart implements pgx.BatchTracer.
func (t *Tracer) TraceBatchStart(ctx context.Context, conn *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	if t.next.batch != nil {
		ctx = t.next.batch.TraceBatchStart(ctx, conn, data)
	}
	if t.off {
		return ctx
	}
	if s := t.state(conn); s != nil && !s.quiet {
		count := 0
		if data.Batch != nil {
			count = data.Batch.Len()
		}
		now := t.now()
		if sl := s.push(opBatch); sl != nil {
			sl.start, sl.last, sl.count, sl.failed = now, now, count, false
		}
	}
	return ctx
}

// TraceBatchQuery implements pgx.BatchTracer: each statement counts as a query,
// with the time that its own result took to read.
func (t *Tracer) TraceBatchQuery(ctx context.Context, conn *pgx.Conn, data pgx.TraceBatchQueryData) {
	if !t.off {
		if s := t.state(conn); s != nil && !s.quiet {
			t.batchStatement(ctx, conn, s, data)
		}
	}
	if t.next.batch != nil {
		t.next.batch.TraceBatchQuery(ctx, conn, data)
	}
}

func (t *Tracer) batchStatement(ctx context.Context, conn *pgx.Conn, s *state, data pgx.TraceBatchQueryData) {
	var elapsed time.Duration
	if sl := s.current(); sl != nil && sl.op == opBatch {
		if data.Err != nil && sl.failed {
			return // it was never run: pgx hands on the first failure
		}
		sl.failed = sl.failed || data.Err != nil
		if data.ReadStartTime.IsZero() {
			now := t.now()
			elapsed, sl.last = now-sl.last, now
		}
	}
	if !data.ReadStartTime.IsZero() {
		elapsed = max(0, time.Since(data.ReadStartTime))
	}
	st := t.statement(s, data.SQL)
	t.record(ctx, conn, s, &outcome{st, elapsed, data.CommandTag.RowsAffected(), data.Err})
}

// typeBatch is the query_type of what fails a batch before any statement has.
const typeBatch = "BATCH"

// TraceBatchEnd implements pgx.BatchTracer. pgx calls it twice for a batch that
// fails before it is sent.
func (t *Tracer) TraceBatchEnd(ctx context.Context, conn *pgx.Conn, data pgx.TraceBatchEndData) {
	if !t.off {
		if s := t.state(conn); s != nil && !s.quiet {
			if sl := s.pop(opBatch); sl != nil {
				elapsed := t.now() - sl.start
				b := t.metrics.batches.Begin(&s.home)
				b.Observe(histBatch, int64(elapsed))
				b.Observe(histStatements, int64(sl.count))
				b.End()
				if data.Err != nil && !sl.failed {
					if class := classOf(ctx, data.Err, conn); class != "" {
						t.metrics.target(typeBatch, "").failed(&s.home, class)
					}
				}
			}
		}
	}
	if t.next.batch != nil {
		t.next.batch.TraceBatchEnd(ctx, conn, data)
	}
}
