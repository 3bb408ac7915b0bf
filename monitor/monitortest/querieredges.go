package monitortest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
)

// QuerierTrait is something in which queriers differ, and with them what
// [TestQuerier] checks.
type QuerierTrait uint8

const (
	// QuerierUTF8Names has names of metrics and labels beyond letters, digits
	// and underscores, as Prometheus has from version 3 on.
	QuerierUTF8Names QuerierTrait = iota + 1
	// QuerierMetricsQL speaks VictoriaMetrics's language, in which what is not a
	// number is no answer, rate needs no window, and a text is no mistake.
	QuerierMetricsQL
)

// stale are the bits of the one not-a-number by which Prometheus marks the end
// of a series.
const stale = 0x7ff0000000000002

// Stale returns the value that marks the end of a series. Only its bits tell it
// from any other not-a-number; arithmetic may lose them.
func Stale() float64 { return math.Float64frombits(stale) }

// IsStale reports whether v is [Stale].
func IsStale(v float64) bool { return math.Float64bits(v) == stale }

const (
	goneAfter = 20                     // the last sample of conformance_gone before it is stale
	tickLate  = 123 * time.Millisecond // how late the samples of conformance_tick are
	utf8Name  = "conformance.行情"
	utf8Label = "市场/name"
)

// late moves a series off the whole second.
func late(s monitor.Series) monitor.Series {
	for i := range s.Points {
		s.Points[i].Time = s.Points[i].Time.Add(tickLate)
	}
	return s
}

func (qt querierTest) milliseconds() error {
	const name = monitor.MetricName
	tick := qt.at(20*sampleStep + tickLate)
	var errs []error
	// at asks a little beside a millisecond, and wants the answer to be of that one.
	at := func(promql string, asked, answered time.Time, want monitor.Sample) {
		want.Time = answered
		got, err := qt.query(context.Background(), promql, asked)
		if err == nil {
			err = sameSamples([]monitor.Sample{want}, got)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("Query %s at %v: %w", promql, asked.Format(time.RFC3339Nano), err))
		}
	}
	before := tick.Add(-time.Millisecond)
	at(`conformance_tick`, tick, tick, sample(20, name, "conformance_tick"))
	at(`conformance_tick`, before, before, sample(19, name, "conformance_tick"))
	at(`conformance_tick`, tick.Add(-time.Microsecond), before, sample(19, name, "conformance_tick"))
	at(`conformance_tick`, tick.Add(time.Microsecond), tick, sample(20, name, "conformance_tick"))
	at(`timestamp(conformance_tick)`, tick, tick, sample(float64(tick.UnixMilli())/1000))
	at(`time()`, before, before, sample(float64(before.UnixMilli())/1000))

	r := monitor.Range{From: tick.Add(-2 * time.Millisecond), To: tick.Add(time.Millisecond), Step: time.Millisecond}
	var points []monitor.Point
	for i, v := range []float64{19, 19, 20, 20} {
		points = append(points, monitor.Point{Time: r.From.Add(time.Duration(i) * r.Step), Value: v})
	}
	want := monitor.Series{Labels: monitor.Labels{name: "conformance_tick"}, Points: points}
	beside := monitor.Range{From: r.From.Add(time.Microsecond), To: r.To.Add(999 * time.Microsecond), Step: r.Step}
	return errors.Join(append(errs,
		qt.wantSeries(`conformance_tick`, r, want),
		qt.wantSeries(`conformance_tick`, beside, want))...)
}

// ends checks how long a value is a series' last one.
func (qt querierTest) ends() error {
	const name = monitor.MetricName
	last := qt.at((sampleCount - 1) * sampleStep)
	gone := sample(5, name, "conformance_gone")
	r := monitor.Range{From: qt.at((goneAfter - 1) * sampleStep), To: qt.at((goneAfter + 4) * sampleStep), Step: sampleStep}
	short := monitor.Series{Labels: gone.Labels, Points: []monitor.Point{
		{Time: r.From, Value: 5}, {Time: r.From.Add(sampleStep), Value: 5},
	}}
	return errors.Join(
		qt.wantSamples(`conformance_gone`, qt.at(goneAfter*sampleStep), gone),
		qt.wantSamples(`conformance_gone`, qt.at((goneAfter+1)*sampleStep)),
		qt.wantSamples(`conformance_gone`, qt.at((goneAfter+2)*sampleStep+time.Second)),
		qt.wantSamples(`count_over_time(conformance_gone[1h])`, last, sample(goneAfter+1)),
		qt.wantSeries(`conformance_gone`, r, short),
		qt.wantSamples(`conformance_note`, last.Add(5*time.Minute-time.Second), sample(1, name, "conformance_note", "text", awkwardLabel)),
		qt.wantSamples(`conformance_note`, last.Add(5*time.Minute+time.Second)),
	)
}

