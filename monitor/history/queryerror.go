package history

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/chronoretrace/chronomon/monitor"
)

// queryError is why a query has no answer.
type queryError struct {
	expr  string
	cause error
	kinds []error // by which callers know it
	api   apiError
}

// Error implements error.
func (e *queryError) Error() string {
	return fmt.Sprintf("history: query %q: %v: %v", e.expr, e.kinds[0], e.cause)
}

// Unwrap lets errors.Is find the kinds and what the engine said.
func (e *queryError) Unwrap() []error { return append(slices.Clip(e.kinds), e.cause) }

// invalidQuery is an error about an expression that does not parse.
func invalidQuery(expr string, cause error) error {
	return &queryError{expr, cause, []error{monitor.ErrQueryInvalid}, apiBadData}
}

var errOff = errors.New("the monitor is off")

// unavailable is an error about a query while the monitor is off: nothing is no
// answer to it.
func unavailable(expr string) error {
	return &queryError{expr, errOff, []error{monitor.ErrQueryUnavailable}, apiUnavailable}
}

// apiError is how the HTTP API calls an error, and the status it goes with.
type apiError struct {
	name   string
	status int
}

var (
	apiBadData   = apiError{"bad_data", http.StatusBadRequest}
	apiExecution = apiError{"execution", http.StatusUnprocessableEntity}
	apiTimeout   = apiError{"timeout", http.StatusServiceUnavailable}
	apiCanceled  = apiError{"canceled", 499} // the client has gone

	apiUnavailable = apiError{"unavailable", http.StatusServiceUnavailable}
	apiMissing     = apiError{"not_found", http.StatusNotFound}
)
