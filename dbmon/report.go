package dbmon

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
)

// SlowQuery is a query that took as long as the threshold or longer. It has no
// literals and no arguments.
type SlowQuery struct {
	Time     time.Time // when it ended
	Hash     string    // as in [TopQuery]
	Type     string
	Table    string
	Text     string // normalised; empty unless WithQueryText was given
	Duration time.Duration
	Rows     int64
	Class    string // of the failure; empty if it succeeded
	CallSite string // "store/orders.go:42 store.(*Orders).Load"; empty if unknown
	Caller   string // the route or job on whose behalf it ran, where that is known
	TraceID  string
}

// keptSlow is how many slow queries are kept.
const keptSlow = 100

// slowLog keeps the last slow queries, and paces the log.
type slowLog struct {
	logged   atomic.Int64 // when one was last logged, on the tracer's clock
	unlogged atomic.Uint64

	mu   sync.Mutex
	ring []SlowQuery // guarded by mu
	next int         // guarded by mu
}

func (l *slowLog) add(q SlowQuery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.ring) < keptSlow {
		l.ring = append(l.ring, q)
		return
	}
	l.ring[l.next] = q
	l.next = (l.next + 1) % keptSlow
}

// SlowQueries returns the last slow queries, the newest first, at most 100.
func (t *Tracer) SlowQueries() []SlowQuery {
	l := &t.slow
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.ring)
	out := make([]SlowQuery, 0, n)
	for i := range n {
		out = append(out, l.ring[(l.next+n-1-i)%n])
	}
	return out
}

// report does what only some queries need: exemplars, slow queries, events.
func (t *Tracer) report(ctx context.Context, o *outcome, class string, slow bool) {
	st := o.statement
	var trace, site string
	if t.traceID != nil {
		if trace = t.trace(ctx); trace != "" {
			st.target.cell.Exemplar(histDuration, int64(o.elapsed), trace, t.m.Now())
		}
	}
	if slow {
		site = callSite(t.skip)
		t.reportSlow(SlowQuery{
			Time: t.m.Now(), Hash: st.hash, Type: st.typ, Table: st.table, Text: st.text, Duration: o.elapsed, Rows: o.rows,
			Class: class, CallSite: site, Caller: callerOf(ctx), TraceID: trace,
		})
	}
	if !t.events {
		return
	}
	e := monitor.Event{
		Kind: monitor.KindQuery, Name: st.table, Duration: o.elapsed,
		Failed: class != "" && class != classCanceled, Slow: slow, TraceID: trace,
	}
	e.Add(slog.String("query_type", st.typ), slog.String("query_hash", st.hash), slog.Int64("rows", o.rows))
	if class != "" {
		e.Add(slog.String("class", class))
	}
	if site != "" {
		e.Add(slog.String("call_site", site))
	}
	if st.text != "" {
		e.Add(slog.String("query", st.text))
	}
	t.m.Record(e)
}

// logEvery is the least time between two log lines about slow queries.
const logEvery = time.Second

func (t *Tracer) reportSlow(q SlowQuery) {
	t.slow.add(q)
	now, last := int64(t.now()), t.slow.logged.Load()
	if last != 0 && now-last < int64(logEvery) || !t.slow.logged.CompareAndSwap(last, now) {
		t.slow.unlogged.Add(1)
		return
	}
	attrs := []any{
		"query_type", q.Type, "table", q.Table, "query_hash", q.Hash, "duration", q.Duration, "threshold", t.slowAt, "rows", q.Rows,
	}
	for _, a := range [][2]string{
		{"class", q.Class}, {"call_site", q.CallSite}, {"caller", q.Caller}, {"trace_id", q.TraceID}, {"query", q.Text},
	} {
		if a[1] != "" {
			attrs = append(attrs, a[0], a[1])
		}
	}
	if n := t.slow.unlogged.Swap(0); n > 0 {
		attrs = append(attrs, "unlogged_before", n)
	}
	t.m.Logger().Warn("slow query", attrs...)
}

func (t *Tracer) trace(ctx context.Context) (id string) {
	var err error
	defer t.m.Guard("dbmon.WithTraceID", &err)
	return t.traceID(ctx)
}

func callerOf(ctx context.Context) string {
	if c := monitor.CallerFrom(ctx); c != nil {
		return c.CallerName()
	}
	return ""
}
