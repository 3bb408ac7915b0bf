package dbmon

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/internal/sqltext"
	"github.com/chronoretrace/chronomon/monitor"
)

// Tracer measures pgx connections and pools. It is safe for concurrent use.
type Tracer struct {
	m          *monitor.Monitor
	off        bool
	key        string // of the state in a connection's custom data
	near       near
	epoch      time.Time // of the monotonic clock that durations are read from
	metrics    *metrics
	statements *sqltext.Cache[*statement]
	top        *top
	slow       slowLog
	next       next

	slowAt  time.Duration
	text    bool
	events  bool
	traceID func(context.Context) string
	curious bool // every query is reported on
	skip    []string
}

var (
	_ pgx.QueryTracer       = (*Tracer)(nil)
	_ pgx.BatchTracer       = (*Tracer)(nil)
	_ pgx.CopyFromTracer    = (*Tracer)(nil)
	_ pgx.PrepareTracer     = (*Tracer)(nil)
	_ pgx.ConnectTracer     = (*Tracer)(nil)
	_ pgxpool.AcquireTracer = (*Tracer)(nil)
	_ pgxpool.ReleaseTracer = (*Tracer)(nil)
)

// tracers numbers tracers, so that two of them on one connection keep apart.
var tracers atomic.Uint64

// next is the tracer that is called too, by what it can trace.
type next struct {
	query    pgx.QueryTracer
	batch    pgx.BatchTracer
	copyFrom pgx.CopyFromTracer
	prepare  pgx.PrepareTracer
	connect  pgx.ConnectTracer
	acquire  pgxpool.AcquireTracer
	release  pgxpool.ReleaseTracer
}

// NewTracer returns a tracer that records into m. It is given to connections
// as pgx.ConnConfig.Tracer. Two tracers on one registry share their metrics;
// the first one's bounds and limit of tables stand.
func NewTracer(m *monitor.Monitor, opts ...Option) (*Tracer, error) {
	c, err := newConfig(opts)
	if m == nil {
		err = errors.Join(invalid("monitor", nil, "a monitor"), err)
	}
	if err != nil {
		return nil, err
	}
	ms, err := instrument.Share(m.Instruments(), "dbmon", func() (*metrics, error) { return newMetrics(m.Instruments(), c) })
	if err != nil {
		return nil, err
	}
	t := &Tracer{
		m: m, off: m.Off(), key: fmt.Sprintf("chronomon/dbmon/%d", tracers.Add(1)), epoch: time.Now(),
		metrics: ms, top: newTop(c.top), next: newNext(c.next),
		slowAt: c.slow, text: c.text, events: m.Enabled(monitor.KindQuery), traceID: c.traceID,
		skip: append(c.skip, layers...),
	}
	if t.slowAt == 0 {
		t.slowAt = math.MaxInt64
	}
	t.curious = t.events || t.traceID != nil
	t.statements = sqltext.NewCache(c.statements, c.bytes, t.analyze)
	return t, nil
}

func newNext(t pgx.QueryTracer) next {
	n := next{query: t}
	n.batch, _ = t.(pgx.BatchTracer)
	n.copyFrom, _ = t.(pgx.CopyFromTracer)
	n.prepare, _ = t.(pgx.PrepareTracer)
	n.connect, _ = t.(pgx.ConnectTracer)
	n.acquire, _ = t.(pgxpool.AcquireTracer)
	n.release, _ = t.(pgxpool.ReleaseTracer)
	return n
}

// now is the time on the tracer's clock, which begins above 0: 0 is no time.
// Durations need one reading of the monotonic clock, half of what time.Now costs.
func (t *Tracer) now() time.Duration { return time.Since(t.epoch) + 1 }

// TraceQueryStart implements pgx.QueryTracer.
func (t *Tracer) TraceQueryStart(ctx context.Context, conn *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if t.next.query != nil {
		ctx = t.next.query.TraceQueryStart(ctx, conn, data)
	}
	if t.off {
		return ctx
	}
	if s := t.state(conn); s != nil && !s.quiet {
		st := t.statement(s, data.SQL)
		sl := s.push(opQuery)
		sl.statement, sl.start = st, t.now()
	}
	return ctx
}

