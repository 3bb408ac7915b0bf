package bizmon

import (
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
)

// Health is how well a data source does, and why.
type Health struct {
	Source  string
	At      time.Time
	Known   bool    // whether there is anything to judge by: of late, or that it is down
	Up      bool    // as data_source_up
	Score   float64 // 0 to 1: the parts' mean by weight, or 0 if the source is down
	Healthy bool    // not below its threshold
	Parts   []Part  // those there is anything to judge by
}

// Part is one reason for a score.
type Part struct {
	Name   string  // "availability", "freshness", "response", "completeness" or "order"
	Score  float64 // 0 to 1
	Weight float64
	Why    string // such as "3 of 120 requests failed"
}

// The weights of the parts. Those that are not known are left out.
const (
	weightAvailability = 0.35
	weightFreshness    = 0.25
	weightResponse     = 0.15
	weightCompleteness = 0.15
	weightOrder        = 0.10
)

// Health returns the source's health, judged by the last five minutes and the
// age of its newest data.
func (s *Source) Health() Health { return s.health(s.core.m.Now()) }

func (s *Source) health(now time.Time) Health {
	h := Health{Source: s.name, At: now, Healthy: true}
	if s.core.m.Off() {
		return h
	}
	s.mu.Lock()
	c, r := s.config, s.recent.sum(now)
	lag, hasLag := s.lagLocked(now)
	h.Up, _ = s.upLocked()
	s.mu.Unlock()

	part := func(name string, weight, score float64, why string) {
		h.Parts = append(h.Parts, Part{name, min(max(score, 0), 1), weight, why})
	}
	requests, checks := r.ok+r.failed, r.up+r.down
	if n := requests + checks; n > 0 {
		part("availability", weightAvailability, float64(r.ok+r.up)/float64(n), failures(r.failed, requests, r.down, checks))
	}
	if r.ok > 0 {
		mean := r.took / time.Duration(r.ok)
		part("response", weightResponse, ratio(c.target, mean), fmt.Sprintf("%v on average, wanted %v", mean.Round(time.Millisecond), c.target))
	}
	if hasLag {
		late := float64(lag-c.maxLag) / (2 * float64(c.maxLag))
		part("freshness", weightFreshness, 1-max(late, 0), fmt.Sprintf("the newest data is %v of trading old, wanted %v", lag.Round(time.Second), c.maxLag))
	}
	if r.points > 0 {
		part("completeness", weightCompleteness, float64(r.points)/(float64(r.points)+float64(r.missing)),
			fmt.Sprintf("%d points are missing beside %d", r.missing, r.points))
		part("order", weightOrder, 1-float64(r.bad)/float64(r.points), fmt.Sprintf("%d of %d points are doubled or out of order", r.bad, r.points))
	}
	h.Score, h.Known = score(h), !h.Up || len(h.Parts) > 0
	h.Healthy = !h.Known || h.Score >= c.threshold
	return h
}

// failures says how many requests and checks from outside failed, without those
// that there were none of.
func failures(failed, requests, down, checks uint32) string {
	switch {
	case checks == 0:
		return fmt.Sprintf("%d of %d requests failed", failed, requests)
	case requests == 0:
		return fmt.Sprintf("%d of %d checks failed", down, checks)
	}
	return fmt.Sprintf("%d of %d requests and %d of %d checks failed", failed, requests, down, checks)
}

// seen reports whether the source was asked or gave anything of late. Its data's
// age alone is no news.
func (h Health) seen() bool {
	return slices.ContainsFunc(h.Parts, func(p Part) bool { return p.Name != "freshness" })
}

func score(h Health) float64 {
	if !h.Up {
		return 0
	}
	if len(h.Parts) == 0 {
		return 1
	}
	var sum, weights float64
	for _, p := range h.Parts {
		sum += p.Score * p.Weight
		weights += p.Weight
	}
	return sum / weights
}

// ratio is a/b, but at most 1.
func ratio(a, b time.Duration) float64 {
	if b <= a {
		return 1
	}
	return float64(a) / float64(b)
}

// recovered is how far above its threshold a source is healthy again.
const recovered = 0.05

// check reports sources that have crossed their thresholds.
func (ss *Sources) check(now time.Time) {
	for _, s := range ss.sorted() {
		h := s.health(now)
		if s.crossed(h) {
			s.say(h)
		}
	}
}

// crossed reports whether the source has become unhealthy, or healthy again,
// since the last report.
func (s *Source) crossed(h Health) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !h.Known:
		return false
	case !s.report && !h.Healthy:
		s.report = true
	case s.report && h.seen() && h.Score >= min(s.config.threshold+recovered, 1):
		s.report = false
	default:
		return false
	}
	return true
}

// say reports a source by log, event and callback.
func (s *Source) say(h Health) {
	c := s.core
	attrs := make([]any, 0, 2*len(h.Parts)+6)
	attrs = append(attrs, "data_source", h.Source, "score", h.Score, "up", h.Up)
	for _, p := range h.Parts {
		attrs = append(attrs, p.Name, p.Why)
	}
	state := "healthy"
	if h.Healthy {
		c.m.Logger().Info("data source is healthy again", attrs...)
	} else {
		state = "unhealthy"
		c.m.Logger().Warn("data source is unhealthy", attrs...)
	}
	if c.m.Enabled(monitor.KindSource) {
		e := monitor.Event{Kind: monitor.KindSource, Name: s.name, Time: h.At, Failed: !h.Healthy}
		e.Add(slog.String("state", state), slog.Float64("score", h.Score), slog.Bool("up", h.Up))
		for _, p := range h.Parts {
			e.Add(slog.Float64(p.Name, p.Score))
		}
		c.m.Record(e)
	}
	if c.config.onHealth != nil {
		func() {
			var err error
			defer c.m.Guard("bizmon.WithOnHealth", &err)
			c.config.onHealth(h)
		}()
	}
}
