package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"sync"
	"text/tabwriter"

	"github.com/chronoretrace/chronomon/internal/eval/nab"
	"github.com/chronoretrace/chronomon/internal/unseen"
)

// A parameter is one that is fitted, with the values that are tried.
type parameter struct {
	name   string
	field  func(*unseen.Config) *float64
	values []float64
}

var parameters = []parameter{
	{"floor", func(c *unseen.Config) *float64 { return &c.Floor }, []float64{0, 0.02, 0.05, 0.1}},
	{"other", func(c *unseen.Config) *float64 { return &c.Other }, []float64{0, 0.05, 0.1, 0.2}},
	{"spread", func(c *unseen.Config) *float64 { return &c.Spread }, []float64{0.5, 0.7, 0.85, 1}},
	{"decay", func(c *unseen.Config) *float64 { return &c.Decay }, []float64{0.1, 0.15, 0.2}},
	{"drift", func(c *unseen.Config) *float64 { return &c.Drift }, []float64{0.005, 0.01, 0.02}},
	{"growth", func(c *unseen.Config) *float64 { return &c.Growth }, []float64{1.5, 2, 3}},
	{"power", func(c *unseen.Config) *float64 { return &c.Power }, []float64{8, 12, 16}},
	{"quiet", func(c *unseen.Config) *float64 { return &c.Quiet }, []float64{0.15, 0.25, 0.35}},
	{"rise", func(c *unseen.Config) *float64 { return &c.Rise }, []float64{1, 1.1, 1.2}},
	{"shape", func(c *unseen.Config) *float64 { return &c.Shape }, []float64{0, 0.02, 0.05}},
}

// neutral is where a fit begins: every device that can be switched off is.
func neutral() unseen.Config {
	c := unseen.Default()
	c.Floor, c.Other, c.Spread, c.Shape = 0, 0, 1, 0
	c.Decay, c.Drift, c.Growth, c.Power, c.Quiet, c.Rise = 0.2, 0.005, 2, 12, 0.25, 1.1
	return c
}

const leastGain = 0.15 // of the objective, for a parameter to be changed

// weights are those of the profiles in the objective.
var weights = [3]float64{1, 0.6, 0.6}

// around are the factors of the best threshold over which the objective is the mean:
// a set of parameters that is good at one threshold by chance is not good around it.
var around = []float64{0.92, 0.95, 0.98, 1, 1.02, 1.05, 1.08}

// A fitter fits on some of the files. It keeps the scores of all sets of parameters
// that it has tried.
type fitter struct {
	files []*nab.File
	p     probation
	known map[unseen.Config][][]float64
}

// leaveOut prints how each category fares with what was fitted on the others, first
// the threshold alone and then all parameters.
func leaveOut(report io.Writer, files []*nab.File, p probation, least [3]float64) error {
	f := &fitter{files: files, p: p, known: map[unseen.Config][][]float64{}}
	if _, err := fmt.Fprintln(report, "left out, with the threshold of the others and the default's parameters:"); err != nil {
		return err
	}
	if _, err := f.table(report, func([]bool) (unseen.Config, error) { return unseen.Default(), nil }); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(report, "left out, with the threshold and the parameters that the others are best with:"); err != nil {
		return err
	}
	total, err := f.table(report, f.fit)
	errs := []error{err}
	for i, profile := range nab.Profiles {
		if err == nil && !(total[i] >= least[i]) {
			errs = append(errs, fmt.Errorf("%s: left out, the score is %.2f, below %g", profile.Name, total[i], least[i]))
		}
	}
	return errors.Join(errs...)
}

