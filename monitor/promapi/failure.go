package promapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"

	"github.com/chronoretrace/chronomon/monitor"
)

// ErrNoAPI is about a server that is there and has no Prometheus API at the
// path: its URL is likely wrong, and asking again does not help. It wraps
// [monitor.ErrQueryUnavailable], since no rule is to blame.
var ErrNoAPI = fmt.Errorf("%w: no Prometheus API at this path", monitor.ErrQueryUnavailable)

// reasons are the kinds of failure, as the metric has them.
var reasons = []struct {
	err  error
	name string
}{
	{monitor.ErrQueryInvalid, "invalid"},
	{monitor.ErrQueryLimit, "limit"},
	{monitor.ErrQueryTimeout, "timeout"},
	{monitor.ErrQueryDenied, "denied"},
	{monitor.ErrQueryUnavailable, "unavailable"},
	{context.Canceled, "cancelled"},
}

// reason is what the metric calls an error that explain has returned.
func reason(err error) string {
	for _, r := range reasons {
		if errors.Is(err, r.err) {
			return r.name
		}
	}
	return "unavailable"
}

// explain makes an error of a call one of the package's kinds; ctx is the call's.
func (c *Client) explain(caller, ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	for _, r := range reasons[:len(reasons)-1] {
		if errors.Is(err, r.err) {
			return err
		}
	}
	if e, ok := errors.AsType[*v1.Error](err); ok {
		return refused(ctx, e)
	}
	switch end := caller.Err(); {
	case errors.Is(end, context.Canceled):
		return end
	case end != nil:
		return fmt.Errorf("%w: %w", monitor.ErrQueryTimeout, end)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: no answer within %v: %w", monitor.ErrQueryTimeout, c.config.timeout, context.DeadlineExceeded)
	}
	return fmt.Errorf("%w: %s", monitor.ErrQueryUnavailable, say(ctx, err.Error()))
}

// refused explains what the API's client made of an answer: a refusal of the
// server's, or something that it could not read.
func refused(ctx context.Context, e *v1.Error) error {
	kind := monitor.ErrQueryInvalid
	switch e.Type {
	case v1.ErrTimeout:
		kind = monitor.ErrQueryTimeout
	case v1.ErrCanceled, v1.ErrServer, "internal", "unavailable", "not_found":
		kind = monitor.ErrQueryUnavailable
	case v1.ErrBadResponse:
		// It has no type for strings, which are an answer, if not one of numbers.
		if strings.Contains(e.Msg, `value type "string"`) {
			return fmt.Errorf("%w: the answer is a string", monitor.ErrQueryInvalid)
		}
		why, _, _ := strings.Cut(e.Msg, ", error found in") // and a piece of the answer, cut anywhere
		return fmt.Errorf("%w: the answer is not of the Prometheus API: %s", monitor.ErrQueryUnavailable, say(ctx, why))
	default:
		if pastLimit(e.Msg) {
			kind = monitor.ErrQueryLimit
		}
	}
	return fmt.Errorf("%w: %s", kind, say(ctx, e.Error()))
}

// pastLimit reports whether a refusal is about how much was asked for. The API
// has no type for that; these are the words of Prometheus and its kin.
func pastLimit(msg string) bool {
	for _, words := range []string{
		"exceeded maximum resolution", // Prometheus, Thanos: steps
		"too many samples",            // Prometheus: query.max-samples
		"too many points",             // VictoriaMetrics: steps
		"cannot exceed",               // VictoriaMetrics: series
		"err-mimir-max-",              // Mimir: chunks, series, bytes, length
	} {
		if strings.Contains(msg, words) {
			return true
		}
	}
	return false
}

// judge judges an answer that is an HTTP error, and reports whether another try
// may fare better. No error leaves it to the API's client, which reads 400 and
// 422 and, after a POST that was not allowed, tries GET.
func judge(req *http.Request, code int, body []byte) (again bool, err error) {
	said, ok := apiError(body)
	switch {
	case (code == http.StatusBadRequest || code == http.StatusUnprocessableEntity) && ok:
		return false, nil
	case req.Method == http.MethodPost &&
		(code == http.StatusForbidden || code == http.StatusMethodNotAllowed || code == http.StatusNotImplemented):
		return false, nil
	}
	kind := monitor.ErrQueryUnavailable
	switch code {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired:
		kind = monitor.ErrQueryDenied
	case http.StatusRequestEntityTooLarge:
		kind = monitor.ErrQueryLimit
	case http.StatusTooManyRequests:
		again = true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
	default:
		again = code >= 500
	}
	if said.Type == v1.ErrTimeout { // it has worked on it for long enough
		kind, again = monitor.ErrQueryTimeout, false
	}
	status := strings.TrimSpace(fmt.Sprintf("status %d %s", code, http.StatusText(code)))
	switch {
	case ok:
		status += ": " + say(req.Context(), said.Error())
	case code == http.StatusNotFound:
		return false, fmt.Errorf("%w: %s: wanted …%s", ErrNoAPI, status, apiPath(req))
	}
	return again, fmt.Errorf("%w: %s", kind, status)
}

// apiPath is a request's path without what the server's URL has before it.
func apiPath(req *http.Request) string {
	return req.URL.Path[max(0, strings.LastIndex(req.URL.Path, "/api/v1/")):]
}

// apiError reads the body of an error, if it is the API's.
func apiError(body []byte) (e v1.Error, ok bool) {
	var said struct {
		Status    string
		ErrorType v1.ErrorType
		Error     string
	}
	if json.Unmarshal(body, &said) != nil || said.Status != "error" {
		return v1.Error{}, false
	}
	return v1.Error{Type: said.ErrorType, Msg: said.Error}, true
}

// clip bounds what a server said and keeps it on one line.
func clip(s string) string {
	const most = 512
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strings.ToValidUTF8(strings.Join(strings.Fields(s), " "), "�")
}
