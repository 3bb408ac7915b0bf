package promapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/api"

	"github.com/chronoretrace/chronomon/monitor"
)

// mostOfError is how much is read of a body that comes with an HTTP error.
const mostOfError = 64 << 10

// requester sends the requests that the API's client makes: with credentials,
// more than once if need be, and reading no more than it may. The embedded
// client makes their URLs.
type requester struct {
	api.Client
	m      *monitor.Monitor
	config *config
	server *server
	http   *http.Client
}

// Do implements api.Client.
func (r *requester) Do(ctx context.Context, req *http.Request) (*http.Response, []byte, error) {
	for try := 1; ; try++ {
		a := r.try(ctx, req)
		if !a.again {
			return a.resp, a.body, a.err
		}
		again := try < r.config.tries && sleep(ctx, max(r.backoff(try), a.after))
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		if !again {
			return a.resp, a.body, a.err
		}
		r.server.retried()
	}
}

// backoff is the time before the try after the given one.
func (r *requester) backoff(try int) time.Duration {
	d := r.config.first
	for range try - 1 {
		if d >= r.config.longest/2 {
			d = r.config.longest
			break
		}
		d *= 2
	}
	return d - rand.N(d/2+1)
}

// sleep waits and reports whether it could: not if ctx ends before, which is not
// waited for either.
func sleep(ctx context.Context, d time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// attempt is what came of one request.
type attempt struct {
	resp  *http.Response
	body  []byte
	err   error
	again bool          // another try may fare better
	after time.Duration // the least time before it
}

func (r *requester) try(ctx context.Context, req *http.Request) attempt {
	req = req.Clone(ctx)
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return attempt{err: err}
		}
		req.Body = body
	}
	if err := r.sign(ctx, req); err != nil {
		return attempt{err: err}
	}
	resp, body, err := r.send(req) //nolint:bodyclose // send closes it
	switch {
	case err != nil: // a connection that breaks is worth another try
		return attempt{err: withoutURL(err), again: true}
	case resp.StatusCode/100 != 2:
		again, err := judge(req, resp.StatusCode, body)
		return attempt{resp, body, err, again, retryAfter(resp)}
	case int64(len(body)) > r.config.maxResponse:
		return attempt{err: fmt.Errorf("%w: the answer has more than %d bytes", monitor.ErrQueryLimit, r.config.maxResponse)}
	case !bytes.Contains(body, []byte(`"status"`)): // any JSON will do for the API's client
		return attempt{err: fmt.Errorf("%w: the answer is not of the Prometheus API", monitor.ErrQueryUnavailable)}
	case strings.HasSuffix(req.URL.Path, "/api/v1/query") && gap(body):
		return attempt{err: errNothing}
	}
	return attempt{resp: resp, body: body}
}

// sign gives the request its credentials.
func (r *requester) sign(ctx context.Context, req *http.Request) error {
	if r.config.tenant != "" {
		req.Header.Set("X-Scope-OrgID", r.config.tenant)
	}
	for _, cr := range r.config.credentials {
		header, err := r.credentials(ctx, cr)
		if end := ctx.Err(); end != nil {
			return end
		}
		if err != nil {
			return fmt.Errorf("%w: %s: %w", monitor.ErrQueryUnavailable, cr.option, err)
		}
		req.Header.Set("Authorization", header)
		sent(ctx, header)
	}
	return nil
}

func (r *requester) credentials(ctx context.Context, cr credentials) (header string, err error) {
	defer r.m.Guard("promapi."+cr.option, &err)
	return cr.make(ctx)
}

// send has the request sent, by a transport that may be the host's, and reads the
// answer: one byte more at most than it may have.
func (r *requester) send(req *http.Request) (resp *http.Response, body []byte, err error) {
	defer r.m.Guard("promapi.WithTransport", &err)
	resp, err = r.http.Do(req) //nolint:gosec // to the server that the host names
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		body, _ = io.ReadAll(io.LimitReader(resp.Body, mostOfError)) // the status says the most
		return resp, body, nil
	}
	if body, err = io.ReadAll(io.LimitReader(resp.Body, r.config.maxResponse+1)); err != nil {
		return nil, nil, fmt.Errorf("the answer broke off: %w", withoutURL(err))
	}
	return resp, body, nil
}

// withoutURL takes the URL out of an error of package http: it may hold the
// expression again, or a parameter that nobody is to see.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// retryAfter is the time that an answer asks to be left alone for.
func retryAfter(resp *http.Response) time.Duration {
	v := resp.Header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(v, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}
