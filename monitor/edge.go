package monitor

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chronoretrace/chronomon/internal/instrument"
)

// An Edge says that a caller (a route, a job) was seen to use a dependency (a
// table, a cache, a data source). Alerting reads the edges to tell a cause from
// its consequences.
type Edge struct {
	Caller string    // route or job
	Kind   string    // "table", "cache", "source"
	Name   string    // of the dependency
	Count  uint64    // times seen; a lower bound, since callers may be sampled
	Last   time.Time // when it was seen last
}

// Caller is put into a context by whoever knows on whose behalf the work is
// done. CallerName may be called from any goroutine that holds the context; it
// returns "" if the name is not known yet.
type Caller interface{ CallerName() string }

// CallerName is a Caller whose name is known.
type CallerName string

// CallerName returns the name.
func (c CallerName) CallerName() string { return string(c) }

type callerKey struct{}

// ContextWithCaller returns a context that carries the caller.
func ContextWithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerFrom returns the caller in the context, or nil.
func CallerFrom(ctx context.Context) Caller {
	if ctx == nil {
		return nil
	}
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}

// edges is the bounded set of edges seen.
type edges struct {
	max      int
	overflow func()
	seen     sync.Map // edgeKey → *edgeStat
	n        atomic.Int64
}

type edgeKey struct{ caller, kind, name string }

type edgeStat struct {
	count atomic.Uint64
	last  atomic.Int64 // Unix nanoseconds
}

// Depends records that the caller in ctx, if there is one, uses the named
// dependency. Past the limit of edges it is counted in
// monitor_edge_overflow_total.
func (m *Monitor) Depends(ctx context.Context, kind, name string) {
	if m.off {
		return
	}
	c := CallerFrom(ctx)
	if c == nil {
		return
	}
	caller := c.CallerName()
	if caller == "" {
		return
	}
	m.edges.add(edgeKey{caller, kind, name}, m.Now())
}

func (e *edges) add(k edgeKey, now time.Time) {
	v, ok := e.seen.Load(k)
	if !ok {
		if e.n.Add(1) > int64(e.max) {
			e.n.Add(-1)
			e.overflow()
			return
		}
		k = edgeKey{strings.Clone(k.caller), strings.Clone(k.kind), strings.Clone(k.name)}
		var loaded bool
		if v, loaded = e.seen.LoadOrStore(k, &edgeStat{}); loaded {
			e.n.Add(-1)
		}
	}
	s := v.(*edgeStat)
	s.count.Add(1)
	s.last.Store(now.UnixNano())
}

// Edges returns the dependencies seen so far, ordered by caller, kind and name.
func (m *Monitor) Edges() []Edge {
	var out []Edge
	m.edges.seen.Range(func(k, v any) bool {
		key, stat := k.(edgeKey), v.(*edgeStat)
		out = append(out, Edge{key.caller, key.kind, key.name, stat.count.Load(), time.Unix(0, stat.last.Load())})
		return true
	})
	slices.SortFunc(out, func(a, b Edge) int {
		return cmp.Or(cmp.Compare(a.Caller, b.Caller), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
	return out
}

func newEdges(limit int, overflow *instrument.Cell) *edges {
	return &edges{max: limit, overflow: func() { overflow.Add(&instrument.Home{}, 0, 1) }}
}
