package probe

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/chronoretrace/chronomon/monitor"
)

// Target is one thing to check.
type Target struct {
	Name     string        // required, unique: a label's value
	Check    Check         // required: HTTP, TCP, DNS, TLS or Func
	Interval time.Duration // at least 1 s; zero: 1 min
	Timeout  time.Duration // zero: 10 s, or half of the interval where that is less
	Source   string        // the data source that the result is about; empty: Name
}

// Check is how a target is checked: [HTTP], [TCP], [DNS], [TLS] or [Func].
type Check interface {
	// prober is the kind of check: a label's value.
	prober() string
	// problems lists what is wrong with the check.
	problems() []problem
	// secrets lists what must not be shown.
	secrets() []string
	// run checks once. An error is why the check failed.
	run(ctx context.Context, a *attempt) error
}

var (
	_ Check = HTTP{}
	_ Check = TCP{}
	_ Check = DNS{}
	_ Check = TLS{}
	_ Check = Func(nil)
)

// problem is a field with a bad value. The value is left out where it may hold
// a secret.
type problem struct{ field, value, want string }

const (
	defaultInterval = time.Minute
	minInterval     = time.Second
	defaultTimeout  = 10 * time.Second
	maxName         = 128 // bytes
)

func (t *Target) setDefaults() {
	if t.Interval == 0 {
		t.Interval = defaultInterval
	}
	if t.Timeout == 0 {
		t.Timeout = min(defaultTimeout, t.Interval/2)
	}
	if t.Source == "" {
		t.Source = t.Name
	}
}

// validate lists what is wrong with the target, which is the n-th.
func (t *Target) validate(n int) (errs []error) {
	name := fmt.Sprintf("target %d", n)
	bad := func(p problem) {
		errs = append(errs, fmt.Errorf("probe: %w: %s: %s = %s: want %s", monitor.ErrInvalidOption, name, p.field, p.value, p.want))
	}
	if p := nameProblem("Name", t.Name); p != nil {
		bad(*p)
	} else {
		name = fmt.Sprintf("target %q", t.Name)
	}
	if p := nameProblem("Source", t.Source); p != nil && t.Source != t.Name {
		bad(*p)
	}
	if t.Interval < minInterval {
		bad(problem{"Interval", t.Interval.String(), "1s or more, or 0 for 1 min"})
	}
	if t.Timeout < 0 {
		bad(problem{"Timeout", t.Timeout.String(), "a positive duration, or 0 for 10 s"})
	}
	if t.Interval > 0 && t.Interval <= t.Timeout {
		bad(problem{"Interval", t.Interval.String(), fmt.Sprintf("more than the timeout, %v", t.Timeout)})
	}
	if isNil(t.Check) {
		bad(problem{"Check", "<nil>", "HTTP, TCP, DNS, TLS or Func"})
		return errs
	}
	for _, p := range t.Check.problems() {
		p.field = strings.ToUpper(t.Check.prober()) + "." + p.field
		bad(p)
	}
	return errs
}

// nameProblem checks what is shown; nil: nothing is wrong.
func nameProblem(field, name string) *problem {
	switch {
	case name == "":
		return &problem{field, `""`, "a name"}
	case len(name) > maxName || !utf8.ValidString(name):
		return &problem{field, fmt.Sprintf("%d bytes", len(name)), fmt.Sprintf("UTF-8, at most %d bytes", maxName)}
	case strings.Contains(name, "://") && strings.ContainsAny(name, "@?"):
		return &problem{field, hidden, "a name, not a URL with credentials: it is shown"}
	}
	return nil
}

// addressProblems checks a host:port.
func addressProblems(field, address string) []problem {
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" || port == "" || strings.ContainsAny(address, "/@ ") {
		return []problem{{field, fmt.Sprintf("%q", address), "host:port"}}
	}
	return nil
}

// Func is a check of the host's own. It must end when ctx does. An error fails
// the check; it may be a [*Failure], to choose the reason. What it says is
// logged.
type Func func(ctx context.Context) error

func (f Func) prober() string      { return "func" }
func (f Func) problems() []problem { return nil }
func (f Func) secrets() []string   { return nil }

func (f Func) run(ctx context.Context, a *attempt) (err error) {
	a.enter("in the host's function")
	err = f(ctx)
	if err == nil {
		return nil
	}
	out := *a.failed(err)
	out.cause = err
	return &out
}
