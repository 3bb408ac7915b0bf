package bizmon

import (
	"log/slog"
	"strings"
	"sync/atomic"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/monitor"
)

// Connections measures WebSockets and whatever else stays open and is pushed to.
type Connections struct {
	core     *core
	types    lookup[string, *connType]
	overflow *instrument.Cell

	reasons       lookup[string, string]
	reasonsPassed *instrument.Cell
}

// mostReasons is how many reasons to close are told apart.
const mostReasons = 50

// connType is what connections of one type have in common.
type connType struct {
	name           string
	cell           *instrument.Cell
	sent, received *instrument.Cell
	open           atomic.Int64
	queued         atomic.Int64
	slow           atomic.Int64
}

func newConnections(c *core) *Connections {
	cs := &Connections{core: c}
	if !c.m.Off() {
		cs.overflow = c.in.overflowed(catalog.WebSocketConnections, "connection_type")
		cs.reasonsPassed = c.in.overflowed(catalog.WebSocketClosed, "reason")
	}
	return cs
}

func (cs *Connections) register() error {
	for _, g := range []struct {
		metric catalog.Metric
		value  func(*connType) *atomic.Int64
	}{
		{catalog.WebSocketConnections, func(t *connType) *atomic.Int64 { return &t.open }},
		{catalog.WebSocketQueued, func(t *connType) *atomic.Int64 { return &t.queued }},
		{catalog.WebSocketSlowConsumers, func(t *connType) *atomic.Int64 { return &t.slow }},
	} {
		err := cs.core.in.gauge(g.metric, func(e emit) {
			for _, t := range cs.types.values() {
				e(float64(g.value(t).Load()), t.name)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// typeOf returns the connections of that type. There may be as many types as
// the monitor's label limit; "other" has its place among them.
func (cs *Connections) typeOf(name string) *connType {
	if t, ok := cs.types.get(name); ok {
		return t
	}
	most := cs.core.in.set.LabelLimit()
	build := func() (string, *connType) {
		in := cs.core.in
		name = strings.Clone(name)
		return name, &connType{
			name: name, cell: in.conns.Cell(name),
			sent: in.messages.Cell(name, "sent"), received: in.messages.Cell(name, "received"),
		}
	}
	if name != instrument.Other {
		if len(name) <= mostName {
			if t, ok := cs.types.getOrMake(name, most, build); ok {
				return t
			}
		}
		add(cs.overflow, 0, 1)
		name = instrument.Other
	}
	t, _ := cs.types.getOrMake(name, most+1, build)
	return t
}

// reason returns the reason as a label: the first fifty are told apart.
func (cs *Connections) reason(reason string) string {
	if r, ok := cs.reasons.get(reason); ok {
		return r
	}
	if len(reason) <= mostName {
		r, ok := cs.reasons.getOrMake(reason, mostReasons, func() (string, string) {
			reason = strings.Clone(reason)
			return reason, reason
		})
		if ok {
			return r
		}
	}
	add(cs.reasonsPassed, 0, 1)
	return instrument.Other
}

// Opened says that a connection was opened, and returns its handle. The type,
// such as "quotes", is a label.
func (cs *Connections) Opened(connectionType string) *Connection {
	if cs.core.m.Off() {
		return &Connection{}
	}
	t := cs.typeOf(connectionType)
	t.open.Add(1)
	add(t.cell, connOpened, 1)
	c := &Connection{core: cs.core, all: cs, typ: t, opened: cs.core.m.Now()}
	if cs.core.m.Enabled(monitor.KindConnection) {
		cs.core.record(monitor.Event{Kind: monitor.KindConnection, Name: t.name}, slog.String("state", "open"))
	}
	return c
}
