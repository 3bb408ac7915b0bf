package anomaly

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/monitor"
)

// A Watch is an expression whose series are watched, each by a detector of its own.
type Watch struct {
	// Name tells the watch from others: it is the label "watch" of its metrics.
	// Required, up to 100 characters.
	Name string

	// Expr is PromQL. Every series of its answer is watched. Series are told apart by
	// their labels, not by the metric's name. Required.
	Expr string

	// Step is how often the expression is evaluated: at its full multiples. The
	// default is a minute, the least a second, the most a day.
	Step time.Duration

	// Lookback is what detectors are warmed up with from the querier's history when
	// the engine starts, and for how long a series that has gone is remembered, if
	// that is more than an hour. The default is a day; negative is none, and the most
	// 90 days.
	Lookback time.Duration

	// New returns a new detector, for each series. It is called by one goroutine at a
	// time; what detectors share, such as random numbers, is then safe. The default is
	// the engine's own detector.
	New func() (Detector, error)

	// Method is what the detector is called, up to 50 characters. The default is its
	// type's name in lower case.
	Method string

	// Detail is PromQL whose series add up to the watched ones, such as the same sum by
	// endpoint or table: an explanation says which of them carry the change. It is
	// asked when an anomaly opens, eight times with one Detect at most. The default is
	// none.
	Detail string

	// Sensitivity is how many times less than its detector's limit makes a point an
	// anomaly: with 2, half of it does. The default is 1; from 0.1 to 10. Rules, which
	// have no distance, are not changed by it.
	Sensitivity float64
}

const (
	longestName   = 100 // characters, as pgstore has it
	longestMethod = 50
)

// complete returns the watch with its defaults, and what is wrong with it.
func (w Watch) complete(standard func() (Detector, error)) (Watch, []error) {
	var errs []error
	bad := func(field string, value any, want string) {
		errs = append(errs, invalid("watch %q: %s = %v: want %s", w.Name, field, value, want))
	}
	if w.Step == 0 {
		w.Step = time.Minute
	}
	if w.Lookback == 0 {
		w.Lookback = 24 * time.Hour
	}
	if w.Sensitivity == 0 {
		w.Sensitivity = 1
	}
	if w.New == nil {
		w.New = standard
	}
	if !named(w.Name, longestName) {
		bad("Name", fmt.Sprintf("%d bytes", len(w.Name)), fmt.Sprintf("1 to %d characters of UTF-8 without NUL", longestName))
	}
	if strings.TrimSpace(w.Expr) == "" {
		bad("Expr", `""`, "PromQL")
	}
	if w.Step < time.Second || w.Step > 24*time.Hour || w.Step%time.Millisecond != 0 {
		bad("Step", w.Step, "whole milliseconds from a second to a day")
	}
	if w.Lookback > 90*24*time.Hour {
		bad("Lookback", w.Lookback, "90 days at most")
	}
	if !(w.Sensitivity >= 0.1 && w.Sensitivity <= 10) {
		bad("Sensitivity", w.Sensitivity, "0.1 to 10")
	}
	d, err := tryDetector(w.New)
	if err != nil {
		errs = append(errs, fmt.Errorf("anomaly: watch %q: %w", w.Name, err))
	} else if w.Method == "" {
		w.Method = methodOf(d)
	}
	if err == nil && !named(w.Method, longestMethod) {
		bad("Method", fmt.Sprintf("%d bytes", len(w.Method)), fmt.Sprintf("up to %d characters of UTF-8 without NUL", longestMethod))
	}
	return w, errs
}

func named(s string, most int) bool {
	n := utf8.RuneCountInString(s)
	return n > 0 && n <= most && utf8.ValidString(s) && !strings.Contains(s, "\x00")
}

func newDetector(f func() (Detector, error)) (Detector, error) {
	d, err := f()
	if err == nil && d == nil {
		err = fmt.Errorf("new detector: %w: there is none", monitor.ErrInvalidOption)
	}
	return d, err
}

// tryDetector is newDetector while there is no monitor that guards it.
func tryDetector(f func() (Detector, error)) (d Detector, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("new detector: %w: it panicked with a %T", monitor.ErrInvalidOption, v)
		}
	}()
	return newDetector(f)
}

// methodOf is the name of a detector's type.
func methodOf(d Detector) string {
	t := reflect.TypeOf(d)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return strings.ToLower(t.Name())
}

