package bizmon

import (
	"log/slog"
	"math"
	"sync/atomic"
	"time"

	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/monitor"
)

// Connection is one open connection. Its methods may be called from any
// goroutines, on nil too, and allocate nothing until Closed.
type Connection struct {
	core   *core // nil: off
	all    *Connections
	typ    *connType
	opened time.Time

	closed         atomic.Bool
	slow           atomic.Bool
	depth          atomic.Int64
	sent, received atomic.Uint64
	dropped        atomic.Uint64
}

func (c *Connection) off() bool { return c == nil || c.core == nil }

// Sent counts a message of so many bytes that went out.
func (c *Connection) Sent(bytes int) {
	if !c.off() {
		c.sent.Add(1)
		message(c.typ.sent, bytes)
	}
}

// Received counts a message of so many bytes that came in.
func (c *Connection) Received(bytes int) {
	if !c.off() {
		c.received.Add(1)
		message(c.typ.received, bytes)
	}
}

func message(cell *instrument.Cell, bytes int) {
	var home instrument.Home
	b := cell.Begin(&home)
	b.Add(0, 1)
	b.Add(1, uint64(max(bytes, 0)))
	b.End()
}

// Dropped counts messages that were not sent because the other end is too slow.
func (c *Connection) Dropped(messages int) {
	if !c.off() && messages > 0 {
		c.dropped.Add(uint64(messages))
		add(c.typ.cell, connDropped, uint64(messages))
	}
}

// Queued says how many messages wait to be sent now. From [WithSlowConsumer]
// on the connection is a slow consumer, until half of that wait.
func (c *Connection) Queued(messages int) {
	if c.off() || c.closed.Load() {
		return
	}
	depth := int64(min(max(messages, 0), math.MaxInt32))
	c.typ.queued.Add(depth - c.depth.Swap(depth))
	for c.judge(depth) != depth {
		depth = c.depth.Load() // somebody else has said another depth meanwhile
	}
	if c.closed.Load() {
		c.settle() // it was closed meanwhile
	}
}

// judge says whether the connection is slow at that depth, and returns the depth
// as of then.
func (c *Connection) judge(depth int64) int64 {
	limit := int64(c.core.config.slowDepth)
	switch {
	case depth >= limit && c.slow.CompareAndSwap(false, true):
		c.typ.slow.Add(1)
		add(c.typ.cell, connSlowdowns, 1)
		c.report("slow", true)
	case depth <= limit/2 && c.slow.CompareAndSwap(true, false):
		c.typ.slow.Add(-1)
	}
	return c.depth.Load()
}

// Slow reports whether the connection is a slow consumer now.
func (c *Connection) Slow() bool { return !c.off() && c.slow.Load() }

// Closed says that the connection is closed, for a reason that becomes a label:
// a word, such as "client", "shutdown" or "slow", of which fifty are told apart.
// Only the first call counts.
func (c *Connection) Closed(reason string) {
	if c.off() || c.closed.Swap(true) {
		return
	}
	reason = c.all.reason(reason)
	c.typ.open.Add(-1)
	c.settle()
	open := max(c.core.m.Now().Sub(c.opened), 0)
	var home instrument.Home
	c.typ.cell.Observe(&home, 0, int64(open))
	add(c.core.in.closed.Cell(c.typ.name, reason), 0, 1)
	if c.core.m.Enabled(monitor.KindConnection) {
		c.core.record(monitor.Event{Kind: monitor.KindConnection, Name: c.typ.name, Duration: open},
			slog.String("state", "closed"), slog.String("reason", reason), slog.Uint64("sent", c.sent.Load()),
			slog.Uint64("received", c.received.Load()), slog.Uint64("dropped", c.dropped.Load()))
	}
}

// settle takes the connection out of the gauges.
func (c *Connection) settle() {
	c.typ.queued.Add(-c.depth.Swap(0))
	if c.slow.CompareAndSwap(true, false) {
		c.typ.slow.Add(-1)
	}
}

func (c *Connection) report(state string, slow bool) {
	if c.core.m.Enabled(monitor.KindConnection) {
		c.core.record(monitor.Event{Kind: monitor.KindConnection, Name: c.typ.name, Slow: slow},
			slog.String("state", state), slog.Int64("queued", c.depth.Load()))
	}
}
