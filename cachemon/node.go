package cachemon

import (
	"context"
	"errors"
	"net"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/monitor"
)

// node is the hook of one client of one server: a plain client, or one of those
// that a cluster client or a ring has.
type node struct {
	hook  *Hook
	watch *Watch
	cache *cache
	roams bool // its server changes, as a failover client's does
	at    atomic.Pointer[address]
}

var _ redis.Hook = (*node)(nil)

// address is a server's name with its cells at hand.
type address struct {
	name string
	ops  []atomic.Pointer[instrument.Cell] // by command
	dial *instrument.Cell
}

func (n *node) moveTo(name string) {
	n.at.Store(&address{
		name: name,
		ops:  make([]atomic.Pointer[instrument.Cell], n.hook.commands.n),
		dial: n.cache.table.dials.Cell(n.cache.name, name),
	})
}

// cell is the cell of a command or a batch at the address.
func (n *node) cell(at *address, c *command) *instrument.Cell {
	slot := &at.ops[c.id]
	cell := slot.Load()
	if cell == nil {
		group := n.cache.table.operations
		if c.batch {
			group = n.cache.table.batches
		}
		cell = group.Cell(n.cache.name, at.name, c.name)
		slot.Store(cell)
	}
	return cell
}

// errInterrupted stands for the error of a command that a panic, in another
// hook, did not let come back.
var errInterrupted = errors.New("interrupted")

const kindPanic = "panic"

// unwatched is the caller in the context of what this package sends itself.
type unwatched struct{}

// CallerName implements monitor.Caller: there is none.
func (unwatched) CallerName() string { return "" }

// wants reports whether a command in this context is to be recorded, and notes
// on whose behalf the cache is used.
func (n *node) wants(ctx context.Context) bool {
	if n.watch.closed.Load() {
		return false
	}
	caller := monitor.CallerFrom(ctx)
	if caller == nil {
		return true
	}
	if _, own := caller.(unwatched); own {
		return false
	}
	n.hook.m.Depends(ctx, "cache", n.cache.name)
	return true
}

// ProcessHook implements redis.Hook.
func (n *node) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) (err error) {
		args := cmd.Args()
		c := n.hook.commands.of(args)
		if c.class == silent || !n.wants(ctx) {
			return next(ctx, cmd)
		}
		err = errInterrupted
		defer n.end(ctx, cmd, args, c, n.cache.table.now(), &err)
		return next(ctx, cmd)
	}
}

// end records a command that has come back.
func (n *node) end(ctx context.Context, cmd redis.Cmder, args []any, c *command, start time.Duration, errp *error) {
	now := n.cache.table.now()
	w := getWorker()
	r := result{elapsed: now - start}
	n.settle(w, &r, now, cmd, args, c, *errp)
	if r.kind != kindMoved { // asked the wrong node: no operation
		cell := n.cell(n.at.Load(), c)
		if r.class == blocking {
			cell.Add(&w.home, counterUntimed, 1)
		} else {
			cell.Observe(&w.home, histDuration, int64(r.elapsed))
		}
		if n.hook.curious {
			n.report(ctx, w, cell, cmd, c, &r)
		}
	}
	w.release()
}

// result is what is known of a command that has come back.
type result struct {
	class   class
	kind    string // of error, empty for none
	found   found
	elapsed time.Duration
}

// settle counts what a command's reply says: error, hits and misses, size.
func (n *node) settle(w *worker, r *result, now time.Duration, cmd redis.Cmder, args []any, c *command, err error) {
	r.class = c.classOf(args)
	missing := false
	if err != nil {
		if missing = isNil(err); !missing {
			r.kind = n.fail(w, cmd, c, err)
			return
		}
	}
	if c.rule != CountNone {
		r.found = c.outcome(cmd, args, missing)
		n.count(w, now, cmd, args, c, r.found)
	}
	if c.key != 0 {
		n.weigh(w, cmd, args, c)
	}
}

