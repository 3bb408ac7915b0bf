package main

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/history"
)

// step is how often the registry is collected, in recorded time.
const step = 5 * time.Minute

// deviation is watched while the recording runs: how many standard deviations
// of the last day a value is away from its mean, from half a day of values on.
const (
	deviation     = "replay:deviation"
	deviationExpr = `(replay_value - avg_over_time(replay_value[1d])) / (stddev_over_time(replay_value[1d]) > 0)
		and count_over_time(replay_value[1d]) >= 144`
)

// clock is the time in the recording.
type clock struct{ at atomic.Pointer[time.Time] }

func newClock(at time.Time) *clock {
	c := &clock{}
	c.set(at)
	return c
}

func (c *clock) now() time.Time   { return *c.at.Load() }
func (c *clock) set(at time.Time) { c.at.Store(&at) }

// replay sets the gauges to what they were and collects them, step by step. It
// returns how long it took, and the error of ctx if that ended first.
func replay(ctx context.Context, m *monitor.Monitor, db *history.DB, c *clock, rec *recording, speed float64) (time.Duration, error) {
	value := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "replay_value", Help: "What was measured."}, []string{"series"})
	labelled := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "replay_labelled", Help: "1 while somebody saw an anomaly."}, []string{"series"})
	for _, g := range []*prometheus.GaugeVec{value, labelled} {
		if err := m.Registerer().Register(g); err != nil {
			return 0, err
		}
	}
	next := make([]int, len(rec.series)) // row of each series
	from, to := rec.span()
	first := from.Add(step - 1).Truncate(step)
	start := time.Now()
	for at := first; at.Before(to.Add(2 * step)); at = at.Add(step) {
		if err := pace(ctx, start, at.Sub(first), speed); err != nil {
			return time.Since(start), err
		}
		for i := range rec.series {
			s := &rec.series[i]
			for next[i] < len(s.rows) && !s.rows[next[i]].at.After(at) {
				value.WithLabelValues(s.name).Set(s.rows[next[i]].value)
				next[i]++
			}
			switch last := s.rows[len(s.rows)-1].at; {
			case next[i] == 0: // it has not begun
			case at.Sub(last) >= step: // it is over
				value.DeleteLabelValues(s.name)
				labelled.DeleteLabelValues(s.name)
			case s.labelled(at):
				labelled.WithLabelValues(s.name).Set(1)
			default:
				labelled.WithLabelValues(s.name).Set(0)
			}
		}
		c.set(at)
		if err := db.Sample(ctx, at); err != nil {
			return time.Since(start), err
		}
	}
	return time.Since(start), nil
}

// pace waits until so much recorded time has passed since the start.
func pace(ctx context.Context, start time.Time, recorded time.Duration, speed float64) error {
	if speed == 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(time.Until(start.Add(time.Duration(float64(recorded) / speed))))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
