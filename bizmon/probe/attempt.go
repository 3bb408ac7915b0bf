package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http/httptrace"
	"sync"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
)

// attempt is one check under way, and what it has found so far.
type attempt struct {
	m        *monitor.Monitor
	now      time.Time // certificates are judged by it
	timeout  time.Duration
	resolver *net.Resolver

	status int       // HTTP
	expiry time.Time // the earliest of the certificates shown

	mu        sync.Mutex    // the transport traces from goroutines of its own
	doing     string        // guarded by mu
	resolving time.Time     // guarded by mu
	lookup    time.Duration // guarded by mu
	badShake  bool          // guarded by mu
}

// enter notes what the check is doing now.
func (a *attempt) enter(what string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.doing = what
}

func (a *attempt) phase() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.doing
}

func (a *attempt) handshakeFailed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.badShake
}

// resolved returns the time spent resolving names.
func (a *attempt) resolved() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.resolving.IsZero() { // cut short
		return a.lookup + time.Since(a.resolving)
	}
	return a.lookup
}

// traced returns a context through which package net and net/http tell the
// attempt what they are doing.
func (a *attempt) traced(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart: func(httptrace.DNSStartInfo) {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.doing, a.resolving = "resolving the name", time.Now()
		},
		DNSDone: func(httptrace.DNSDoneInfo) {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.lookup += time.Since(a.resolving)
			a.resolving = time.Time{}
		},
		ConnectStart:      func(string, string) { a.enter("connecting") },
		TLSHandshakeStart: func() { a.enter("in the TLS handshake") },
		TLSHandshakeDone:  func(_ tls.ConnectionState, err error) { a.shook(err) },
		WroteRequest:      func(httptrace.WroteRequestInfo) { a.enter("waiting for the answer") },
	})
}

// shook notes how a handshake ended.
func (a *attempt) shook(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.badShake = a.badShake || err != nil
}

// call runs the host's code. A panic is a failure.
func (a *attempt) call(name string, f func() error) (err error) {
	returned := false
	func() {
		defer a.m.Guard(name, &err)
		err = f()
		returned = true
	}()
	if !returned {
		return failure(ReasonPanic, "%v", err)
	}
	return err
}

func (a *attempt) dialer() *net.Dialer {
	return &net.Dialer{Timeout: a.timeout, Resolver: a.resolver}
}

// tlsConfig returns the host's configuration, or an empty one, with the check's
// idea of the time.
func (a *attempt) tlsConfig(given *tls.Config) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if given != nil {
		c = given.Clone()
	}
	if c.Time == nil {
		now := a.now
		c.Time = func() time.Time { return now }
	}
	return c
}

// certificates notes the earliest expiry of what a server has shown.
func (a *attempt) certificates(certs []*x509.Certificate) {
	for _, c := range certs {
		if a.expiry.IsZero() || c.NotAfter.Before(a.expiry) {
			a.expiry = c.NotAfter
		}
	}
}

// rejected notes the certificates that a handshake failed over.
func (a *attempt) rejected(err error) {
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		a.certificates(e.UnverifiedCertificates)
	}
}
