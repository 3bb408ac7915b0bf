package bizmon

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/calendar"
)

// Source is one data source. It is safe for concurrent use.
type Source struct {
	core *core
	name string

	ok, failed *instrument.Cell
	responses  *instrument.Cell
	points     *instrument.Cell

	mu       sync.Mutex
	config   *sourceConfig    // guarded by mu
	added    bool             // guarded by mu; config is the host's
	recent   recent           // guarded by mu
	requests verdict          // guarded by mu
	checks   verdict          // guarded by mu; from outside
	newest   time.Time        // guarded by mu; of all data, no later than when it came
	last     map[string]int64 // guarded by mu; newest data by key, Unix nanoseconds
	report   bool             // guarded by mu; it is below the threshold, and that was reported
	warned   bool             // guarded by mu; that the calendar does not hold the year
}

// verdict is whether a source answers.
type verdict struct {
	known, down bool
	inARow      int // failures
}

func (v *verdict) judge(ok bool, downAfter int) {
	if ok {
		*v = verdict{known: true}
		return
	}
	v.inARow++
	if v.inARow >= downAfter {
		v.known, v.down = true, true
	}
}

// mostKeys is how many keys a source's data is held against others by.
const mostKeys = 20_000

func newSource(c *core, name string, config *sourceConfig) *Source {
	return &Source{
		core: c, name: name, config: config, last: map[string]int64{},
		ok: c.in.requests.Cell(name, "ok"), failed: c.in.requests.Cell(name, "error"),
		responses: c.in.responses.Cell(name), points: c.in.points.Cell(name),
	}
}

// adopt takes the host's options, the first time.
func (s *Source) adopt(c *sourceConfig) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.added {
		s.config, s.added = c, true
	}
}

func (s *Source) calendar() *calendar.Calendar {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.config.calendar
}

// Name returns the source's name.
func (s *Source) Name() string { return s.name }

// A Fetch is one request to a data source.
type Fetch struct {
	Took    time.Duration
	Err     error // nil if it answered
	TraceID string
}

// Observe counts a request to the source. The caller in ctx, a route or a job,
// is noted as depending on it. A failure because ctx was cancelled is not the
// source's and only counts as a dependency. A nil ctx is [context.Background].
func (s *Source) Observe(ctx context.Context, f Fetch) {
	if s.core.m.Off() {
		return
	}
	if ctx == nil {
		ctx = context.Background()
	}
	s.core.m.Depends(ctx, "source", s.name)
	if f.Err != nil && errors.Is(f.Err, context.Canceled) && ctx.Err() != nil {
		return
	}
	if f.Err == nil {
		add(s.ok, 0, 1)
	} else {
		add(s.failed, 0, 1)
	}
	var home instrument.Home
	s.responses.Observe(&home, 0, int64(max(f.Took, 0)))

	now := s.core.m.Now()
	s.mu.Lock()
	c := s.config
	s.recent.at(now).request(f.Err != nil, f.Took)
	s.requests.judge(f.Err == nil, c.downAfter)
	if f.Err == nil {
		s.checks = verdict{}
	}
	s.mu.Unlock()

	if s.core.m.Enabled(monitor.KindSource) {
		e := monitor.Event{
			Kind: monitor.KindSource, Name: s.name, Duration: f.Took, Failed: f.Err != nil,
			Slow: f.Took/2 >= c.target, TraceID: f.TraceID,
		}
		e.Add(slog.String("state", "request"))
		s.core.m.Record(e)
	}
}

// Do calls fetch and observes it.
func (s *Source) Do(ctx context.Context, fetch func(context.Context) error) error {
	start := s.core.m.Now()
	err := errPanicked // unless fetch returns
	defer func() { s.Observe(ctx, Fetch{Took: s.core.m.Now().Sub(start), Err: err}) }()
	err = fetch(ctx)
	return err
}

var errPanicked = errors.New("panicked")

// Probed says what a check from outside found. It counts towards the
// availability like a request, but in none of the request metrics. It does not
// outweigh them: a source whose requests fail stays down whatever a check finds,
// until one is answered or there were none for five minutes.
func (s *Source) Probed(up bool) {
	if s.core.m.Off() {
		return
	}
	now := s.core.m.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recent.at(now).probe(up)
	s.checks.judge(up, s.config.downAfter)
	if r := s.recent.sum(now); up && r.ok+r.failed == 0 {
		s.requests = verdict{}
	}
}

