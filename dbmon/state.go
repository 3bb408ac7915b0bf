package dbmon

import (
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chronoretrace/chronomon/internal/instrument"
)

// operation is what a slot measures.
type operation uint8

const (
	opQuery operation = iota + 1
	opBatch
	opCopy
	opPrepare
)

// maxOpen is how many operations may be open on one connection: a query that
// prepares, and one that is refused because of it, need three.
const maxOpen = 4

// slot is one operation that has started and not ended.
type slot struct {
	op        operation
	seen      bool          // a statement of the batch was read
	failed    bool          // one of them has failed
	asked     bool          // the host asked for the prepare, not pgx
	start     time.Duration // on the tracer's clock
	last      time.Duration // when the batch's last statement ended
	statement *statement    // of a query or COPY
	count     int           // statements of the batch
	named     *named        // of a prepare under a name
}

// state is what a tracer keeps on a connection. pgx uses a connection from one
// goroutine at a time. A host that does not must not crash here: indexes and
// pointers are checked wherever they are used, and no field is wider than a word,
// so that none is read half written.
type state struct {
	conn     *pgx.Conn
	home     instrument.Home
	quiet    bool // the tracer's own queries
	open     int
	slots    [maxOpen]slot
	refused  *error        // of the last batch that failed before it was sent
	prepared *names        // that the host gave; nil without any
	acquired time.Duration // on the tracer's clock; 0 when not acquired from a pool
	wait     time.Duration // for the connection, until a statement bears it
}

// near holds the states of connections in use, where they are found at less
// cost than in the connection's custom data. It is emptied when a connection is
// opened, so as not to hold on to those that are gone.
type near [64]atomic.Pointer[state]

func (n *near) slot(pc *pgconn.PgConn) *atomic.Pointer[state] { return &n[pc.PID()%uint32(len(n))] }

func (n *near) clear() {
	for i := range n {
		n[i].Store(nil)
	}
}

// state returns what the tracer keeps on the connection, or nil if there is
// nowhere to keep it.
func (t *Tracer) state(conn *pgx.Conn) *state {
	if conn == nil {
		return nil
	}
	pc := conn.PgConn()
	if pc == nil {
		return nil
	}
	if s := t.near.slot(pc).Load(); s != nil && s.conn == conn {
		return s
	}
	return t.stateOf(conn, pc)
}

func (t *Tracer) stateOf(conn *pgx.Conn, pc *pgconn.PgConn) *state {
	data := pc.CustomData()
	if data == nil {
		return nil
	}
	s, ok := data[t.key].(*state)
	if !ok {
		s = &state{conn: conn}
		data[t.key] = s
	}
	if s.conn == conn {
		t.near.slot(pc).Store(s)
	}
	return s
}

// push opens an operation. Where as many are open as can be, the ends of some
// were never reported: a rewriter panicked, or pgx returned without one. They
// are given up.
func (s *state) push(op operation) *slot {
	n := s.open
	if n < 0 || n >= maxOpen {
		n = 0
	}
	s.open = n + 1
	sl := &s.slots[n]
	sl.op = op
	return sl
}

// pop closes the innermost operation of that kind, and those within it whose
// end was not reported. The slot stays as it is until the next push. It is nil
// if there is no such operation.
func (s *state) pop(op operation) *slot {
	for i := min(s.open, maxOpen) - 1; i >= 0; i-- {
		if s.slots[i].op == op {
			s.open = i
			return &s.slots[i]
		}
	}
	return nil
}

// current is the innermost open operation, or nil.
func (s *state) current() *slot {
	if n := s.open; n > 0 && n <= maxOpen {
		return &s.slots[n-1]
	}
	return nil
}
