package cachemon

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// ProcessPipelineHook implements redis.Hook, for pipelines and transactions.
func (n *node) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) (err error) {
		if n.setsUp(cmds) || !n.wants(ctx) {
			return next(ctx, cmds)
		}
		err = errInterrupted
		defer n.endBatch(ctx, cmds, n.cache.table.now(), &err)
		return next(ctx, cmds)
	}
}

// setsUp reports whether a pipeline is one by which a client sets up a connection.
func (n *node) setsUp(cmds []redis.Cmder) bool {
	for _, cmd := range cmds {
		if n.hook.commands.of(cmd.Args()).class != silent {
			return false
		}
	}
	return true
}

// batch is what is known of a pipeline that has come back.
type batch struct {
	op       *command
	commands int
	failed   int
	kind     string // of its first error
	found    found
	elapsed  time.Duration
}

// endBatch records a pipeline that has come back, unless that is for the client
// above to do.
func (n *node) endBatch(ctx context.Context, cmds []redis.Cmder, start time.Duration, errp *error) {
	end := n.cache.table.now()
	if n.watch.above && isTx(cmds) {
		if last, ok := ctx.Value(attemptKey{}).(*attempt); ok {
			*last = attempt{n, start, end}
			return
		}
	}
	n.countBatch(ctx, cmds, start, end, *errp)
}

// countBatch counts a pipeline: each of its commands, which have no time of
// their own, and the whole.
func (n *node) countBatch(ctx context.Context, cmds []redis.Cmder, start, end time.Duration, err error) {
	w := getWorker()
	h := n.hook
	b := batch{op: h.commands.pipe, elapsed: end - start}
	if isTx(cmds) {
		b.op = h.commands.tx
	}
	at := n.at.Load()
	if cause := b.failure(cmds, err); cause != nil {
		n.failBatch(w, &b, cmds, cause)
	} else {
		n.settleEach(w, &b, at, cmds, end)
	}
	if b.commands > 0 || b.kind != "" {
		cell := n.cell(at, b.op)
		cell.Observe(&w.home, histDuration, int64(b.elapsed))
		if h.curious {
			n.reportBatch(ctx, cell, &b)
		}
	}
	w.release()
}

// failure is the error of a pipeline that failed as a whole, nil if its commands
// are to be asked one by one. In a pipeline of which nothing is known they have
// neither error nor reply, and look as if they had been answered. A transaction
// is run as a whole or not at all: not, if the server did not reply, a key that
// was watched has changed, or a command was refused.
func (b *batch) failure(cmds []redis.Cmder, err error) error {
	tx := b.op.name == opTx
	if err == nil || err == errInterrupted || tx && refusesTx(err) { //nolint:errorlint // ours, as it is
		return err
	}
	known := false
	for _, cmd := range cmds {
		if cerr := cmd.Err(); cerr != nil {
			if tx && refusesTx(cerr) {
				return cerr
			}
			known = true
		}
	}
	if known {
		return nil
	}
	return err
}

// refusesTx reports whether no transaction was run that has the error.
func refusesTx(err error) bool {
	kind := kindOf(err)
	return !isReply(err) || kind == kindConflict || kind == kindAborted
}

// failBatch counts an error of the pipeline as a whole.
func (n *node) failBatch(w *worker, b *batch, cmds []redis.Cmder, err error) {
	b.failed, b.kind = 1, n.fail(w, nil, b.op, err)
	if n.watch.above {
		for _, cmd := range cmds {
			n.cache.notes.add(pointer(cmd))
		}
	}
}

// settleEach counts the commands of a pipeline. Those of one operation in a row
// are added at once.
func (n *node) settleEach(w *worker, b *batch, at *address, cmds []redis.Cmder, now time.Duration) {
	var last *command
	var run uint64
	flush := func() {
		if run > 0 {
			n.cell(at, last).Add(&w.home, counterUntimed, run)
		}
	}
	for _, cmd := range cmds {
		args := cmd.Args()
		c := n.hook.commands.of(args)
		if c.class == silent {
			continue
		}
		var r result
		n.settle(w, &r, now, cmd, args, c, cmd.Err())
		if r.kind != "" {
			b.failed++
			if b.kind == "" {
				b.kind = r.kind
			}
			if r.kind == kindMoved {
				continue
			}
		}
		b.commands++
		b.found.hits += r.found.hits
		b.found.misses += r.found.misses
		if c != last {
			flush()
			last, run = c, 0
		}
		run++
	}
	flush()
}

// isTx reports whether a pipeline is a transaction.
func isTx(cmds []redis.Cmder) bool {
	for _, cmd := range cmds[:min(2, len(cmds))] { // ASKING may come first
		if args := cmd.Args(); len(args) == 1 && args[0] == "multi" {
			return true
		}
	}
	return false
}
