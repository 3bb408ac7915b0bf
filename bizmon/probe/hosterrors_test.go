package probe_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/bizmon/probe"
)

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// late is an error that panics when it is asked, if it is nil.
type late struct{ timeout bool }

func (*late) Error() string     { return "late" }
func (e *late) Timeout() bool   { return e.timeout }
func (e *late) Temporary() bool { return e.timeout }

// TestErrorsOfTheHostAreHarmless: an error that the host made may be a nil
// pointer, and may panic when it is asked.
func TestErrorsOfTheHostAreHarmless(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		check probe.Check
		want  probe.Reason
	}{
		"nil failure": {probe.Func(func(context.Context) error {
			var f *probe.Failure
			return f
		}), probe.ReasonError},
		"error that panics": {probe.HTTP{URL: "http://x/", Transport: transport(func(*http.Request) (*http.Response, error) {
			var e *late
			return nil, e
		})}, probe.ReasonPanic},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := one(t, c.check).check(t)
			require.False(t, r.Success)
			require.Equal(t, c.want, r.Reason())
		})
	}
}