// A watching is a watch at work. All but the series is for who detects alone.
type watching struct {
	Watch

	// fetch returns the series of the steps from one to another. delay is how long
	// after its time a step is whole.
	fetch func(ctx context.Context, from, to time.Time) ([]monitor.Series, error)
	delay time.Duration

	next  time.Time // the step that is evaluated next; zero before the first one
	first time.Time // the newest step when the first one was: what is before is to warm up
	chunk int       // steps that are asked for at a time
	turn  int       // the series that is fed first
	lags  int       // by how many steps it may be late before it sheds points; 0: by none
	calm  bool      // it is late by no more than that
	fails bool      // the last evaluation did
	full  bool      // it had series past the limit

	series map[string]*watched // changed under the engine's mu; by key
	order  []*watched          // the same, in the order in which they came

	points, errors *instrument.Cell
}

const (
	mostLate   = 1000   // steps that are made up for
	lagMore    = 10     // steps that may come while others are made up for
	chunkSteps = 10_000 // what servers answer at a time is 11,000
	chunkSize  = 20_000 // points that are asked for at a time
)

// warming reports whether the next step is one to warm up with.
func (w *watching) warming() bool { return w.next.Before(w.first) }

// due returns the newest step that has come by now, or false if it was evaluated.
func (w *watching) due(now time.Time) (to time.Time, ok bool) {
	to = onGrid(now.Add(-w.delay), w.Step)
	return to, w.next.IsZero() || !w.next.After(to)
}

// waits reports whether steps wait for the budget: to warm up, and to make up for
// steps that came while nobody asked.
func (w *watching) waits() bool { return w.calm || w.warming() }

// begin sets the first step, and says whether the steps until one may wait. Those that
// are too late are passed over: it returns how many of them are not for warming up.
func (w *watching) begin(to time.Time) (late int) {
	if w.next.IsZero() {
		w.first, w.next, w.chunk = to, to, 20
		if w.Lookback > 0 {
			w.next = onGrid(to.Add(-w.Lookback), w.Step)
		}
	}
	oldest := to.Add(-(mostLate - 1) * w.Step)
	if w.first.Before(oldest) && w.next.Before(oldest) {
		if w.warming() {
			w.next = w.first
		}
		late = int(oldest.Sub(w.next) / w.Step)
		w.next = oldest
	}
	lag := int(to.Sub(later(w.next, w.first))/w.Step) + 1
	switch {
	case w.warming(), lag > 1 && w.lags == 0:
		w.lags = lag + lagMore
	case lag <= 1:
		w.lags = 0
	}
	w.calm = lag <= w.lags
	return late
}

// stepOf numbers the steps since 1970.
func stepOf(t time.Time, step time.Duration) int64 {
	ms, size := t.UnixMilli(), step.Milliseconds()
	n := ms / size
	if ms%size < 0 {
		n--
	}
	return n
}

// onGrid is the beginning of a time's step.
func onGrid(t time.Time, step time.Duration) time.Time {
	return time.UnixMilli(stepOf(t, step) * step.Milliseconds())
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// end is the last step of the next query.
func (w *watching) end(to time.Time) time.Time {
	end := w.next.Add(time.Duration(w.chunk-1) * w.Step)
	if w.warming() {
		to = w.first.Add(-w.Step)
	}
	if end.After(to) {
		return to
	}
	return end
}

// asked adapts how many steps are asked for to how many series came, and to what a
// step of them cost of what may be spent at a time.
func (w *watching) asked(series int, cost, most time.Duration) {
	w.chunk = min(chunkSteps, chunkSize/max(1, series), int(most/max(1, cost)))
	w.chunk = max(1, w.chunk)
}

// keep is for how long a series that has gone is remembered.
func (w *watching) keep() time.Duration { return max(w.Lookback, time.Hour) }

// factor is what the limit of a series' detector is multiplied with.
func (w *watching) factor(opinion float64) float64 { return opinion / w.Sensitivity }

// scaled is a score of a limit that is multiplied with a factor, so that [Threshold]
// stays what an anomaly has.
func scaled(s Score, factor float64) Score {
	switch v := s.Value; {
	case !s.Ready || !(v > 0): // NaN too, of a detector that should not
		s.Value = 0
	case v >= 1:
		s.Value = 1
	case factor != 1:
		s.Value = v / (v + (1-v)*factor)
	}
	if factor != 1 && !math.IsNaN(s.Expected) {
		s.Low = s.Expected + (s.Low-s.Expected)*factor
		s.High = s.Expected + (s.High-s.Expected)*factor
	}
	return s
}
