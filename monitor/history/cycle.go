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
// computes equal expressions once. Queries for another time, and range queries,
// are not shared. It is safe for concurrent use, and is dropped when the
// evaluation is over.
type Cycle struct {
	db *DB
	at time.Time

	mu   sync.Mutex
	memo map[string]*shared // guarded by mu; by expression
}

var _ monitor.Querier = (*Cycle)(nil)

// shared is one expression's answer.
type shared struct {
	mu     sync.Mutex // held while it is computed
	done   bool       // guarded by mu, as all below
	answer answer
	err    error
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
	c.mu.Lock()
	s := c.memo[promql]
	if s == nil {
		s = &shared{}
		c.memo[promql] = s
	}
	c.mu.Unlock()
	return s.get(ctx, c.db, promql, at)
}

// QueryRange implements [monitor.Querier].
func (c *Cycle) QueryRange(ctx context.Context, promql string, r monitor.Range) ([]monitor.Series, error) {
	return c.db.QueryRange(ctx, promql, r)
}

// get computes the answer, or waits for the caller that does. One whose
// context ended leaves it to the next.
func (s *shared) get(ctx context.Context, db *DB, promql string, at time.Time) ([]monitor.Sample, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done {
		if db.counters != nil {
			db.counters.shared.Add(&instrument.Home{}, 0, 1)
		}
	} else {
		s.answer, s.err = db.instant(ctx, promql, at)
		s.done = s.err == nil || errors.Is(s.err, monitor.ErrQueryInvalid) // another caller may have more time
	}
	if s.err != nil {
		return nil, s.err
	}
	return s.answer.samples(promql) // each caller gets its own
}
