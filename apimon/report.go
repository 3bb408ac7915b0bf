package apimon

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/monitor"
)

// outcome is what is known of a request that is over.
type outcome struct {
	cell     *instrument.Cell
	route    *route
	method   method
	status   int
	latency  time.Duration // to the first byte, for a stream
	lifetime time.Duration
}

// report does what only some requests need: exemplars, streams, panics, slow
// requests, events.
func (rec *recorder) report(r *http.Request, o outcome) {
	c := rec.handler.core
	t := c.table
	panicked := !rec.completed && o.status == http.StatusInternalServerError
	slow := o.latency >= c.slowAt && !rec.upgraded && !rec.stream
	switch {
	case rec.upgraded:
		t.streams.Cell(o.route.name, "upgrade").Observe(&rec.home, 0, int64(o.lifetime))
	case rec.stream:
		t.streams.Cell(o.route.name, "stream").Observe(&rec.home, 0, int64(o.lifetime))
	}
	if panicked {
		t.panics.Cell(o.route.name).Add(&rec.home, 0, 1)
	}
	var trace string
	if c.traceID != nil {
		trace = c.trace(r)
		if trace != "" && !rec.upgraded {
			o.cell.Exemplar(histDuration, int64(o.latency), trace, c.m.Now())
		}
	}
	if slow {
		t.slow.Cell(o.route.name).Add(&rec.home, 0, 1)
		c.logSlow(o, trace)
	}
	if !c.events {
		return
	}
	e := monitor.Event{
		Kind: monitor.KindRequest, Name: o.route.name, Duration: o.lifetime,
		Failed: o.status >= 500, Slow: slow, TraceID: trace, User: c.userOf(r),
	}
	e.Add(
		slog.String("method", o.method.String()), slog.Int("status_code", o.status),
		slog.Int64("request_size", rec.read()), slog.Int64("response_size", rec.written),
	)
	if c.clientIP != nil {
		if net := c.networkOf(r); net != "" {
			e.Add(slog.String("client_net", net))
		}
	}
	c.m.Record(e)
}

// logEvery is the least time between two log lines about slow requests.
const logEvery = time.Second

func (c *core) logSlow(o outcome, trace string) {
	var err error
	defer c.m.Guard("slog handler", &err)
	now, last := int64(c.now()), c.logged.Load()
	if last != 0 && now-last < int64(logEvery) || !c.logged.CompareAndSwap(last, now) {
		c.unlogged.Add(1)
		return
	}
	attrs := []any{
		"endpoint", o.route.name, "method", o.method.String(), "status_code", o.status,
		"duration", o.latency, "threshold", c.slowAt,
	}
	if trace != "" {
		attrs = append(attrs, "trace_id", trace)
	}
	if n := c.unlogged.Swap(0); n > 0 {
		attrs = append(attrs, "unlogged_before", n)
	}
	c.m.Logger().Warn("slow request", attrs...)
}

func (c *core) trace(r *http.Request) (id string) {
	var err error
	defer c.m.Guard("apimon.WithTraceID", &err)
	return c.traceID(r.Context())
}

func (c *core) userOf(r *http.Request) (pseudonym string) {
	if c.user == nil {
		return ""
	}
	var err error
	defer c.m.Guard("apimon.WithUser", &err)
	return c.m.Pseudonym(c.user(r))
}

func (c *core) networkOf(r *http.Request) (network string) {
	var err error
	defer c.m.Guard("apimon.WithClientIP", &err)
	if p := monitor.TruncateIP(c.clientIP(r)); p.IsValid() {
		return p.String()
	}
	return ""
}
