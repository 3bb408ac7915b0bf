package anomaly

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
)

// evaluate does the steps of a watch until one.
func (e *Engine) evaluate(ctx context.Context, w *watching, to time.Time) error {
	if late := w.begin(to); late > 0 {
		e.counters.shed(w.Name, "late", late*max(1, len(w.order)))
	}
	for !w.next.After(to) {
		if w.waits() && e.budget.out() {
			return nil
		}
		end := w.end(to)
		series, err := w.fetch(ctx, w.next, end)
		if errors.Is(err, monitor.ErrQueryLimit) && w.chunk > 1 {
			w.chunk /= 2
			continue
		}
		if err != nil {
			if ctx.Err() == nil {
				add(w.errors, 1)
				if !w.fails {
					e.m.Logger().Warn("anomaly: a watch cannot be evaluated", "watch", w.Name, "error", err)
				}
				w.fails = true
			}
			return err
		}
		if w.fails {
			w.fails = false
			e.m.Logger().Info("anomaly: a watch is evaluated again", "watch", w.Name)
		}
		before, steps := e.budget.left, stepOf(end, w.Step)-stepOf(w.next, w.Step)+1
		err = e.feed(w, series, end)
		w.next = end.Add(w.Step)
		w.asked(len(series), (before-e.budget.left)/time.Duration(steps), e.budget.most()/4)
		if len(e.told) > mostTold {
			err = errors.Join(err, e.explain(ctx), e.tell(ctx))
		}
		if err != nil {
			add(w.errors, 1)
			return err
		}
	}
	return nil
}

// mostTold is how many openings and closings are gathered before they are told.
const mostTold = 1000

// feed gives a watch's detectors the points of the steps from the next one to end.
func (e *Engine) feed(w *watching, answer []monitor.Series, end time.Time) error {
	e.budget.begin()
	defer e.budget.end()
	errs := []error{e.match(w, answer)}
	var points, shed, panicked int
	next, whole := w.turn, true
	for i := range w.order {
		at := (w.turn + i) % len(w.order)
		s := w.order[at]
		switch {
		case s.detector == nil:
			panicked += len(s.points)
		case !w.waits() && e.budget.out():
			shed += len(s.points)
			if whole {
				next, whole = at, false
			}
		default:
			fed, left, err := e.observe(s, end)
			points, shed = points+fed, shed+left
			if whole && left > 0 {
				next, whole = (at+1)%len(w.order), false
			}
			if err != nil {
				panicked += max(0, len(s.points)-fed-left)
				errs = append(errs, err)
			}
		}
		if n := len(s.points); n > 0 {
			s.seen = s.points[n-1].Time
			s.there = s.seen.After(end.Add(-w.Step))
		}
		s.points = nil
	}
	w.turn = next
	add(w.points, points)
	e.counters.shed(w.Name, "budget", shed)
	e.counters.shed(w.Name, "panicked", panicked)
	e.sweep(w, end)
	return errors.Join(errs...)
}

// match gives the answer's points to the series that they are of, and begins new
// ones.
func (e *Engine) match(w *watching, answer []monitor.Series) error {
	e.mu.Lock()
	for _, s := range w.order {
		s.there, s.points = false, nil
		s.limit = e.limitOf(s.id)
	}
	e.mu.Unlock()
	var duplicates, unlabelled int
	var fresh []*watched
	begun := map[string]bool{}
	for _, a := range answer {
		if len(a.Points) == 0 {
			continue
		}
		labels := texts(a.Labels)
		pairs, ok := shownLabels(w.Name, labels)
		if !ok {
			unlabelled += len(a.Points)
			continue
		}
		key := keyOf(pairs)
		switch s := w.series[key]; {
		case s == nil && !begun[key]:
			begun[key] = true
			fresh = append(fresh, &watched{watch: w, key: key, id: idOf(key), labels: labels, pairs: pairs, points: a.Points})
		case s == nil, s.points != nil:
			duplicates += len(a.Points)
		default:
			s.points = a.Points
		}
	}
	e.counters.shed(w.Name, "labels", unlabelled)
	e.counters.shed(w.Name, "duplicate", duplicates)
	room := e.room(len(fresh))
	over := fresh[room:]
	refused := 0
	for _, s := range over {
		refused += len(s.points)
	}
	e.counters.shed(w.Name, "series_limit", refused)
	if len(over) > 0 && !w.full {
		e.m.Logger().Warn("anomaly: there are more series than are watched", "watch", w.Name, "limit", e.config.series, "series", over[0].labels.String())
	}
	w.full = len(over) > 0
	return e.adopt(w, fresh[:room])
}

