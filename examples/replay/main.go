// Command replay lives through recorded metrics again: it sets gauges to what was
// measured, under a clock of its own, has monitor/history collect them as it
// would in a service, and asks about them in PromQL.
//
//	go run ./examples/replay                        # a generated sample: a week of four hosts
//	go run ./examples/replay -data DIR              # cloud metrics of the Numenta Anomaly Benchmark
//	go run ./examples/replay -data DIR -set realKnownCause -series ambient_temperature_system_failure
//	go run ./examples/replay -speed 100000          # so many times as fast as it happened
//
// The benchmark's data and labels are in the directories of the same names of
// https://github.com/numenta/NAB, side by side below DIR.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/history"
)

// settings are the command line.
type settings struct {
	data, set string
	series    string
	speed     float64
}

func main() {
	var s settings
	flag.StringVar(&s.data, "data", "", "directory of the benchmark's sets and labels; without it a sample is generated")
	flag.StringVar(&s.set, "set", "realAWSCloudwatch", "with -data: which set to replay")
	flag.StringVar(&s.series, "series", "", "the series to look at closely; by default the first with a labelled window")
	flag.Float64Var(&s.speed, "speed", 0, "how many times as fast as it happened; 0: as fast as it goes")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout, s)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "replay:", err)
		os.Exit(1)
	}
}

// run replays until the end of the recording or of ctx, and reports.
func run(ctx context.Context, w io.Writer, s settings) error {
	if s.speed < 0 {
		return fmt.Errorf("-speed = %v: want 0 or more", s.speed)
	}
	rec, err := record(s)
	if err != nil {
		return err
	}
	focus, err := rec.focus(s.series)
	if err != nil {
		return err
	}
	from, to := rec.span()
	clock := newClock(from)
	m, err := monitor.New(monitor.WithClock(clock.now))
	if err != nil {
		return err
	}
	if m.Off() {
		fmt.Fprintln(w, "monitoring is off (MONITOR=off): there is nothing to ask")
		return nil
	}
	kept := to.Sub(from) + 24*step
	db, err := history.New(m,
		history.WithRetention(kept, kept), history.WithStorageSize(1<<30), history.WithSeriesLimit(10_000),
		history.WithInterval(step), history.WithLookback(2*step),
		history.WithWatch(deviation, deviationExpr, step))
	if err != nil {
		return err
	}
	took, err := replay(ctx, m, db, clock, rec, s.speed)
	if err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	// After an interrupt, what there is is shown all the same.
	return report{w: w, db: db, rec: rec, from: from, to: clock.now(), took: took}.print(context.WithoutCancel(ctx), focus)
}

// record loads the recording, or generates one.
func record(s settings) (*recording, error) {
	if s.data == "" {
		return sample(), nil
	}
	return load(os.DirFS(s.data), s.set)
}
