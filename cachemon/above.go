package cachemon

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/monitor"
)

// above is the hook of a client that has one client per node. The nodes count;
// this counts what reached none of them: no node is known, keys of several
// slots, all shards are down. And it has the nodes count a cluster's transaction
// when its outcome is known.
type above struct{ watch *Watch }

var _ redis.Hook = above{}

// DialHook implements redis.Hook: it is the nodes that dial.
func (a above) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook implements redis.Hook.
func (a above) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		before := a.watch.cache.notes.n.Load()
		err := next(ctx, cmd)
		if err != nil && !isNil(err) {
			a.check(ctx, cmd, err, before)
		}
		return err
	}
}

// ProcessPipelineHook implements redis.Hook.
func (a above) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if _, ok := a.watch.client.(*redis.ClusterClient); ok && isTx(cmds) {
			return a.transaction(ctx, cmds, next)
		}
		before := a.watch.cache.notes.n.Load()
		err := next(ctx, cmds)
		if err == nil || isNil(err) || a.watch.closed.Load() {
			return err
		}
		noted := false
		for _, cmd := range cmds {
			noted = a.watch.cache.notes.take(pointer(cmd), before) || noted
		}
		if !noted {
			a.checkAll(ctx, cmds, before)
		}
		return err
	}
}

// attempt is the latest one at a cluster's transaction: the node that it was
// sent to, nil for none, and when.
type attempt struct {
	node       *node
	start, end time.Duration
}

// attemptKey finds the attempt in a transaction's context.
type attemptKey struct{}

// transaction has the node that was asked last count a cluster's transaction.
// The node by itself cannot: go-redis tells only the caller that a command was
// refused or is elsewhere, and that therefore none was run.
func (a above) transaction(ctx context.Context, cmds []redis.Cmder, next redis.ProcessPipelineHook) (err error) {
	before := a.watch.cache.notes.n.Load()
	var last attempt
	err = errInterrupted
	defer func() {
		if last.node != nil {
			last.node.countBatch(ctx, cmds, last.start, last.end, err)
		} else {
			a.checkAll(ctx, cmds, before)
		}
	}()
	return next(context.WithValue(ctx, attemptKey{}, &last), cmds)
}

// checkAll checks each command that has failed.
func (a above) checkAll(ctx context.Context, cmds []redis.Cmder, before uint64) {
	for _, cmd := range cmds {
		if err := cmd.Err(); err != nil && !isNil(err) {
			a.check(ctx, cmd, err, before)
		}
	}
}

// check counts a command's error if no node has. A command that was split or
// sent to many nodes is not the one that they saw: there, any error that was
// counted meanwhile is taken for its own.
func (a above) check(ctx context.Context, cmd redis.Cmder, err error, before uint64) {
	w := a.watch
	c := w.hook.commands.of(cmd.Args())
	switch {
	case c.class == silent || w.closed.Load():
		return
	case w.cache.notes.take(pointer(cmd), before):
		return
	case c.spread && w.cache.notes.n.Load() != before:
		return
	}
	if _, own := monitor.CallerFrom(ctx).(unwatched); own {
		return
	}
	kind := kindOf(err)
	if kind == kindMoved { // the nodes said so themselves
		return
	}
	w.cache.table.errors.Cell(w.cache.name, "", c.name, kind).Add(&instrument.Home{}, 0, 1)
}
