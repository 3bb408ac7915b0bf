// Package pgerror says what PostgreSQL's errors mean, and does again what may
// succeed then.
package pgerror

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Plain returns an error whose text has no value, user, database or host, which
// what the server and the driver say may have: it has the SQLSTATE, and fixed
// words for what often goes wrong. Who looks for a type or a sentinel finds what
// err has.
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
		return &plain{join("SQLSTATE "+code, meanings[code]), err}
	case disconnected(err):
		return &plain{join("no connection", why(err)), err}
	}
	return err
}

func join(what, why string) string {
	if why == "" {
		return what
	}
	return what + ": " + why
}

// meanings are words for what an operator can do something about.
var meanings = map[string]string{
	"08P01": "the server or a pooler did not understand",
	"22P02": "a value has not the form of its type",
	"23505": "a row is there already",
	"25006": "the server is read-only",
	"28000": "the role may not log in, or not from here",
	"28P01": "the password was refused",
	"3D000": "the database does not exist",
	"3F000": "the schema does not exist",
	"40001": "other transactions were in the way",
	"40P01": "a deadlock",
	"42501": "permission denied",
	"42703": "a column does not exist",
	"42P01": "a table does not exist",
	"53100": "the disk is full",
	"53200": "out of memory",
	"53300": "too many connections",
	"55P03": "a lock was not to be had",
	"57014": "the statement was cancelled",
	"57P01": "the server is going down",
	"57P02": "the server has crashed",
	"57P03": "the server does not take connections yet, or any more",
}

// why says why there is no connection, if that is known.
func why(err error) string {
	_, noHost := errors.AsType[*net.DNSError](err)
	_, distrust := errors.AsType[*tls.CertificateVerificationError](err)
	network, _ := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused: nobody listens there"
	case noHost:
		return "the host's name is not known"
	case distrust:
		return "the server's certificate is not trusted"
	case strings.Contains(err.Error(), "server refused TLS connection"): // the driver has no type for it
		return "the server has no TLS"
	case errors.Is(err, fs.ErrNotExist):
		return "the socket does not exist"
	case errors.Is(err, fs.ErrPermission):
		return "the socket is not for this user"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return "the host cannot be reached"
	case network != nil && network.Timeout():
		return "timed out"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "it broke off"
	}
	return ""
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

// Retry calls f, and does so again while its error is [Transient]: four times
// within about a second. Before each further call it calls again, unless that is
// nil.
func Retry(ctx context.Context, again func(), f func() error) (err error) {
	const tries = 4
	wait := 50 * time.Millisecond
	for try := range tries {
		if try > 0 {
			if again != nil {
				again()
			}
			if !sleep(ctx, wait/2+rand.N(wait)) {
				return ctx.Err()
			}
			wait *= 3
		}
		if err = f(); !Transient(err) {
			break
		}
	}
	return err
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
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
