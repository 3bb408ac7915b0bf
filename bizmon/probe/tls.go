package probe

import (
	"context"
	"crypto/tls"
	"net"
	"time"
)

// TLS checks the certificates of a server: that a handshake succeeds, for how
// long they are valid.
type TLS struct {
	Address     string        // required: host:port
	ServerName  string        // empty: the host of Address
	MinValidity time.Duration // fails when the first certificate expires within it; zero: once one has expired
	Config      *tls.Config   // nil: the system's roots
}

func (c TLS) prober() string    { return "tls" }
func (c TLS) secrets() []string { return nil }

func (c TLS) problems() []problem {
	out := addressProblems("Address", c.Address)
	if c.MinValidity < 0 {
		out = append(out, problem{"MinValidity", c.MinValidity.String(), "a positive duration, or 0"})
	}
	return out
}

func (c TLS) run(ctx context.Context, a *attempt) error {
	conn, err := connect(ctx, a, c.Address)
	if err != nil {
		return err
	}
	defer conn.Close()
	client := tls.Client(conn, c.config(a))
	a.enter("in the TLS handshake")
	if err := client.HandshakeContext(ctx); err != nil {
		a.shook(err)
		a.rejected(err)
		return err
	}
	a.certificates(client.ConnectionState().PeerCertificates)
	if left := a.expiry.Sub(a.now); left < c.MinValidity {
		return failure(ReasonExpiry, "a certificate expires on %s, in %v", a.expiry.UTC().Format(time.DateOnly), left.Round(time.Hour))
	}
	return nil
}

func (c TLS) config(a *attempt) *tls.Config {
	cfg := a.tlsConfig(c.Config)
	if c.ServerName != "" {
		cfg.ServerName = c.ServerName
	}
	if cfg.ServerName == "" {
		cfg.ServerName, _, _ = net.SplitHostPort(c.Address) // validated
	}
	return cfg
}
