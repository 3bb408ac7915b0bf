package outbox

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/chronoretrace/chronomon/internal/queue"
)

// longestPause bounds what a store may ask for: a day would be a mistake.
const longestPause = 5 * time.Minute

// RetryAfterError is a failure after which the store asked for a pause.
type RetryAfterError struct {
	After time.Duration
	Err   error
}

func (e *RetryAfterError) Error() string {
	return fmt.Sprintf("%v (asked for a pause of %v)", e.Err, e.After)
}
func (e *RetryAfterError) Unwrap() error { return e.Err }

// RetryAfter implements queue.RetryAfter.
func (e *RetryAfterError) RetryAfter() time.Duration { return e.After }

var _ queue.RetryAfter = (*RetryAfterError)(nil)

// ErrPause is returned instead of a request during a pause the store asked for.
var ErrPause = errors.New("the store asked for a pause that is not over")

// progressError is a failure of a send that got on.
type progressError struct{ error }

func (e progressError) Unwrap() error { return e.error }

// RetryAfter implements queue.RetryAfter.
func (progressError) RetryAfter() time.Duration { return firstPause }

// Progress wraps the error of a send after which fewer items are left than before:
// they are tried again soon, and not after pauses that grow.
func Progress(err error) error { return progressError{err} }

// Page reports whether an answer is a page for people. One that refuses a request
// is a proxy's, and says nothing about what is in it.
func Page(h http.Header) bool { return strings.HasPrefix(h.Get("Content-Type"), "text/html") }

// RetryAfter wraps err if the answer's header asks for a pause: in seconds or as
// a date. At most five minutes are granted.
func RetryAfter(h http.Header, now time.Time, err error) error {
	if err == nil {
		return nil
	}
	v := h.Get("Retry-After")
	var after time.Duration
	if s, errInt := strconv.ParseUint(v, 10, 32); errInt == nil {
		after = time.Duration(s) * time.Second
	} else if at, errDate := http.ParseTime(v); errDate == nil {
		after = at.Sub(now)
	}
	if after <= 0 {
		return err
	}
	return &RetryAfterError{After: min(after, longestPause), Err: err}
}
