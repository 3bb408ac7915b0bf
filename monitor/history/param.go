package history

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
)

func badParameter(name string, err error) error {
	return fmt.Errorf("invalid parameter %q: %w", name, err)
}

// The times between which there is everything.
const (
	minTime = -1 << 52
	maxTime = 1 << 52
)

// timeParam reads a time: Unix seconds or RFC 3339. Without it, otherwise
// stands, unless that is zero.
func timeParam(r *http.Request, name string, otherwise time.Time) (time.Time, error) {
	v := r.FormValue(name)
	if v == "" && !otherwise.IsZero() {
		return otherwise, nil
	}
	if s, err := strconv.ParseFloat(v, 64); err == nil && s > minTime/1000 && s < maxTime/1000 {
		return time.UnixMilli(int64(s*1000 + .5)).UTC(), nil
	}
	if t, err := time.Parse(time.RFC3339Nano, v); err == nil {
		return t, nil
	}
	return time.Time{}, badParameter(name, fmt.Errorf("cannot parse %q to a valid timestamp", v))
}

// parseDuration reads a duration: seconds or as PromQL writes it.
func parseDuration(v string) (time.Duration, error) {
	if s, err := strconv.ParseFloat(v, 64); err == nil && s > -1e9 && s < 1e9 {
		return time.Duration(s * float64(time.Second)), nil
	}
	if d, err := model.ParseDuration(v); err == nil {
		return time.Duration(d), nil
	}
	return 0, fmt.Errorf("cannot parse %q to a valid duration", v)
}

// stepParam reads the step of a range query, in whole milliseconds.
func stepParam(r *http.Request) (time.Duration, error) {
	step, err := parseDuration(r.FormValue("step"))
	if err == nil {
		if step = step.Round(time.Millisecond); step <= 0 {
			err = errors.New("zero or negative query resolution step widths are not accepted. Try a positive integer")
		}
	}
	if err != nil {
		return 0, badParameter("step", err)
	}
	return step, nil
}

// timeoutParam gives the request's context the timeout that it asks for.
func timeoutParam(r *http.Request) (context.Context, context.CancelFunc, error) {
	v := r.FormValue("timeout")
	if v == "" {
		return r.Context(), func() {}, nil
	}
	d, err := parseDuration(v)
	if err != nil {
		return nil, nil, badParameter("timeout", err)
	}
	ctx, cancel := context.WithTimeout(r.Context(), d)
	return ctx, cancel, nil
}

// limitParam reads a limit; 0 is none.
func limitParam(r *http.Request) (int, error) {
	v := r.FormValue("limit")
	if v == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 {
		return 0, badParameter("limit", fmt.Errorf("%q is not a number of 0 or more", v))
	}
	return n, nil
}
