package monitor

import "errors"

// What a [Querier] has no answer for wraps one of these, so that an engine can
// tell a rule that is wrong from a source that is away. A query that its caller
// cancelled wraps context.Canceled and none of them.
var (
	// ErrQueryInvalid is about what was asked: the expression does not parse or
	// evaluate, its result is not numbers by series, or the range is none. To
	// ask again does not help.
	ErrQueryInvalid = errors.New("invalid query")
	// ErrQueryLimit is about how much was asked for: too many steps, samples or
	// bytes. A smaller question may be answered.
	ErrQueryLimit = errors.New("query past a limit")
	// ErrQueryTimeout is about how long it took. If it was the context's
	// deadline that passed, the error wraps context.DeadlineExceeded too.
	ErrQueryTimeout = errors.New("query timed out")
	// ErrQueryDenied is about who asked: credentials or tenant are missing or
	// wrong.
	ErrQueryDenied = errors.New("query denied")
	// ErrQueryUnavailable is about who was asked: the source is away,
	// overloaded, or does not speak the language. Later it may answer.
	ErrQueryUnavailable = errors.New("query source unavailable")
)