// notNumbers asks for what is not one number for each series.
func (qt querierTest) notNumbers() error {
	at := qt.at(5 * time.Minute)
	r := monitor.Range{From: at, To: at.Add(time.Minute), Step: time.Minute}
	var errs []error
	instant := func(promql string) {
		if _, err := qt.query(context.Background(), promql, at); !errors.Is(err, monitor.ErrQueryInvalid) {
			errs = append(errs, fmt.Errorf("Query %s: error = %w: want one that wraps ErrQueryInvalid", promql, orNone(err)))
		}
	}
	ranged := func(promql string) {
		if _, err := qt.queryRange(context.Background(), promql, r); !errors.Is(err, monitor.ErrQueryInvalid) {
			errs = append(errs, fmt.Errorf("QueryRange %s: error = %w: want one that wraps ErrQueryInvalid", promql, orNone(err)))
		}
	}
	const (
		text   = `"text"`
		window = `conformance_celsius[1m]`
		twice  = `conformance_celsius + on () conformance_celsius` // is clear when evaluated only
	)
	instant(window)
	instant(twice)
	ranged(twice)
	if !qt.is(QuerierMetricsQL) {
		instant(text)
		ranged(text)
		ranged(window)
	}
	return errors.Join(errs...)
}

func (qt querierTest) tooMany() error {
	r := monitor.Range{From: qt.base, To: qt.at(10_000 * time.Second), Step: time.Millisecond}
	if _, err := qt.queryRange(context.Background(), `conformance_celsius`, r); !errors.Is(err, monitor.ErrQueryLimit) {
		return fmt.Errorf("QueryRange over ten million steps: error = %w: want one that wraps ErrQueryLimit", orNone(err))
	}
	return qt.wantSamples(`1`, qt.at(time.Minute), sample(1)) // none the worse for it
}

// cancelled gives up at moments that lie closer and closer to an answer: it is
// the right one or the context's error.
func (qt querierTest) cancelled() error {
	const tries = 25
	at := qt.at(5 * time.Minute)
	r := monitor.Range{From: at, To: at.Add(5 * time.Minute), Step: 30 * time.Second}
	const promql = `sum by (code) (rate(conformance_requests_total[2m]))`
	want, err := qt.queryRange(context.Background(), promql, r)
	if err != nil {
		return fmt.Errorf("QueryRange %s: %w", promql, err)
	}
	for i := range tries {
		ctx, cancel := context.WithCancel(context.Background())
		timer := time.AfterFunc(time.Duration(i*i)*20*time.Microsecond, cancel)
		got, err := qt.queryRange(ctx, promql, r)
		timer.Stop()
		cancel()
		if err == nil {
			err = sameSeries(want, got)
		} else if errors.Is(err, context.Canceled) {
			err = nil
		}
		if err != nil {
			return fmt.Errorf("QueryRange %s, cancelled under way: %w", promql, err)
		}
	}
	return qt.wantSamples(`1`, at, sample(1))
}

func (qt querierTest) utf8Names() error {
	at := qt.at(5 * time.Minute)
	want := sample(20, monitor.MetricName, utf8Name, utf8Label, "沪深")
	return errors.Join(
		qt.wantSamples(`{"`+utf8Name+`", "`+utf8Label+`"="沪深"}`, at, want),
		qt.wantSamples(`sum by ("`+utf8Label+`") ({"`+utf8Name+`"})`, at, sample(20, utf8Label, "沪深")),
		qt.wantSeries(`{"`+utf8Name+`"}`, monitor.Range{From: at, To: at, Step: time.Second},
			monitor.Series{Labels: want.Labels, Points: []monitor.Point{{Time: at, Value: 20}}}),
	)
}