// TraceQueryEnd implements pgx.QueryTracer. pgx calls it when the rows are
// closed.
func (t *Tracer) TraceQueryEnd(ctx context.Context, conn *pgx.Conn, data pgx.TraceQueryEndData) {
	if !t.off {
		if s := t.state(conn); s != nil && !s.quiet {
			if sl := s.pop(opQuery); sl != nil {
				t.record(ctx, conn, s, &outcome{sl.statement, t.now() - sl.start, data.CommandTag.RowsAffected(), data.Err})
			}
		}
	}
	if t.next.query != nil {
		t.next.query.TraceQueryEnd(ctx, conn, data)
	}
}

// TraceCopyFromStart implements pgx.CopyFromTracer.
func (t *Tracer) TraceCopyFromStart(ctx context.Context, conn *pgx.Conn, data pgx.TraceCopyFromStartData) context.Context {
	if t.next.copyFrom != nil {
		ctx = t.next.copyFrom.TraceCopyFromStart(ctx, conn, data)
	}
	if t.off {
		return ctx
	}
	if s := t.state(conn); s != nil && !s.quiet {
		st := t.statements.Get(copyText(data))
		sl := s.push(opCopy)
		sl.statement, sl.start = st, t.now()
	}
	return ctx
}

// copyText is the statement that pgx sends.
func copyText(data pgx.TraceCopyFromStartData) string {
	columns := make([]string, len(data.ColumnNames))
	for i, c := range data.ColumnNames {
		columns[i] = pgx.Identifier{c}.Sanitize()
	}
	return "copy " + data.TableName.Sanitize() + " (" + strings.Join(columns, ", ") + ") from stdin binary"
}

// TraceCopyFromEnd implements pgx.CopyFromTracer. pgx does not call it when it
// cannot describe the table: that end is seen in TracePrepareEnd.
func (t *Tracer) TraceCopyFromEnd(ctx context.Context, conn *pgx.Conn, data pgx.TraceCopyFromEndData) {
	if !t.off {
		if s := t.state(conn); s != nil && !s.quiet {
			t.endCopy(ctx, conn, s, data.CommandTag, data.Err)
		}
	}
	if t.next.copyFrom != nil {
		t.next.copyFrom.TraceCopyFromEnd(ctx, conn, data)
	}
}

func (t *Tracer) endCopy(ctx context.Context, conn *pgx.Conn, s *state, tag pgconn.CommandTag, err error) {
	if sl := s.pop(opCopy); sl != nil {
		t.record(ctx, conn, s, &outcome{sl.statement, t.now() - sl.start, tag.RowsAffected(), err})
	}
}

// outcome is what is known of a statement that is over.
type outcome struct {
	statement *statement
	elapsed   time.Duration
	rows      int64
	err       error
}

// record counts a statement that is over.
func (t *Tracer) record(ctx context.Context, conn *pgx.Conn, s *state, o *outcome) {
	st := o.statement
	if st == nil { // another goroutine has begun what this one ends
		return
	}
	slow := o.elapsed >= t.slowAt
	class := ""
	if o.err != nil {
		if class = classOf(ctx, o.err, conn); class != "" {
			st.target.failed(&s.home, class)
		}
	}
	stats, b := t.top.begin(st)
	b.Observe(histDuration, int64(o.elapsed))
	if o.rows > 0 {
		b.Add(countRows, uint64(o.rows))
	}
	if slow {
		b.Add(countSlow, 1)
	}
	stats.add(o, s.wait, class != "")
	b.End()
	s.wait = 0

	if st.table != "" && monitor.CallerFrom(ctx) != nil {
		t.m.Depends(ctx, "table", st.table)
	}
	if slow || t.curious {
		t.report(ctx, o, class, slow)
	}
}
