package probe_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chronoretrace/chronomon/bizmon/probe"
	"github.com/chronoretrace/chronomon/monitor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// logBuffer is a log that may be written concurrently.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer // guarded by mu
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// bench is a prober with its monitor.
type bench struct {
	*probe.Prober
	m   *monitor.Monitor
	log *logBuffer
}

func setup(t testing.TB, targets []probe.Target, opts ...probe.Option) bench {
	t.Helper()
	b := bench{log: &logBuffer{}}
	var err error
	b.m, err = monitor.New(monitor.WithLogger(slog.New(slog.NewTextHandler(b.log, nil))))
	require.NoError(t, err)
	b.Prober, err = probe.New(b.m, targets, opts...)
	require.NoError(t, err)
	return b
}

// one returns a bench with one target.
func one(t testing.TB, c probe.Check) bench {
	t.Helper()
	return setup(t, []probe.Target{{Name: "api", Check: c}})
}

// check makes one check of a bench with one target, at the present.
func (b bench) check(t testing.TB) probe.Result {
	t.Helper()
	results := b.Probe(t.Context(), b.m.Now())
	require.Len(t, results, 1)
	return results[0]
}

// exposition returns the lines of the text exposition that start with prefix.
func (b bench) exposition(prefix string) []string {
	w := httptest.NewRecorder()
	b.m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	var out []string
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, prefix) {
			out = append(out, strings.TrimSpace(line))
		}
	}
	return out
}

func requireFailure(t *testing.T, r probe.Result, reason probe.Reason, detail string) {
	t.Helper()
	require.False(t, r.Success)
	require.Error(t, r.Err)
	require.Equal(t, reason, r.Reason(), r.Err.Error())
	require.ErrorContains(t, r.Err, detail)
	require.NotContains(t, r.Err.Error(), "\n")
}

// certificate returns a self-signed certificate for the names, and a pool that
// trusts it.
func certificate(t testing.TB, expires time.Time, names ...string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:   expires.Add(-365 * 24 * time.Hour), NotAfter: expires,
		IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, pool
}

// https is a TLS server on the loopback that says nothing of failed handshakes.
func https(t testing.TB, cert tls.Certificate, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func server(t testing.TB, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// tcp is a server on the loopback that treats each connection with talk.
func tcp(t testing.TB, talk func(net.Conn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				talk(c)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		wg.Wait()
	})
	return l.Addr().String()
}

// closed returns an address at which nothing listens.
func closed(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// collect is a sink that remembers.
type collect struct {
	mu     sync.Mutex
	events []monitor.Event // guarded by mu
}

func (c *collect) Write(_ context.Context, batch []monitor.Event) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events = append(c.events, batch...)
	return nil
}

func (c *collect) of(k monitor.Kind) (out []monitor.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.events {
		if e.Kind == k {
			out = append(out, e)
		}
	}
	return out
}

var ok = probe.Func(func(context.Context) error { return nil })
