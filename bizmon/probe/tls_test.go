package probe_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/bizmon/probe"
)

const day = 24 * time.Hour

func requireExpiry(t *testing.T, b bench, prober string, expires time.Time) {
	t.Helper()
	require.Equal(t, []string{fmt.Sprintf(`probe_ssl_earliest_cert_expiry{target="api",prober=%q} %d`, prober, expires.Unix())},
		b.exposition("probe_ssl_earliest_cert_expiry{"))
}

// TestCertificates is about both probers that see certificates. The time is the
// step's: what expires is not waited for.
func TestCertificates(t *testing.T) {
	t.Parallel()
	now := time.Now().Truncate(time.Second)
	expires := now.Add(30 * day)
	cert, pool := certificate(t, expires, "quotes.test")
	api := https(t, cert, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }))
	address := api.Listener.Addr().String()
	trusted := &tls.Config{RootCAs: pool}

	for name, c := range map[string]struct {
		check  probe.Check
		at     time.Time
		reason probe.Reason // empty: succeeds
		detail string
	}{
		"HTTPS":                  {check: probe.HTTP{URL: api.URL, TLS: trusted, WantBody: "HTTP/2.0"}, at: now},
		"TLS":                    {check: probe.TLS{Address: address, Config: trusted, MinValidity: 30 * day}, at: now},
		"TLS by name":            {check: probe.TLS{Address: address, Config: trusted, ServerName: "quotes.test"}, at: now},
		"HTTPS of nobody known":  {check: probe.HTTP{URL: api.URL}, at: now, reason: probe.ReasonTLS, detail: "unknown authority"},
		"TLS of nobody known":    {check: probe.TLS{Address: address}, at: now, reason: probe.ReasonTLS, detail: "unknown authority"},
		"TLS by another name":    {check: probe.TLS{Address: address, Config: trusted, ServerName: "other.test"}, at: now, reason: probe.ReasonTLS, detail: "not other.test"},
		"HTTPS that has expired": {check: probe.HTTP{URL: api.URL, TLS: trusted}, at: now.Add(31 * day), reason: probe.ReasonTLS, detail: "expired"},
		"TLS that has expired":   {check: probe.TLS{Address: address, Config: trusted}, at: now.Add(31 * day), reason: probe.ReasonTLS, detail: "expired"},
		"TLS that soon expires":  {check: probe.TLS{Address: address, Config: trusted, MinValidity: 7 * day}, at: now.Add(24 * day), reason: probe.ReasonExpiry, detail: expires.UTC().Format(time.DateOnly) + ", in 144h0m0s"},
		"TLS that nobody checks": {check: probe.TLS{Address: address, Config: &tls.Config{InsecureSkipVerify: true}}, at: now.Add(31 * day), reason: probe.ReasonExpiry, detail: "in -24h0m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := one(t, c.check)
			r := b.Probe(t.Context(), c.at)[0]
			if c.reason != "" {
				requireFailure(t, r, c.reason, c.detail)
			} else {
				require.NoError(t, r.Err)
			}
			require.True(t, expires.Equal(r.CertExpiry), "known even where the handshake failed: %v", r.CertExpiry)
			requireExpiry(t, b, r.Prober, expires)
		})
	}
	require.Nil(t, trusted.Time, "the host's configuration is its own")
	require.Empty(t, trusted.ServerName)
}

func TestTLSWithoutAHandshake(t *testing.T) {
	t.Parallel()
	plain := tcp(t, func(c net.Conn) { _, _ = io.WriteString(c, "220 smtp.test ready\r\n"); _, _ = io.Copy(io.Discard, c) })
	requireFailure(t, one(t, probe.TLS{Address: plain}).check(t), probe.ReasonTLS, "does not look like a TLS handshake")
	hangup := tcp(t, func(net.Conn) {})
	requireFailure(t, one(t, probe.TLS{Address: hangup}).check(t), probe.ReasonTLS, "the handshake failed")
	requireFailure(t, one(t, probe.TLS{Address: closed(t)}).check(t), probe.ReasonRefused, "refused")
	silent := tcp(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	b := setup(t, []probe.Target{{Name: "api", Check: probe.TLS{Address: silent}, Interval: time.Second, Timeout: 50 * time.Millisecond}})
	requireFailure(t, b.check(t), probe.ReasonTimeout, "in the TLS handshake")
	require.Empty(t, b.exposition("probe_ssl_earliest_cert_expiry{"))
}