// adopt begins to watch series: with what was said of them, and with their anomaly if
// one is open.
func (e *Engine) adopt(w *watching, fresh []*watched) error {
	for _, s := range fresh {
		d, err := e.newDetector(w)
		if err != nil {
			return err // for the others too, no doubt
		}
		s.detector = d
		s.trainer, _ = d.(Trainer)
		e.mu.Lock()
		s.limit = e.limitOf(s.id)
		if a := e.open[s.id]; a != nil {
			s.open, s.bad, a.series = a, a.Last, s
		}
		w.series[s.key] = s
		w.order = append(w.order, s)
		e.mu.Unlock()
	}
	return nil
}

func (e *Engine) newDetector(w *watching) (d Detector, err error) {
	defer e.m.Guard("anomaly.Watch.New", &err)
	return newDetector(w.New)
}

// room makes room for n more series, by those that have gone if need be, longest ago
// first, and returns for how many there is.
func (e *Engine) room(n int) int {
	free := e.config.series
	for _, w := range e.watches {
		free -= len(w.order)
	}
	if n <= free {
		return n
	}
	var gone []*watched
	for _, w := range e.watches {
		for _, s := range w.order {
			if !s.there && s.points == nil && s.open == nil {
				gone = append(gone, s)
			}
		}
	}
	slices.SortFunc(gone, func(a, b *watched) int { return cmp.Or(a.seen.Compare(b.seen), cmp.Compare(a.key, b.key)) })
	gone = gone[:min(len(gone), n-free)]
	leave := make(map[*watched]bool, len(gone))
	for _, s := range gone {
		leave[s] = true
	}
	for _, w := range e.watches {
		e.forget(w, func(s *watched) bool { return leave[s] })
	}
	return free + len(gone)
}

// forget ends the watch of series.
func (e *Engine) forget(w *watching, which func(s *watched) bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	at, turn := 0, w.turn
	w.order = slices.DeleteFunc(w.order, func(s *watched) bool {
		gone := which(s)
		if gone {
			if s.open != nil {
				e.closes(s.open)
			}
			delete(w.series, s.key)
			if at < turn {
				w.turn--
			}
		}
		at++
		return gone
	})
	if w.turn >= len(w.order) {
		w.turn = 0
	}
}

// sweep forgets series that have gone for long, closes anomalies whose series are not
// there, and has the metrics show how things are.
func (e *Engine) sweep(w *watching, end time.Time) {
	e.forget(w, func(s *watched) bool { return !s.there && end.Sub(s.seen) > w.keep() })
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range w.order {
		s.shown = (s.there && s.score.Ready) || s.open != nil
		s.active, s.value = s.open != nil, s.score.Value
	}
	if end.Before(w.first) {
		return
	}
	for _, a := range e.open {
		if a.Watch == w.Name && a.series == nil && end.Sub(a.Last) >= e.config.quiet {
			e.closes(a)
		}
	}
}

// observe gives a series' points to its detector, and steps without one as missing.
// left is how many the budget did not allow.
func (e *Engine) observe(s *watched, end time.Time) (fed, left int, err error) {
	defer func() {
		if err != nil { // it panicked: what it knows is not to be trusted
			s.detector, s.score = nil, unready()
			e.mu.Lock()
			defer e.mu.Unlock()
			if s.open != nil {
				e.closes(s.open)
			}
		}
	}()
	defer e.m.Guard("anomaly.Detector", &err)
	w := s.watch
	waits, points, began := w.waits(), s.points, w.next.Add(-w.Step)
	var twice, elsewhere int
	for t := w.next; !t.After(end); t = t.Add(w.Step) {
		some := false
		for ; len(points) > 0 && !points[0].Time.After(t); points = points[1:] {
			switch p := points[0]; {
			case !p.Time.After(s.last):
				twice++
			case !p.Time.After(began):
				elsewhere++
			case !waits && e.budget.out():
				left++
			default:
				s.last, some = p.Time, true
				fed++
				e.point(s, p)
			}
		}
		if !some && left == 0 && !s.last.IsZero() {
			e.point(s, Point{Time: t, Value: math.NaN()})
		}
	}
	e.counters.shed(w.Name, "duplicate", twice)
	e.counters.shed(w.Name, "time", elsewhere+len(points)) // not what was asked for
	return fed, left, nil
}

// point gives a detector one point.
func (e *Engine) point(s *watched, p Point) {
	score := s.detector.Observe(p)
	e.budget.tick()
	s.recent.put(stepOf(p.Time, s.watch.Step), p.Value)
	opens, closes := s.judge(p, score, e.config.rate, e.config.quiet)
	switch {
	case s.open != nil && s.bad.Equal(p.Time):
		e.goesOn(s, p)
	case s.watch.warming() && p.Time.Before(s.watch.first): // to be learnt from only
	case opens:
		e.opens(s, p)
	case closes:
		e.mu.Lock()
		e.closes(s.open)
		e.mu.Unlock()
	}
}
