// Package pgerror says what PostgreSQL's errors mean, and only that.
package pgerror

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Plain returns an error whose text has no value, user, database or host, which
// what the server and the driver say may have: it has the SQLSTATE. Who looks
// for a type or a sentinel finds what err has.
func Plain(err error) error {
	if _, ok := errors.AsType[*plain](err); ok {
		return err
	}
	switch code := Code(err); {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled):
		return &plain{context.Canceled.Error(), err}
	case errors.Is(err, context.DeadlineExceeded):
		return &plain{context.DeadlineExceeded.Error(), err}
	case code != "":
		return &plain{"SQLSTATE " + code, err}
	case disconnected(err):
		return &plain{"no connection", err}
	}
	return err
}

// plain hides another error's text, and nothing else.
type plain struct {
	text string
	err  error
}

// Error returns the text.
func (e *plain) Error() string { return e.text }

// Unwrap returns the error in full.
func (e *plain) Unwrap() error { return e.err }

// Code returns the SQLSTATE of what the server said, or "".
func Code(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code
	}
	return ""
}

// Transient reports whether the same statement may well succeed a moment later:
// the connection broke, the server is going or coming, or two transactions were
// in each other's way.
func Transient(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	switch code := Code(err); code {
	case "":
		return disconnected(err)
	case "40001", "40P01", "53300", "57P01", "57P02", "57P03":
		return true
	default:
		return strings.HasPrefix(code, "08")
	}
}

// disconnected reports whether there was no answer because of the connection.
func disconnected(err error) bool {
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		pgconn.SafeToRetry(err)
}