// table prints a row for each category, fitted on the others, and one for all
// together, whose scores it returns.
func (f *fitter) table(report io.Writer, fit func(use []bool) (unseen.Config, error)) (total [3]float64, err error) {
	w := tabwriter.NewWriter(report, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprint(w, "category\twindows\t") // an error comes back from Flush
	for _, profile := range nab.Profiles {
		_, _ = fmt.Fprintf(w, "%s\tfound\tfalse\t", profile.Name)
	}
	for _, p := range parameters {
		_, _ = fmt.Fprintf(w, "%s\t", p.name)
	}
	_, _ = fmt.Fprintln(w)
	var all, found, falseRows [3]float64
	windows := 0
	for _, category := range f.categories() {
		others := make([]bool, len(f.files))
		left := make([]bool, len(f.files))
		for i, file := range f.files {
			others[i], left[i] = file.Category() != category, file.Category() == category
		}
		c, err := fit(others)
		if err != nil {
			return total, err
		}
		in, err := f.sheet(c, others)
		if err != nil {
			return total, err
		}
		out, err := f.sheet(c, left)
		if err != nil {
			return total, err
		}
		n := 0
		for i, file := range f.files {
			if left[i] {
				n += len(file.Windows)
			}
		}
		windows += n
		_, _ = fmt.Fprintf(w, "%s\t%d\t", category, n)
		for i, profile := range nab.Profiles {
			r := out.At(profile, in.Best(profile).Threshold)
			gain := r.Sum + profile.FalseNegative*float64(n) // over one that never alarms
			all[i] += gain
			found[i] += float64(r.Found)
			falseRows[i] += float64(r.FalseRows)
			_, _ = fmt.Fprintf(w, "%.2f\t%d\t%d\t", 100*gain/(max(1, float64(n))*(profile.TruePositive+profile.FalseNegative)), r.Found, r.FalseRows)
		}
		for _, p := range parameters {
			_, _ = fmt.Fprintf(w, "%g\t", *p.field(&c))
		}
		_, _ = fmt.Fprintln(w)
	}
	_, _ = fmt.Fprintf(w, "together\t%d\t", windows)
	for i, profile := range nab.Profiles {
		total[i] = 100 * all[i] / (float64(windows) * (profile.TruePositive + profile.FalseNegative))
		_, _ = fmt.Fprintf(w, "%.2f\t%.0f\t%.0f\t", total[i], found[i], falseRows[i])
	}
	_, _ = fmt.Fprintln(w)
	return total, w.Flush()
}

func (f *fitter) categories() (out []string) {
	for _, file := range f.files {
		if c := file.Category(); !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

// fit changes one parameter after another, always the one with the greatest gain,
// until none has enough.
func (f *fitter) fit(use []bool) (unseen.Config, error) {
	best := neutral()
	most, err := f.objective(best, use)
	for changed := true; changed && err == nil; {
		changed = false
		from, least := best, most+leastGain
		for _, p := range parameters {
			for _, v := range p.values {
				c := from
				if *p.field(&c) == v {
					continue
				}
				*p.field(&c) = v
				var got float64
				if got, err = f.objective(c, use); err != nil {
					return best, err
				}
				if got > max(most, least) {
					best, most, changed = c, got, true
				}
			}
		}
	}
	return best, err
}

// objective is what a fit makes the most of.
func (f *fitter) objective(c unseen.Config, use []bool) (float64, error) {
	sheet, err := f.sheet(c, use)
	if err != nil {
		return 0, err
	}
	var sum, all float64
	for i, profile := range nab.Profiles {
		best := sheet.Best(profile).Threshold
		for _, factor := range around {
			sum += weights[i] * sheet.At(profile, asScore(c, factor*asRatio(c, best))).Score / float64(len(around))
		}
		all += weights[i]
	}
	return sum / all, nil
}

func asScore(c unseen.Config, ratio float64) float64 { return ratio / (ratio + c.Limit) }
func asRatio(c unseen.Config, score float64) float64 { return c.Limit * score / (1 - score) }

// sheet holds the scores of some of the files.
func (f *fitter) sheet(c unseen.Config, use []bool) (*nab.Sheet, error) {
	scores, ok := f.known[c]
	if !ok {
		scores = f.scores(c)
		f.known[c] = scores
	}
	var files []*nab.File
	var some [][]float64
	for i, file := range f.files {
		if use[i] {
			files, some = append(files, file), append(some, scores[i])
		}
	}
	return nab.NewSheet(files, some)
}

// scores runs a detector over each file. Repeats have none.
func (f *fitter) scores(c unseen.Config) [][]float64 {
	out := make([][]float64, len(f.files))
	var wg sync.WaitGroup
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, file := range f.files {
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			c := c
			c.Warmup = warmup(f.p.rows(len(file.Rows)))
			d := unseen.New(c)
			out[i] = make([]float64, len(file.Rows))
			last := -1
			for j, r := range file.Rows {
				if math.IsNaN(r.Value) || (last >= 0 && !r.At.After(file.Rows[last].At)) {
					continue
				}
				last = j
				if s := d.Observe(float64(r.At.Unix()), r.Value); !s.Repeat {
					out[i][j] = asScore(c, s.Ratio)
				}
			}
		})
	}
	wg.Wait()
	return out
}
