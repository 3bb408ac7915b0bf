package dbmon

import (
	"context"
	"errors"
	"io"
	"net"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// The classes of failures that are not the server's.
const (
	classCanceled   = "canceled"   // the caller gave up
	classTimeout    = "timeout"    // the caller's deadline passed
	classConnection = "connection" // the connection failed, or was closed
	classClient     = "client"     // pgx refused: wrong arguments, a value that cannot be encoded
	classUnknown    = "unknown"    // the server sent no SQLSTATE
)

// classOf is the class of a failure: the first two characters of its SQLSTATE
// (https://www.postgresql.org/docs/current/errcodes-appendix.html), or one of
// the above. It is empty if the error is none: that there was no row. conn is
// nil if there is no connection.
func classOf(ctx context.Context, err error, conn *pgx.Conn) string {
	if pg, ok := err.(*pgconn.PgError); ok { //nolint:errorlint // the usual case, for speed; wrapped ones follow
		return sqlstateClass(ctx, pg.Code)
	}
	switch {
	case errors.Is(err, context.Canceled):
		return classCanceled
	case errors.Is(err, context.DeadlineExceeded):
		return classTimeout
	case errors.Is(err, pgx.ErrNoRows):
		return ""
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return sqlstateClass(ctx, pg.Code)
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return classConnection
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok || conn != nil && conn.IsClosed() ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return classConnection
	}
	return classClient
}

// queryCanceled is the SQLSTATE of a query that was canceled, on whosever request.
const queryCanceled = "57014"

func sqlstateClass(ctx context.Context, code string) string {
	if code == queryCanceled {
		switch ctx.Err() {
		case context.Canceled:
			return classCanceled
		case context.DeadlineExceeded:
			return classTimeout
		}
	}
	if len(code) != 5 || !isCode(code[0]) || !isCode(code[1]) {
		return classUnknown
	}
	return code[:2]
}

func isCode(c byte) bool { return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' }
