package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
)

// Reason says in one word why a check failed. It is a label's value. One that
// the host chooses has at most 32 letters a to z, digits, "_" and "-", or is
// shown as [ReasonError]; past 16 of them on a registry, the label says "other".
type Reason string

// The reasons.
const (
	ReasonRefused     Reason = "refused"     // nothing listens there
	ReasonUnreachable Reason = "unreachable" // no way to the host or network
	ReasonReset       Reason = "reset"       // the connection was cut
	ReasonTimeout     Reason = "timeout"     // not done within the target's timeout
	ReasonDNS         Reason = "dns"         // the name could not be resolved
	ReasonTLS         Reason = "tls"         // no handshake, or a certificate that is not valid
	ReasonExpiry      Reason = "expiry"      // a certificate that is valid still, but not for long
	ReasonRedirect    Reason = "redirect"    // too many, or one that must not be followed
	ReasonStatus      Reason = "status"      // not the expected HTTP status
	ReasonBody        Reason = "body"        // not the expected body, or one that is too large
	ReasonAnswer      Reason = "answer"      // not the expected answer over TCP or DNS
	ReasonPanic       Reason = "panic"       // the host's function panicked
	ReasonError       Reason = "error"       // any other
)

// reasons are those above, with what a check that did not fail is counted by.
var reasons = []string{
	string(ReasonRefused), string(ReasonUnreachable), string(ReasonReset), string(ReasonTimeout), string(ReasonDNS),
	string(ReasonTLS), string(ReasonExpiry), string(ReasonRedirect), string(ReasonStatus), string(ReasonBody),
	string(ReasonAnswer), string(ReasonPanic), string(ReasonError), reasonOK,
}

const (
	reasonOK      = "ok"
	maxReason     = 32 // bytes
	hostsReasons  = 16
	reasonLetters = "abcdefghijklmnopqrstuvwxyz0123456789_-"
)

// word returns the reason, or ReasonError for one that is not a word.
func (r Reason) word() Reason {
	if r == "" || r == reasonOK || len(r) > maxReason || strings.Trim(string(r), reasonLetters) != "" {
		return ReasonError
	}
	return r
}

// Failure is why a check failed: the Err of a [Result]. A [Func] may return one
// to choose the reason.
type Failure struct {
	Reason Reason
	Detail string // one sentence for people, without secrets

	cause error // of a Func
}

func failure(r Reason, format string, args ...any) *Failure {
	return &Failure{Reason: r, Detail: fmt.Sprintf(format, args...)}
}

// Error returns "reason: detail".
func (f *Failure) Error() string { return string(f.Reason) + ": " + f.Detail }

// Unwrap returns the error that a [Func] returned, if it is one's.
func (f *Failure) Unwrap() error { return f.cause }

// errRedirects is what ends a chain of redirects.
var errRedirects = errors.New("too many redirects")

// failed turns what a check returned into a failure.
func (a *attempt) failed(err error) *Failure {
	if f, ok := errors.AsType[*Failure](err); ok {
		if f == nil {
			return failure(ReasonError, "a nil *Failure")
		}
		return f
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // its text has the URL
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		if e.IsTimeout {
			return failure(ReasonTimeout, "not done within %v, resolving %s", a.timeout, strings.TrimSuffix(e.Name, "."))
		}
		return failure(ReasonDNS, "resolve %s: %s", strings.TrimSuffix(e.Name, "."), e.Err)
	}
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return failure(ReasonTLS, "%v", e.Err)
	}
	slow, isNet := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, context.DeadlineExceeded), isNet && slow.Timeout():
		return failure(ReasonTimeout, "not done within %v, %s", a.timeout, a.phase())
	case errors.Is(err, errRedirects):
		return failure(ReasonRedirect, "%v", err)
	case errors.Is(err, http.ErrSchemeMismatch):
		return failure(ReasonTLS, "the answer is not TLS")
	case errors.Is(err, syscall.ECONNREFUSED):
		return failure(ReasonRefused, "%s refused the connection", remote(err))
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return failure(ReasonUnreachable, "no way to %s", remote(err))
	case a.handshakeFailed():
		return failure(ReasonTLS, "the handshake failed: %v", err)
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return failure(ReasonReset, "the connection was cut, %s", a.phase())
	}
	return failure(ReasonError, "%v", err)
}

// remote names the address that an error is about.
func remote(err error) string {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Addr != nil {
		return op.Addr.String()
	}
	return "the host"
}
