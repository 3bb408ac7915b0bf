package cachemon

import (
	"context"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/internal/keypattern"
	"github.com/chronoretrace/chronomon/monitor"
)

// report does what only some hosts want of every command: exemplar and event.
func (n *node) report(ctx context.Context, w *worker, cell *instrument.Cell, cmd redis.Cmder, c *command, r *result) {
	h := n.hook
	trace := h.trace(ctx)
	if trace != "" && r.class != blocking {
		cell.Exemplar(histDuration, int64(r.elapsed), trace, h.m.Now())
	}
	if !h.events {
		return
	}
	e := monitor.Event{
		Kind: monitor.KindCache, Name: keypattern.Other, Duration: r.elapsed, TraceID: trace,
		Failed: r.kind != "", Slow: r.class != blocking && r.elapsed >= h.slow,
	}
	if key := c.keyAt(cmd.Args()); key != nil {
		e.Name = h.pattern(w, key).Name
	}
	e.Add(slog.String("cache", n.cache.name), slog.String("node", n.at.Load().name), slog.String("operation", c.name))
	n.outcome(&e, r.found, r.kind)
}

// reportBatch is report for a pipeline as a whole.
func (n *node) reportBatch(ctx context.Context, cell *instrument.Cell, b *batch) {
	h := n.hook
	trace := h.trace(ctx)
	if trace != "" {
		cell.Exemplar(histDuration, int64(b.elapsed), trace, h.m.Now())
	}
	if !h.events {
		return
	}
	e := monitor.Event{
		Kind: monitor.KindCache, Name: b.op.name, Duration: b.elapsed, TraceID: trace,
		Failed: b.kind != "", Slow: b.elapsed >= h.slow,
	}
	e.Add(
		slog.String("cache", n.cache.name), slog.String("node", n.at.Load().name), slog.String("operation", b.op.name),
		slog.Int("commands", b.commands), slog.Int("failed", b.failed),
	)
	n.outcome(&e, b.found, b.kind)
}

func (n *node) outcome(e *monitor.Event, f found, kind string) {
	if f.hits+f.misses > 0 {
		e.Add(slog.Int("hits", f.hits), slog.Int("misses", f.misses))
	}
	if kind != "" {
		e.Add(slog.String("error", kind))
	}
	n.hook.m.Record(*e)
}

func (h *Hook) trace(ctx context.Context) (id string) {
	if h.traceID == nil {
		return ""
	}
	var err error
	defer h.m.Guard("cachemon.WithTraceID", &err)
	return h.traceID(ctx)
}

// weigh reports a value that is too big.
func (n *node) weigh(w *worker, cmd redis.Cmder, args []any, c *command) {
	h := n.hook
	key := c.keyAt(args)
	var bytes int
	switch {
	case c.pairs:
		var at int
		if bytes, at = biggest(args, c.write, 2); at > 0 {
			key = args[at-1]
		}
	case c.write > 0:
		bytes, _ = biggest(args, c.write, 1)
	default:
		bytes = replySize(cmd)
	}
	if bytes < h.big {
		return
	}
	p := h.pattern(w, key)
	n.cache.table.big.Cell(n.cache.name, p.Name).Add(&w.home, 0, 1)
	now, last := int64(n.cache.table.now()), h.logged.Load()
	if last != 0 && now-last < int64(time.Second) || !h.logged.CompareAndSwap(last, now) {
		h.unlogged.Add(1)
		return
	}
	attrs := []any{"cache", n.cache.name, "operation", c.name, "key_pattern", p.Name, "bytes", bytes, "threshold", h.big}
	if more := h.unlogged.Swap(0); more > 0 {
		attrs = append(attrs, "unlogged_before", more)
	}
	h.m.Logger().Warn("big cache value", attrs...)
}
