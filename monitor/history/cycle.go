package history

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/monitor"
)

// A Cycle is one evaluation of many rules at one time: a [monitor.Querier] that
// computes equal expressions once, and so those that hold the same against
// different thresholds. Queries for another time, and range queries, are not
// shared. It is safe for concurrent use, and is dropped when the evaluation is
// over.
type Cycle struct {
	db *DB
	at time.Time

	mu   sync.Mutex
	memo map[string]*shared // guarded by mu; by expression
}

var _ monitor.Querier = (*Cycle)(nil)

// shared is one expression's answer.
type shared struct {
	computing turn // of whoever computes it
	done      bool // guarded by computing, as all below
	answer    answer
	err       error
}

// At begins an evaluation cycle.
func (db *DB) At(at time.Time) *Cycle { return &Cycle{db: db, at: at, memo: map[string]*shared{}} }

// Time is the cycle's time.
func (c *Cycle) Time() time.Time { return c.at }

// Query implements [monitor.Querier].
func (c *Cycle) Query(ctx context.Context, promql string, at time.Time) ([]monitor.Sample, error) {
	if !at.Equal(c.at) {
		return c.db.Query(ctx, promql, at)
	}
	of, keep := c.db.thresholds.split(promql)
	if keep == nil {
		return c.shared(promql).get(ctx, c.db, promql, at, nil)
	}
	if kept, err := c.shared(of).get(ctx, c.db, of, at, keep); err == nil {
		return kept, nil
	}
	return c.shared(promql).get(ctx, c.db, promql, at, nil) // it may have been about what the comparison leaves out
}

// shared returns where the answer to an expression is, or will be.
func (c *Cycle) shared(promql string) *shared {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.memo[promql]
	if s == nil {
		s = &shared{computing: newTurn()}
		c.memo[promql] = s
	}
	return s
}

// QueryRange implements [monitor.Querier].
func (c *Cycle) QueryRange(ctx context.Context, promql string, r monitor.Range) ([]monitor.Series, error) {
	return c.db.QueryRange(ctx, promql, r)
}

// get computes the answer, or waits for the caller that does, and returns what of
// it is to be kept; all, if keep is nil. A caller whose context ended leaves the
// computing to the next.
func (s *shared) get(ctx context.Context, db *DB, promql string, at time.Time, keep func(float64) bool) ([]monitor.Sample, error) {
	if err := s.computing.lock(ctx); err != nil {
		return nil, newQueryError(ctx, promql, err)
	}
	defer s.computing.unlock()
	if s.done {
		if db.counters != nil {
			db.counters.shared.Add(&instrument.Home{}, 0, 1)
		}
	} else {
		s.answer, s.err = db.instant(ctx, promql, at)
		// Another caller may have more time.
		s.done = s.err == nil || errors.Is(s.err, monitor.ErrQueryInvalid) || errors.Is(s.err, monitor.ErrQueryLimit)
	}
	if s.err != nil {
		return nil, s.err
	}
	return s.answer.samples(promql, keep) // each caller gets its own
}

// thresholds remembers which expressions hold something against a number.
type thresholds struct {
	mu    sync.Mutex
	known map[string]threshold // guarded by mu
}

// threshold is an expression such as rate(x[5m]) > 5: what it is about, and
// whether a value is among its own. keep is nil for other expressions.
type threshold struct {
	of   string
	keep func(float64) bool
}

func (t *thresholds) split(promql string) (of string, keep func(float64) bool) {
	t.mu.Lock()
	found, ok := t.known[promql]
	t.mu.Unlock()
	if ok {
		return found.of, found.keep
	}
	found.of, found.keep = splitThreshold(promql) // beside others, which may parse the same
	t.mu.Lock()
	defer t.mu.Unlock()
	const most = 10_000 // more rules than that are parsed again
	if t.known == nil || len(t.known) >= most {
		t.known = map[string]threshold{}
	}
	t.known[promql] = found
	return found.of, found.keep
}
