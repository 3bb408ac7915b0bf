package dbmon

import (
	"context"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// maxPrepared is how many names are resolved per connection.
const maxPrepared = 4096

// names is what the prepared names of a connection stand for. There are two
// generations: when the young one is full it becomes the old one, and what is
// used again comes over from there. The lock is for hosts that use a connection
// from several goroutines: maps would end the process.
type names struct {
	mu         sync.Mutex
	young, old map[string]*statement // guarded by mu
}

func (n *names) find(name string) *statement {
	n.mu.Lock()
	defer n.mu.Unlock()
	st := n.young[name]
	if st == nil && n.old != nil {
		if st = n.old[name]; st != nil {
			n.add(name, st)
		}
	}
	return st
}

func (n *names) note(name string, st *statement) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.add(name, st)
}

// add adds to the young generation. mu is held.
func (n *names) add(name string, st *statement) {
	if n.young == nil || len(n.young) >= maxPrepared/2 {
		n.young, n.old = map[string]*statement{}, n.young
	}
	n.young[name] = st
}

// named is a statement that is being prepared under a name.
type named struct {
	name      string
	statement *statement
}

// TracePrepareStart implements pgx.PrepareTracer.
func (t *Tracer) TracePrepareStart(ctx context.Context, conn *pgx.Conn, data pgx.TracePrepareStartData) context.Context {
	if t.next.prepare != nil {
		ctx = t.next.prepare.TracePrepareStart(ctx, conn, data)
	}
	if t.off {
		return ctx
	}
	if s := t.state(conn); s != nil && !s.quiet {
		sl := s.push(opPrepare)
		sl.named = nil
		sl.asked = data.Name != "" && !strings.HasPrefix(data.Name, "stmtcache_")
		if sl.asked && data.Name != data.SQL { // database/sql gives the text for a name
			sl.named = &named{data.Name, t.statements.Get(data.SQL)}
		}
		sl.start = t.now()
	}
	return ctx
}

// TracePrepareEnd implements pgx.PrepareTracer.
func (t *Tracer) TracePrepareEnd(ctx context.Context, conn *pgx.Conn, data pgx.TracePrepareEndData) {
	if !t.off {
		if s := t.state(conn); s != nil && !s.quiet {
			t.endPrepare(ctx, conn, s, data)
		}
	}
	if t.next.prepare != nil {
		t.next.prepare.TracePrepareEnd(ctx, conn, data)
	}
}

func (t *Tracer) endPrepare(ctx context.Context, conn *pgx.Conn, s *state, data pgx.TracePrepareEndData) {
	sl := s.pop(opPrepare)
	if sl == nil {
		return
	}
	if !data.AlreadyPrepared {
		t.metrics.prepares.Observe(&s.home, 0, int64(t.now()-sl.start))
	}
	if data.Err == nil {
		s.resolve(sl.named)
		return
	}
	switch open := s.current(); {
	case open == nil || sl.asked:
		class := classOf(ctx, data.Err, conn)
		t.metrics.prepareErrors.Cell(class).Add(&s.home, 0, 1)
	case open.op == opCopy:
		// pgx returns without TraceCopyFromEnd.
		t.endCopy(ctx, conn, s, pgconn.CommandTag{}, data.Err)
	default:
		// The query or batch around it fails with the same error, and is counted.
	}
}

// resolve notes what a name stands for.
func (s *state) resolve(n *named) {
	if n == nil {
		return
	}
	prepared := s.prepared
	if prepared == nil {
		prepared = &names{}
		s.prepared = prepared
	}
	prepared.note(n.name, n.statement)
}
