package probe

import "time"

// Result is what the last check of a target has found.
type Result struct {
	Target     string
	Source     string // the data source it is about
	Prober     string // http, tcp, dns, tls or func
	At         time.Time
	Success    bool
	Err        error         // nil on success, a *Failure otherwise
	Duration   time.Duration // of the whole check
	DNSLookup  time.Duration // zero where no name was resolved
	HTTPStatus int           // zero where there was no answer
	CertExpiry time.Time     // zero where no certificate was shown

	Since    time.Time // when the target came to be up or down
	Failures int       // checks that failed in a row
}

// Reason returns why the check failed, empty if it did not.
func (r Result) Reason() Reason {
	if f, ok := r.Err.(*Failure); ok { //nolint:errorlint // ours, never wrapped
		return f.Reason
	}
	return ""
}

// Checked reports whether there has been a check.
func (r Result) Checked() bool { return !r.At.IsZero() }

// following fills in what depends on the result before.
func (r Result) following(last *Result) Result {
	r.Since = r.At
	if last.Checked() && last.Success == r.Success {
		r.Since = last.Since
	}
	if !r.Success {
		r.Failures = last.Failures + 1
	}
	return r
}
