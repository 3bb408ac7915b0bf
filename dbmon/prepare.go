package dbmon

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// maxPrepared is how many names are resolved per connection.
const maxPrepared = 4096

// TracePrepareStart implements pgx.PrepareTracer.
func (t *Tracer) TracePrepareStart(ctx context.Context, conn *pgx.Conn, data pgx.TracePrepareStartData) context.Context {
	if t.next.prepare != nil {
		ctx = t.next.prepare.TracePrepareStart(ctx, conn, data)
	}
	if t.off {
		return ctx
	}
	if s := t.state(conn); s != nil && !s.quiet {
		if sl := s.push(opPrepare); sl != nil {
			sl.name, sl.statement = "", nil
			if isNamed(data) {
				sl.name, sl.statement = data.Name, t.statements.Get(data.SQL)
			}
			sl.start = t.now()
		}
	}
	return ctx
}

// isNamed reports whether the host will use a name in the statement's place.
// pgx's statement cache has names of its own, and database/sql uses the text.
func isNamed(data pgx.TracePrepareStartData) bool {
	return data.Name != "" && data.Name != data.SQL && !strings.HasPrefix(data.Name, "stmtcache_")
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
		s.resolve(sl.name, sl.statement)
		return
	}
	switch open := s.current(); {
	case open == nil:
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
func (s *state) resolve(name string, st *statement) {
	if name == "" || st == nil {
		return
	}
	if s.prepared == nil {
		s.prepared = map[string]*statement{}
	}
	if _, known := s.prepared[name]; known || len(s.prepared) < maxPrepared {
		s.prepared[name] = st
	}
}
