package dbmon

import (
	"context"
	"errors"
	"reflect"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
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
		sl := s.push(opBatch)
		sl.start, sl.last, sl.count, sl.seen, sl.failed = now, now, count, false, false
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
		sl.seen, sl.failed = true, sl.failed || data.Err != nil
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

// TraceBatchEnd implements pgx.BatchTracer.
func (t *Tracer) TraceBatchEnd(ctx context.Context, conn *pgx.Conn, data pgx.TraceBatchEndData) {
	if !t.off {
		if s := t.state(conn); s != nil && !s.quiet && !s.endsAgain(data.Err) {
			t.endBatch(ctx, conn, s, data.Err)
		}
	}
	if t.next.batch != nil {
		t.next.batch.TraceBatchEnd(ctx, conn, data)
	}
}

// endsAgain reports whether this is the second end of a batch that failed
// before it was sent: pgx tells of it when it fails and, with the same error,
// when it is closed. Another batch may be open by then.
func (s *state) endsAgain(err error) bool {
	refused := s.refused
	if refused == nil || err == nil || !reflect.ValueOf(err).Comparable() || err != *refused { //nolint:errorlint // the very same
		return false
	}
	s.refused = nil
	return true
}

func (t *Tracer) endBatch(ctx context.Context, conn *pgx.Conn, s *state, err error) {
	sl := s.pop(opBatch)
	if sl == nil {
		return
	}
	b := t.metrics.batches.Begin(&s.home)
	b.Observe(histBatch, int64(t.now()-sl.start))
	b.Observe(histStatements, int64(sl.count))
	b.End()
	switch {
	case err == nil || sl.failed:
		return
	case !sl.seen:
		refused := err // a copy, so that err stays on the stack
		s.refused = &refused
	case isHosts(err, conn):
		return
	}
	if class := classOf(ctx, err, conn); class != "" {
		t.metrics.target(typeBatch, "").failed(&s.home, class)
	}
}

// isHosts reports whether the error that a batch ended with, whose statements
// went well, is one that a callback of the host's returned: it is not the
// server's, and the connection still stands.
func isHosts(err error, conn *pgx.Conn) bool {
	_, ok := errors.AsType[*pgconn.PgError](err)
	return !ok && !conn.IsClosed()
}
