package promapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"

	"github.com/chronoretrace/chronomon/internal/urltext"
	"github.com/chronoretrace/chronomon/monitor"
)

// Client asks one server. It is safe for concurrent use and starts nothing; its
// connections are kept for a while, until [Client.CloseIdleConnections].
type Client struct {
	m        *monitor.Monitor
	config   *config
	api      v1.API
	requests *requester
	server   *server
	places   chan struct{} // one for each call that the server may work on
	warned   atomic.Int64  // when a warning was last logged, as Unix nanoseconds
}

var _ monitor.Querier = (*Client)(nil)

// New returns a client of the server at a URL: where it is plus the path that
// comes before /api/v1, which is empty for Prometheus and Thanos, /prometheus
// for Mimir, and /select/0/prometheus for a cluster of VictoriaMetrics. A query
// in the URL, such as Thanos's ?partial_response=false, goes with every request.
// Credentials in it are refused. New does no I/O. Every option that is out of
// range is named in the error, which wraps [monitor.ErrInvalidOption] for each.
func New(m *monitor.Monitor, url string, opts ...Option) (*Client, error) {
	conf, err := newConfig(url, opts)
	if m == nil {
		err = errors.Join(invalid("monitor", nil, "a monitor"), err)
	}
	if err != nil {
		return nil, err
	}
	srv, err := newServer(m, conf.name)
	if err != nil {
		return nil, fmt.Errorf("promapi: %w", err)
	}
	// Its client never sends anything: it makes URLs.
	urls, err := api.NewClient(api.Config{Address: conf.url.String()})
	if err != nil {
		return nil, fmt.Errorf("promapi: %w", invalid("url", urltext.Show(url), "a URL"))
	}
	r := &requester{Client: urls, m: m, config: conf, server: srv, http: newHTTPClient(conf)}
	return &Client{
		m: m, config: conf, api: v1.NewAPI(r), requests: r, server: srv,
		places: make(chan struct{}, conf.concurrency),
	}, nil
}

func newHTTPClient(c *config) *http.Client {
	rt := c.transport
	if rt == nil {
		own := &http.Transport{}
		if std, ok := http.DefaultTransport.(*http.Transport); ok {
			own = std.Clone()
		}
		own.MaxIdleConnsPerHost = c.concurrency
		if c.tls != nil {
			own.TLSClientConfig = c.tls.Clone()
		}
		rt = own
	}
	// A redirect is to a log-in page or to where the credentials are not for.
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &http.Client{Transport: rt, CheckRedirect: stay}
}

// CloseIdleConnections closes the connections that no call uses just now. The
// client can still be used.
func (c *Client) CloseIdleConnections() { c.requests.http.CloseIdleConnections() }

// Query implements monitor.Querier. A zero time is the monitor's present.
func (c *Client) Query(ctx context.Context, promql string, at time.Time) (out []monitor.Sample, err error) {
	if at.IsZero() {
		at = c.m.Now()
	}
	what := fmt.Sprintf("query %q", promql)
	err = c.call(ctx, "query", what, func(ctx context.Context) (v1.Warnings, error) {
		value, warnings, _, err := c.api.Query(ctx, promql, at.Truncate(time.Millisecond), evaluateBy(ctx))
		if err == nil {
			out, err = samples(value)
		}
		return warnings, err
	})
	return out, err
}

// QueryRange implements monitor.Querier.
func (c *Client) QueryRange(ctx context.Context, promql string, r monitor.Range) (out []monitor.Series, err error) {
	what := fmt.Sprintf("query range %q", promql)
	err = c.call(ctx, "query_range", what, func(ctx context.Context) (v1.Warnings, error) {
		rng, err := steps(r)
		if err != nil {
			return nil, err
		}
		value, warnings, _, err := c.api.QueryRange(ctx, promql, rng, evaluateBy(ctx))
		if err == nil {
			out, err = series(value)
		}
		return warnings, err
	})
	return out, err
}

// steps checks a range: a step below a millisecond is none to a server, which
// would answer for one time or never.
func steps(r monitor.Range) (v1.Range, error) {
	switch {
	case r.Step < time.Millisecond || r.Step%time.Millisecond != 0:
		return v1.Range{}, fmt.Errorf("%w: step %v: want whole milliseconds, one or more", monitor.ErrQueryInvalid, r.Step)
	case r.To.Before(r.From):
		return v1.Range{}, fmt.Errorf("%w: the range ends before it begins", monitor.ErrQueryInvalid)
	}
	return v1.Range{Start: r.From.Truncate(time.Millisecond), End: r.To.Truncate(time.Millisecond), Step: r.Step}, nil
}

// evaluateBy tells the server when nobody waits any more, in whole seconds:
// durations such as 1.5s, which the option would send, are none to it.
func evaluateBy(ctx context.Context) v1.Option {
	deadline, _ := ctx.Deadline() // call has set one
	return v1.WithTimeout(max(time.Second, time.Until(deadline).Truncate(time.Second)+time.Second))
}

// call makes one call of the API: within the client's timeout, when there is a
// place, counted, with an error that says who was asked what and why it failed.
func (c *Client) call(ctx context.Context, name, what string, f func(context.Context) (v1.Warnings, error)) error {
	start := time.Now()
	err := c.bounded(ctx, f)
	c.server.ended(name, time.Since(start), err)
	if err != nil {
		return fmt.Errorf("promapi: %s: %s: %w", c.config.name, what, err)
	}
	return nil
}

func (c *Client) bounded(caller context.Context, f func(context.Context) (v1.Warnings, error)) error {
	ctx, cancel := context.WithTimeout(caller, c.config.timeout)
	defer cancel()
	ctx = c.config.withSecrets(ctx)
	if err := ctx.Err(); err != nil { // before a place that is free is taken
		return c.explain(caller, ctx, err)
	}
	select {
	case c.places <- struct{}{}:
		defer func() { <-c.places }()
	case <-ctx.Done():
		return fmt.Errorf("%w while it waited for one of %d places", c.explain(caller, ctx, ctx.Err()), c.config.concurrency)
	}
	c.server.inFlight.Add(1)
	defer c.server.inFlight.Add(-1)
	warnings, err := f(ctx)
	c.warn(ctx, warnings)
	return c.explain(caller, ctx, err)
}

// warn counts warnings and logs the first one, unless one was logged within the
// last minute: a rule that is evaluated every few seconds warns every time.
func (c *Client) warn(ctx context.Context, warnings v1.Warnings) {
	if len(warnings) == 0 {
		return
	}
	c.server.warned(len(warnings))
	now, last := c.m.Now().UnixNano(), c.warned.Load()
	if last != 0 && now-last < int64(time.Minute) || !c.warned.CompareAndSwap(last, now) {
		return
	}
	c.m.Logger().Warn("metrics server answered with warnings", "server", c.config.name,
		"warning", say(ctx, warnings[0]), "warnings", len(warnings))
}
