package bizmon

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
)

// instruments are the counters and histograms: one set per registry, shared by
// all that is made on it.
type instruments struct {
	set      *instrument.Set
	overflow *instrument.Group // metric, label

	logins    *instrument.Cell  // succeeded, failed
	features  *instrument.Group // feature
	sessions  *instrument.Cell  // duration; begun, untracked
	syncs     *instrument.Group // result
	requests  *instrument.Group // data_source, outcome
	responses *instrument.Group // data_source
	points    *instrument.Group // data_source; see the point constants
	updates   *instrument.Group // data_source, symbol
	queries   *instrument.Cell
	conns     *instrument.Group // connection_type; see the conn constants
	closed    *instrument.Group // connection_type, reason
	messages  *instrument.Group // connection_type, direction; messages, bytes
	jobs      *instrument.Cell  // queue wait; see the job constants
	durations *instrument.Group // outcome
	outcomes  *instrument.Group // outcome, reason
}

// Counters of a cell of logins and of sessions.
const (
	loginSucceeded = iota
	loginFailed
)

const (
	sessionBegun = iota
	sessionUntracked
)

// Counters of a cell of points.
const (
	pointsSeen = iota
	pointGaps
	pointsMissing
	pointsDuplicate
	pointsOutOfOrder
	pointsLate
	pointCounters
)

// Counters of a cell of conns.
const (
	connOpened = iota
	connDropped
	connSlowdowns
	connCounters
)

// Counters of the cell of jobs.
const (
	jobStarted = iota
	jobCompleted
	jobFailed
	jobCounters
)

func seconds(m catalog.Metric) []instrument.HistogramSpec {
	return []instrument.HistogramSpec{{Bounds: m.Buckets, Scale: 1e-9}}
}

func newInstruments(set *instrument.Set) (*instruments, error) {
	in := &instruments{set: set}
	var errs []error
	group := func(m catalog.Metric, histograms []instrument.HistogramSpec, counters int) *instrument.Group {
		return set.NewGroup(m.Name, instrument.Spec{Labels: m.Labels, Histograms: histograms, Counters: counters})
	}
	count := func(m catalog.Metric, g *instrument.Group, counters ...int) {
		errs = append(errs, set.Count(m, g, nil, counters))
	}
	counters := func(m catalog.Metric) *instrument.Group {
		g, err := set.Counters(m)
		errs = append(errs, err)
		return g
	}
	histogram := func(m catalog.Metric, g *instrument.Group) { errs = append(errs, set.Histogram(m, g, 0)) }

	in.overflow = counters(catalog.MonitorLabelOverflow)

	logins := group(catalog.LoginAttempts, nil, 2)
	count(catalog.LoginAttempts, logins, loginSucceeded, loginFailed)
	count(catalog.UserLogins, logins, loginSucceeded)
	count(catalog.LoginFailures, logins, loginFailed)
	in.features = counters(catalog.FeatureUses)
	sessions := group(catalog.UserSessions, seconds(catalog.UserSessionDuration), 2)
	histogram(catalog.UserSessionDuration, sessions)
	count(catalog.UserSessions, sessions, sessionBegun)
	count(catalog.UserSessionsUntracked, sessions, sessionUntracked)
	in.syncs = counters(catalog.UserSketchSyncs)

	in.requests = counters(catalog.DataSourceRequests)
	in.responses = group(catalog.DataSourceResponse, seconds(catalog.DataSourceResponse), 0)
	histogram(catalog.DataSourceResponse, in.responses)
	in.points = group(catalog.DataSourcePoints, nil, pointCounters)
	for i, m := range []catalog.Metric{
		catalog.DataSourcePoints, catalog.DataSourceGaps, catalog.DataSourceMissingPoints,
		catalog.DataSourceDuplicates, catalog.DataSourceOutOfOrder, catalog.DataSourceLate,
	} {
		count(m, in.points, i)
	}

	in.updates = counters(catalog.StockDataUpdates)
	queries := counters(catalog.StockQueries)

	in.conns = group(catalog.WebSocketOpened, seconds(catalog.WebSocketDuration), connCounters)
	histogram(catalog.WebSocketDuration, in.conns)
	for i, m := range []catalog.Metric{catalog.WebSocketOpened, catalog.WebSocketDropped, catalog.WebSocketSlowdowns} {
		count(m, in.conns, i)
	}
	in.closed = counters(catalog.WebSocketClosed)
	in.messages = group(catalog.WebSocketMessages, nil, 2)
	count(catalog.WebSocketMessages, in.messages, 0)
	count(catalog.WebSocketMessageBytes, in.messages, 1)

	jobs := group(catalog.BacktestJobs, seconds(catalog.BacktestQueueWait), jobCounters)
	histogram(catalog.BacktestQueueWait, jobs)
	for i, m := range []catalog.Metric{catalog.BacktestJobs, catalog.BacktestJobsCompleted, catalog.BacktestFailures} {
		count(m, jobs, i)
	}
	in.durations = group(catalog.BacktestDuration, seconds(catalog.BacktestDuration), 0)
	histogram(catalog.BacktestDuration, in.durations)
	in.outcomes = counters(catalog.BacktestOutcomes)
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("bizmon: %w", err)
	}
	in.logins, in.sessions, in.queries, in.jobs = logins.Cell(), sessions.Cell(), queries.Cell(), jobs.Cell()
	return in, nil
}

// overflowed returns the counter of uses of label values past their limit.
func (in *instruments) overflowed(m catalog.Metric, label string) *instrument.Cell {
	return in.overflow.Cell(m.Name, label)
}

// add counts without a home lane: for what many goroutines count in turn.
func add(c *instrument.Cell, i int, n uint64) {
	var home instrument.Home
	c.Add(&home, i, n)
}

// emit gives one series of a gauge its value.
type emit func(value float64, labels ...string)

// gauge shows a metric that f computes when it is scraped. The number of
// different label values that f gives must be bounded.
func (in *instruments) gauge(m catalog.Metric, f func(emit)) error {
	return in.set.Func(m, func(labels instrument.LabelMaker) instrument.Func {
		var mu sync.Mutex
		made := map[string]*instrument.Labels{} // guarded by mu
		return func(yield instrument.Yield) {
			f(func(value float64, values ...string) {
				key := strings.Join(values, "\xff")
				mu.Lock()
				l := made[key]
				if l == nil {
					l = labels(values...)
					made[key] = l
				}
				mu.Unlock()
				yield(l, value)
			})
		}
	})
}