func isNil(err error) bool { return err == redis.Nil || errors.Is(err, redis.Nil) } //nolint:errorlint // the short cut

// fail counts an error and returns its kind.
func (n *node) fail(w *worker, cmd redis.Cmder, c *command, err error) (kind string) {
	kind = kindPanic
	if err != errInterrupted { //nolint:errorlint // ours, as it is
		kind = kindOf(err)
	}
	n.cache.table.errors.Cell(n.cache.name, n.at.Load().name, c.name, kind).Add(&w.home, 0, 1)
	if n.watch.above && cmd != nil && kind != kindMoved { // that is not the end of it
		n.cache.notes.add(pointer(cmd))
	}
	return kind
}

// pointer is a command's identity.
func pointer(cmd redis.Cmder) uintptr {
	v := reflect.ValueOf(cmd)
	if v.Kind() != reflect.Pointer {
		return 0
	}
	return v.Pointer()
}

// count counts hits and misses, for the cache and by pattern of the key.
func (n *node) count(w *worker, now time.Duration, cmd redis.Cmder, args []any, c *command, f found) {
	if f.hits > 0 {
		n.cache.window.Add(now, w.lane, countHit, uint64(f.hits))
	}
	if f.misses > 0 {
		n.cache.window.Add(now, w.lane, countMiss, uint64(f.misses))
	}
	if f.hits+f.misses == 0 || n.hook.patterns == nil {
		return
	}
	if c.keys && len(args)-c.key > 1 {
		n.countEach(w, cmd, args[c.key:], f)
		return
	}
	p := n.hook.pattern(w, c.keyAt(args))
	if f.hits > 0 {
		n.watch.patterns.count(&w.home, n.cache, p, countHit, uint64(f.hits))
	}
	if f.misses > 0 {
		n.watch.patterns.count(&w.home, n.cache, p, countMiss, uint64(f.misses))
	}
}

// countEach counts a command of several keys by each key's own pattern. Where
// the reply does not say which keys were there, and they differ in pattern, the
// pattern is "other".
func (n *node) countEach(w *worker, cmd redis.Cmder, keys []any, f found) {
	values := elementsOf(cmd)
	known := len(values) == len(keys)
	if known || f.hits == 0 || f.misses == 0 {
		for i, k := range keys {
			res := countHit
			if known && values[i] == nil || !known && f.hits == 0 {
				res = countMiss
			}
			n.watch.patterns.count(&w.home, n.cache, n.hook.pattern(w, k), res, 1)
		}
		return
	}
	p := n.hook.pattern(w, keys[0])
	for _, k := range keys[1:] {
		if n.hook.pattern(w, k) != p {
			p = noPattern
			break
		}
	}
	n.watch.patterns.count(&w.home, n.cache, p, countHit, uint64(f.hits))
	n.watch.patterns.count(&w.home, n.cache, p, countMiss, uint64(f.misses))
}

// elementsOf are the elements of a reply, one per key.
func elementsOf(cmd redis.Cmder) []any {
	switch v := cmd.(type) {
	case *redis.SliceCmd:
		return v.Val()
	case *redis.Cmd:
		s, _ := v.Val().([]any)
		return s
	}
	return nil
}

// DialHook implements redis.Hook.
func (n *node) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		start := n.cache.table.now()
		conn, err := next(ctx, network, addr)
		if n.watch.closed.Load() {
			return conn, err
		}
		if n.roams && err == nil && conn != nil {
			if a := conn.RemoteAddr(); a != nil && a.String() != n.at.Load().name {
				n.moveTo(a.String())
			}
		}
		at := n.at.Load()
		var home instrument.Home
		at.dial.Observe(&home, histDuration, int64(n.cache.table.now()-start))
		if err != nil {
			n.cache.table.dialErrors.Cell(n.cache.name, at.name, kindOf(err)).Add(&home, 0, 1)
		}
		return conn, err
	}
}