// up reports whether the source answers; known is false before the first
// answer, and until the failures before one are enough to tell.
func (s *Source) up() (up, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.upLocked()
}

func (s *Source) upLocked() (up, known bool) {
	return !s.requests.down && !s.checks.down, s.requests.known || s.checks.known
}

// Data says that a point of data has come: of a key, such as a symbol, for a
// time. Each is held against the one before of the same key: the same time again
// is a duplicate, an earlier one is out of order, and one that leaves out others
// is a gap, see [WithSpacing]. Up to 20,000 keys of up to 200 bytes are followed;
// points of others are counted alone. A time up to 1970, or that is ahead of the
// clock by more than a day, or by more trading time than [WithSpacing] and
// [WithMaxLag] together, is wrong: it is out of order, and nothing is held against
// it. Data allocates nothing for a key that it knows.
func (s *Source) Data(key string, at time.Time) {
	if s.core.m.Off() {
		return
	}
	now := s.core.m.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.recent.at(now)
	r.points++
	var gaps, missing, duplicates, disorder, late uint64
	wrong := at.Unix() <= 0 || s.ahead(at, now)
	last, seen := s.last[key]
	switch {
	case wrong:
		disorder = 1
	case !seen:
		if len(s.last) < mostKeys && len(key) <= mostName {
			s.last[strings.Clone(key)] = at.UnixNano()
		}
	case at.UnixNano() == last:
		duplicates = 1
	case at.UnixNano() < last:
		disorder = 1
		if s.ahead(time.Unix(0, last), now) { // that one was wrong, and the clock with it
			s.last[key] = at.UnixNano()
		}
	default:
		if missing = s.missing(time.Unix(0, last), at); missing > 0 {
			gaps = 1
		}
		s.last[key] = at.UnixNano()
	}
	if !wrong {
		s.newest = later(s.newest, earlier(at, now))
		if duplicates == 0 && now.Sub(at) > s.config.maxLag && s.tradingTime(at, now) > s.config.maxLag {
			late = 1
		}
	}
	r.bad += uint32(duplicates + disorder)
	r.missing += missing

	var home instrument.Home
	b := s.points.Begin(&home)
	b.Add(pointsSeen, 1)
	b.Add(pointGaps, gaps)
	b.Add(pointsMissing, missing)
	b.Add(pointsDuplicate, duplicates)
	b.Add(pointsOutOfOrder, disorder)
	b.Add(pointsLate, late)
	b.End()
}

// mostAhead is how far ahead of the clock a point may be: bars may be named by
// their end.
const mostAhead = 24 * time.Hour

// ahead reports whether a point is too far ahead of the clock. mu is held.
func (s *Source) ahead(at, now time.Time) bool {
	if !at.After(now) {
		return false
	}
	return at.Sub(now) > mostAhead || s.tradingTime(now, at)-s.config.spacing > s.config.maxLag
}

// mostMissing bounds what one gap counts.
const mostMissing = 1_000_000

// missing is how many points lie between two.
func (s *Source) missing(last, at time.Time) uint64 {
	if s.config.spacing == 0 {
		return 0
	}
	n := (s.tradingTime(last, at)+s.config.spacing/2)/s.config.spacing - 1
	return uint64(min(max(n, 0), mostMissing))
}

// tradingTime is the calendar's; where it has to guess it says so once. mu is held.
func (s *Source) tradingTime(from, to time.Time) time.Duration {
	d, err := s.config.calendar.TradingTime(from, to)
	if errors.Is(err, calendar.ErrUnknownYear) && !s.warned {
		s.warned = true
		s.core.m.Logger().Warn("holidays are not known: freshness and gaps are judged by weekdays alone",
			"data_source", s.name, "error", err)
	}
	return d
}

// lag is the age of the newest data, in trading time.
func (s *Source) lag(now time.Time) (time.Duration, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lagLocked(now)
}

func (s *Source) lagLocked(now time.Time) (time.Duration, bool) {
	if s.newest.IsZero() {
		return 0, false
	}
	s.newest = earlier(s.newest, now) // the clock may have been set back
	return s.tradingTime(s.newest, now), true
}

// quality is the share of the points of late that are as they should be; ok is
// false without any.
func (s *Source) quality(now time.Time) (q float64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.recent.sum(now)
	if r.points == 0 {
		return 0, false
	}
	return (float64(r.points) - float64(r.bad)) / (float64(r.points) + float64(r.missing)), true
}
