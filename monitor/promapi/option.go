package promapi

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/chronoretrace/chronomon/internal/urltext"
	"github.com/chronoretrace/chronomon/monitor"
)

// Option configures a Client.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

type config struct {
	url  *url.URL
	name string

	timeout        time.Duration
	tries          int
	first, longest time.Duration
	concurrency    int
	maxResponse    int64

	credentials []credentials // one is allowed
	tenant      string
	tenantSet   bool

	transport    http.RoundTripper
	transportSet bool
	tls          *tls.Config
	tlsSet       bool
}

// credentials make the Authorization header of a request. They are functions,
// not strings, so that nothing that prints a Client prints them.
type credentials struct {
	option string
	valid  bool
	make   func(ctx context.Context) (string, error)
}

func newConfig(rawURL string, opts []Option) (*config, error) {
	c := &config{
		timeout: 30 * time.Second, tries: 3, first: 100 * time.Millisecond, longest: 2 * time.Second,
		concurrency: 10, maxResponse: 64 << 20,
	}
	for _, o := range opts {
		if o != nil {
			o.apply(c)
		}
	}
	urlErr := c.setURL(rawURL)
	if err := errors.Join(append([]error{urlErr}, c.validate()...)...); err != nil {
		return nil, err
	}
	return c, nil
}

func invalid(option string, value any, want string) error {
	return fmt.Errorf("promapi: %w: %s = %v: want %s", monitor.ErrInvalidOption, option, value, want)
}

// setURL takes the server's URL, of which errors show the host alone.
func (c *config) setURL(raw string) error {
	shown := urltext.Show(raw)
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return invalid("url", shown, "a server's URL: http:// or https://, a host and maybe a path")
	case u.User != nil:
		return invalid("url", shown, "one without credentials, which WithBasicAuth takes")
	case u.Fragment != "":
		return invalid("url", shown, "one without a fragment")
	}
	c.url = u
	if c.name == "" {
		c.name = u.Host
	}
	return nil
}

func (c *config) validate() (errs []error) {
	check := func(ok bool, option string, value any, want string) {
		if !ok {
			errs = append(errs, invalid(option, value, want))
		}
	}
	check(c.timeout >= time.Millisecond && c.timeout <= time.Hour, "WithTimeout", c.timeout, "1 ms to 1 h")
	check(c.tries >= 1 && c.tries <= 100, "WithRetry tries", c.tries, "1 to 100")
	check(c.first > 0 && c.longest >= c.first, "WithRetry", [2]time.Duration{c.first, c.longest}, "0 < first <= longest")
	check(c.concurrency >= 1 && c.concurrency <= 10_000, "WithConcurrency", c.concurrency, "1 to 10000")
	check(c.maxResponse >= 1 && c.maxResponse <= 1<<40, "WithMaxResponse", c.maxResponse, "1 to 1099511627776 bytes")
	check(!c.tenantSet || c.tenant != "" && printable(c.tenant), "WithTenant", fmt.Sprintf("%q", c.tenant), "a tenant's id")
	check(!c.transportSet || c.transport != nil, "WithTransport", nil, "a round tripper")
	check(!c.tlsSet || c.tls != nil, "WithTLS", nil, "a configuration")
	check(!c.tlsSet || !c.transportSet, "WithTLS", "given", "no WithTransport beside it, which has its own")
	for _, cr := range c.credentials {
		check(cr.valid, cr.option, "(not shown)", "credentials that a header can hold")
	}
	if n := len(c.credentials); n > 1 {
		check(false, c.credentials[n-1].option, "given", "no "+c.credentials[0].option+" beside it")
	}
	return errs
}

// printable reports whether a header can hold s.
func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// WithName sets what metrics and logs call the server; clients of one name are
// counted together. Default: the URL's host and port.
func WithName(name string) Option { return optionFunc(func(c *config) { c.name = name }) }

// WithTimeout bounds a call, all that it waits for and all its tries included.
// The server is told, too. Default: 30 s; 1 ms to 1 h.
func WithTimeout(d time.Duration) Option { return optionFunc(func(c *config) { c.timeout = d }) }

// WithRetry sets how often a request is made in all, and the time before the
// second try, which doubles from try to try up to the longest and is then
// shortened by up to a half, at random. Default: 3 tries, 100 ms, 2 s; 1 never
// tries again.
func WithRetry(tries int, first, longest time.Duration) Option {
	return optionFunc(func(c *config) { c.tries, c.first, c.longest = tries, first, longest })
}

// WithConcurrency bounds the calls that the server works on at a time; further
// ones wait. Default: 10.
func WithConcurrency(n int) Option { return optionFunc(func(c *config) { c.concurrency = n }) }

// WithMaxResponse bounds the bytes of an answer, those that come out if it is
// compressed. To decode it takes memory beyond that. Default: 64 MiB.
func WithMaxResponse(bytes int64) Option {
	return optionFunc(func(c *config) { c.maxResponse = bytes })
}

// WithBasicAuth sends a user's name and password. Default: no credentials.
func WithBasicAuth(user, password string) Option {
	header := "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
	return withCredentials("WithBasicAuth", user != "" && !strings.Contains(user, ":"),
		func(context.Context) (string, error) { return header, nil })
}

// WithBearerToken sends a token. Default: no credentials.
func WithBearerToken(token string) Option {
	return withCredentials("WithBearerToken", token != "" && printable(token),
		func(context.Context) (string, error) { return "Bearer " + token, nil })
}

// WithBearerTokenFunc sends the token that f returns, which is asked before
// every request, concurrently, and should keep its token while that is good. It
// may block until ctx is done. An error of f is the query's; a panic is caught
// and counted. Default: no credentials.
func WithBearerTokenFunc(f func(ctx context.Context) (string, error)) Option {
	return withCredentials("WithBearerTokenFunc", f != nil, func(ctx context.Context) (string, error) {
		token, err := f(ctx)
		if err == nil && (token == "" || !printable(token)) {
			err = errors.New("the token is none")
		}
		return "Bearer " + token, err
	})
}

func withCredentials(option string, valid bool, f func(context.Context) (string, error)) Option {
	return optionFunc(func(c *config) { c.credentials = append(c.credentials, credentials{option, valid, f}) })
}

// WithTenant sends a tenant's id in X-Scope-OrgID, as Mimir, Cortex and a
// multi-tenant Thanos want it. (VictoriaMetrics has the tenant in the URL's
// path.) Default: none.
func WithTenant(id string) Option {
	return optionFunc(func(c *config) { c.tenant, c.tenantSet = id, true })
}

// WithTransport sets what sends the requests, and whose business proxies, TLS
// and connections then are. Default: one of the Client's own, like
// http.DefaultTransport.
func WithTransport(rt http.RoundTripper) Option {
	return optionFunc(func(c *config) { c.transport, c.transportSet = rt, true })
}

// WithTLS sets certificates and authorities for the Client's own transport.
// Default: the system's authorities.
func WithTLS(conf *tls.Config) Option {
	return optionFunc(func(c *config) { c.tls, c.tlsSet = conf, true })
}
