// Command forecast forecasts series of the M4 competition with anomaly/trend, as
// a host would, and scores them.
//
//	go run ./internal/eval/forecast -freq hourly -train hourly_train.csv.gz -test hourly_test.csv.gz -out forecasts.csv
//
// Without -test nothing is scored; with -max-owa and the like it fails where a
// score is not met. With -back n it is the n-th last horizon of the training data
// that is forecast, with -through m all back to the m-th last: what to look at while
// the methods are changed, since the test data stays unseen.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/chronoretrace/chronomon/anomaly/trend"
	"github.com/chronoretrace/chronomon/internal/eval/cputime"
	"github.com/chronoretrace/chronomon/internal/eval/m4"
	"github.com/chronoretrace/chronomon/internal/series"
	"github.com/chronoretrace/chronomon/monitor"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "forecast:", err)
		os.Exit(1)
	}
}

func run(args []string, report io.Writer) error {
	flags := flag.NewFlagSet("forecast", flag.ContinueOnError)
	name := flags.String("freq", "hourly", "hourly, daily or weekly")
	trainPath := flags.String("train", "", "series to learn from")
	testPath := flags.String("test", "", "what came, to score with")
	out := flags.String("out", "", "file for the forecasts")
	back := flags.Int("back", 0, "forecast the n-th last horizon of the training data, and score that")
	through := flags.Int("through", 0, "with -back: and all from there back to the n-th last, scored together")
	var b bounds
	flags.Float64Var(&b.owa, "max-owa", 0, "fail above this OWA; 0: never")
	flags.Float64Var(&b.msis, "max-msis", 0, "fail above this MSIS; 0: never")
	flags.Float64Var(&b.least, "min-cover", 0, "fail if the 95 % interval holds a smaller share")
	flags.Float64Var(&b.most, "max-cover", 1, "fail if the 95 % interval holds a larger share")
	flags.Float64Var(&b.p50, "max-p50", 0, "fail above this median of milliseconds; 0: never")
	flags.Float64Var(&b.p99, "max-p99", 0, "fail above this 99th percentile of milliseconds; 0: never")
	if err := flags.Parse(args); err != nil {
		return err
	}
	freq, err := m4.Lookup(*name)
	if err != nil {
		return err
	}
	train, err := m4.Read(*trainPath)
	if err != nil {
		return err
	}
	var test []m4.Series
	switch {
	case *back > 0:
		train, test = heldBack(train, freq.Horizon, *back, max(*back, *through))
	case *testPath != "":
		if test, err = m4.Read(*testPath); err != nil {
			return err
		}
	}
	forecasts, times, err := forecastAll(freq, train)
	if err != nil {
		return err
	}
	if *out != "" {
		if err := write(*out, freq.Horizon, forecasts); err != nil {
			return err
		}
	}
	p50, p99 := series.Quantile(times, 0.5), series.Quantile(times, 0.99)
	_, err = fmt.Fprintf(report, "%s: %d series, CPU time of each: p50 %.1f ms, p99 %.1f ms\n", freq.Name, len(train), p50, p99)
	if err != nil || test == nil {
		return err
	}
	s, err := m4.Score(freq, train, test, forecasts)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(report, "  sMAPE %.3f  MASE %.3f  OWA %.4f (Naive2: %.3f, %.3f)\n  95 %% interval: coverage %.2f %%  MSIS %.3f\n  much worse than seasonal naive: %.1f %% of series\n",
		s.SMAPE, s.MASE, s.OWA, s.NaiveSMAPE, s.NaiveMASE, 100*s.Coverage, s.MSIS, 100*s.MuchWorse)
	return errors.Join(err, b.check(s, p50, p99))
}

// bounds are what scores are held to.
type bounds struct{ owa, msis, least, most, p50, p99 float64 }

func (b bounds) check(s m4.Scores, p50, p99 float64) error {
	var errs []error
	for _, c := range []struct {
		name     string
		got, max float64
	}{{"OWA", s.OWA, b.owa}, {"MSIS", s.MSIS, b.msis}, {"the median of milliseconds", p50, b.p50}, {"the 99th percentile of milliseconds", p99, b.p99}} {
		if c.max > 0 && !(c.got <= c.max) {
			errs = append(errs, fmt.Errorf("%s is %.4g, above %g", c.name, c.got, c.max))
		}
	}
	if !(s.Coverage >= b.least && s.Coverage <= b.most) {
		errs = append(errs, fmt.Errorf("coverage is %.4f, not from %g to %g", s.Coverage, b.least, b.most))
	}
	return errors.Join(errs...)
}

// heldBack cuts horizons off, from the n-th last to the m-th last, each of which
// makes a series of its own; what is too short for that is left out.
func heldBack(all []m4.Series, horizon, n, m int) (train, test []m4.Series) {
	for k := n; k <= m; k++ {
		for _, s := range all {
			at := len(s.Values) - k*horizon
			if at < 3*horizon {
				continue
			}
			id := fmt.Sprintf("%s-%d", s.ID, k)
			train = append(train, m4.Series{ID: id, Values: s.Values[:at]})
			test = append(test, m4.Series{ID: id, Values: s.Values[at : at+horizon]})
		}
	}
	return train, test
}

// forecastAll forecasts one series after another and returns the milliseconds of
// CPU time that they took, sorted.
func forecastAll(freq m4.Frequency, all []m4.Series) (out []m4.Forecast, times []float64, err error) {
	start := time.Date(2026, time.January, 5, 0, 0, 0, 0, time.UTC) // the competition gives no dates
	for _, s := range all {
		points := make([]monitor.Point, len(s.Values))
		for i, v := range s.Values {
			points[i] = monitor.Point{Time: start.Add(time.Duration(i) * freq.Step), Value: v}
		}
		before := cputime.Spent()
		f, err := trend.Predict(points, freq.Horizon)
		times = append(times, float64(cputime.Spent()-before)/float64(time.Millisecond))
		if err != nil {
			return nil, nil, fmt.Errorf("series %s: %w", s.ID, err)
		}
		fc := m4.Forecast{ID: s.ID}
		for _, p := range f.Points {
			fc.Mean, fc.Low, fc.High = append(fc.Mean, p.Value), append(fc.Low, p.Low), append(fc.High, p.High)
		}
		out = append(out, fc)
	}
	slices.Sort(times)
	return out, times, nil
}

func write(path string, horizon int, forecasts []m4.Forecast) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := m4.Write(f, horizon, forecasts); err != nil {
		_ = f.Close() // the error before says more
		return err
	}
	return f.Close()
}
