// Command lstm forecasts a series of the Numenta Anomaly Benchmark with the network
// of internal/lstm, one step at a time: it learns from the first half, once, and is
// scored on the rows of the second that no label covers.
//
//	go run ./internal/eval/lstm -data realKnownCause/nyc_taxi.csv -labels labels/combined_windows.json
//
// With -max-mae and the like it fails where a bound is not met, with the calendar or
// without. With -inside the first half is all there is: its first three quarters are
// learnt from and its last is forecast, which is what to look at while the network
// is changed, since the test half stays unseen.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/chronoretrace/chronomon/internal/eval/cputime"
	"github.com/chronoretrace/chronomon/internal/eval/nab"
	"github.com/chronoretrace/chronomon/internal/lstm"
)

const (
	day  = 24 * time.Hour
	week = 7 * day
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "lstm:", err)
		os.Exit(1)
	}
}

func run(args []string, report io.Writer) error {
	flags := flag.NewFlagSet("lstm", flag.ContinueOnError)
	path := flags.String("data", "", "the series: timestamp and value")
	labels := flags.String("labels", "", "the labelled windows of the corpus, left out of the score")
	inside := flags.Bool("inside", false, "look at the first half alone")
	epochs := flags.Int("epochs", 20, "how often the first half is learnt from")
	seed := flags.Uint64("seed", 1, "of the first weights")
	var b bounds
	flags.Float64Var(&b.mae, "max-mae", 0, "fail above this mean absolute error; 0: never")
	flags.Float64Var(&b.epoch, "max-epoch", 0, "fail above these seconds of CPU time an epoch; 0: never")
	flags.Float64Var(&b.step, "max-step", 0, "fail above these microseconds a step; 0: never")
	if err := flags.Parse(args); err != nil {
		return err
	}
	s, err := read(*path, *labels)
	if err != nil {
		return err
	}
	s.learnt = len(s.values) / 2
	if *inside {
		s.cut(s.learnt)
		s.learnt = len(s.values) * 3 / 4
	}
	if _, err := fmt.Fprintf(report, "%s: %d rows, %d of them learnt from\n%-24s %8s %16s %12s\n",
		filepath.Base(*path), len(s.values), s.learnt, "", "MAE", "CPU s per epoch", "us per step"); err != nil {
		return err
	}
	for _, back := range []struct {
		name string
		rows int
	}{{"last value", 1}, {"yesterday", s.rows(day)}, {"last week", s.rows(week)}} {
		mae := s.mae(func(i int) float64 { return s.values[max(i-back.rows, 0)] })
		if _, err := fmt.Fprintf(report, "%-24s %8.4g\n", back.name, mae); err != nil {
			return err
		}
	}
	var errs []error
	for _, c := range []struct {
		name    string
		seasons []time.Duration
	}{{"LSTM of values", nil}, {"LSTM with the calendar", []time.Duration{day, week}}} {
		r, err := s.forecast(lstm.Config{Seasons: c.seasons, Epochs: *epochs, Seed: *seed})
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(report, "%-24s %8.4g %16.3f %12.2f\n", c.name, r.mae, r.epoch, r.step); err != nil {
			return err
		}
		if err := b.check(r); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", c.name, err))
		}
	}
	return errors.Join(errs...)
}

// bounds are what results are held to.
type bounds struct{ mae, epoch, step float64 }

func (b bounds) check(r bounds) error {
	var errs []error
	for _, c := range []struct {
		name     string
		got, max float64
	}{{"mean absolute error", r.mae, b.mae}, {"CPU seconds per epoch", r.epoch, b.epoch}, {"microseconds per step", r.step, b.step}} {
		if c.max > 0 && !(c.got <= c.max) {
			errs = append(errs, fmt.Errorf("%s: %.4g is above %g", c.name, c.got, c.max))
		}
	}
	return errors.Join(errs...)
}

// A series is a file, and which of its rows a label covers.
type series struct {
	times    []int64
	values   []float64
	labelled []bool
	learnt   int // the first rows
}

func read(path, labels string) (*series, error) {
	rows, err := nab.Read(os.DirFS(filepath.Dir(path)), filepath.Base(path))
	if err != nil {
		return nil, err
	}
	windows := map[string][][2]string{}
	if labels != "" {
		data, err := os.ReadFile(labels)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(data, &windows); err != nil {
			return nil, fmt.Errorf("%s: %w", labels, err)
		}
	}
	s := &series{labelled: make([]bool, len(rows))}
	for _, r := range rows {
		s.times, s.values = append(s.times, r.At.UnixMilli()), append(s.values, r.Value)
	}
	name := filepath.ToSlash(filepath.Join(filepath.Base(filepath.Dir(path)), filepath.Base(path)))
	for _, w := range windows[name] {
		var edge [2]time.Time
		for i := range edge {
			if edge[i], err = time.Parse(time.DateTime, w[i]); err != nil {
				return nil, fmt.Errorf("%s: %w", labels, err)
			}
		}
		for i, r := range rows {
			s.labelled[i] = s.labelled[i] || (!r.At.Before(edge[0]) && !r.At.After(edge[1]))
		}
	}
	return s, nil
}

// cut leaves the first rows.
func (s *series) cut(rows int) {
	s.times, s.values, s.labelled = s.times[:rows], s.values[:rows], s.labelled[:rows]
}

// rows is how many rows a span has.
func (s *series) rows(span time.Duration) int {
	if len(s.times) < 2 {
		return 1
	}
	step := float64(s.times[len(s.times)-1]-s.times[0]) / float64(len(s.times)-1)
	return max(int(math.Round(float64(span.Milliseconds())/step)), 1)
}

// mae is the mean absolute error in the rows that are neither learnt from nor
// labelled.
func (s *series) mae(forecast func(row int) float64) float64 {
	var sum float64
	var n int
	for i := s.learnt; i < len(s.values); i++ {
		if !s.labelled[i] {
			sum += math.Abs(s.values[i] - forecast(i))
			n++
		}
	}
	return sum / float64(n)
}

func (s *series) forecast(c lstm.Config) (r bounds, err error) {
	t, err := lstm.NewTrainer(c, s.times[:s.learnt], s.values[:s.learnt])
	if err != nil {
		return r, err
	}
	before := cputime.Spent()
	p := t.Train(context.Background(), math.MaxInt64)
	r.epoch = (cputime.Spent() - before).Seconds() / float64(p.Epochs)

	const walks = 20 // for the clock: one is some milliseconds
	out := make([]float64, len(s.values))
	state := t.Model().Begin()
	before = cputime.Spent()
	for range walks {
		state.Reset()
		for i := 1; i < len(out); i++ {
			out[i] = state.Step(s.values[i-1], s.times[i])
		}
	}
	r.step = (cputime.Spent() - before).Seconds() * 1e6 / float64(walks*(len(out)-1))
	r.mae = s.mae(func(i int) float64 { return out[i] })
	return r, nil
}
