// Command anomaly runs detectors over series and scores what they find.
//
//	go run ./internal/eval/anomaly -data ../shared/data/nab -out scores
//	go run ./internal/eval/anomaly -data ../shared/data/nab -detector all -score
//	go run ./internal/eval/anomaly -data ../shared/data/ops -detector all -ops
//
// The data is a tree of CSV files, plain or .gz, with the columns timestamp and
// value. Each is fed row by row to a new detector, which knows nothing of it but how
// many rows it begins with are for learning; the output is the same tree with the
// columns timestamp, value and anomaly_score. With -score the tree is the corpus of
// the Numenta Anomaly Benchmark, and with -loco the parameters of the default
// detector are fitted anew, leaving out one category of files after another.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/chronoretrace/chronomon/internal/eval/cputime"
	"github.com/chronoretrace/chronomon/internal/eval/nab"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "anomaly:", err)
		os.Exit(1)
	}
}

func run(args []string, report io.Writer) error {
	flags := flag.NewFlagSet("anomaly", flag.ContinueOnError)
	data := flags.String("data", "", "tree of series")
	out := flags.String("out", "", "folder for the scores; with several detectors, one in it for each; empty: none")
	name := flags.String("detector", "default", "name of a detector, or all: "+strings.Join(names(), ", "))
	var p probation
	flags.Float64Var(&p.share, "probation-share", nab.ProbationShare, "share of a file's rows that are for learning")
	flags.IntVar(&p.limit, "probation-cap", nab.ProbationCap, "the most rows for learning")
	score := flags.Bool("score", false, "score as the Numenta Anomaly Benchmark does")
	loco := flags.Bool("loco", false, "fit the default detector leaving out one category after another, and score that")
	ops := flags.Bool("ops", false, "score on the labelled series of services in data/*/*.csv.gz")
	maxADay := flags.Float64("max-false-a-day", 0, "with -ops, fail above so many false alarms of the default detector per stream and day; 0: never")
	var b bounds
	for i, profile := range []string{"standard", "low-fp", "low-fn"} {
		flags.Float64Var(&b.score[i], "min-"+profile, 0, "fail if the default detector has a lower score")
		flags.Float64Var(&b.loco[i], "min-loco-"+profile, 0, "fail if all left-out categories together have a lower score")
	}
	flags.IntVar(&b.windows, "min-windows", 0, "fail if the default detector finds fewer windows")
	flags.IntVar(&b.falseRows, "max-false", 0, "fail above so many false alarms of the default detector; 0: never")
	if err := flags.Parse(args); err != nil {
		return err
	}
	chosen := names()
	if *name != "all" {
		if !slices.Contains(chosen, *name) {
			return fmt.Errorf("detector %q is none of %s", *name, strings.Join(chosen, ", "))
		}
		chosen = []string{*name}
	}
	if *out != "" {
		for _, n := range chosen {
			to := *out
			if len(chosen) > 1 {
				to = filepath.Join(to, n)
			}
			if err := mirror(*data, to, n, p); err != nil {
				return err
			}
		}
	}
	if *ops {
		all, err := operations(os.DirFS(*data))
		if err != nil {
			return err
		}
		return scoreOps(report, all, chosen, *maxADay)
	}
	if !*score && !*loco {
		return nil
	}
	files, err := nab.Corpus(os.DirFS(*data))
	if err != nil {
		return err
	}
	var errs []error
	if *score {
		errs = append(errs, scoreAll(report, files, chosen, p, b))
	}
	if *loco {
		errs = append(errs, leaveOut(report, files, p, b.loco))
	}
	return errors.Join(errs...)
}

// probation says how many rows of a file are for learning.
type probation struct {
	share float64
	limit int
}

func (p probation) rows(n int) int { return nab.Probation(n, p.share, p.limit) }

// bounds are what the default detector is held to, by profile.
type bounds struct {
	score, loco        [3]float64
	windows, falseRows int
}

// scoreAll prints a row for each detector.
func scoreAll(report io.Writer, files []*nab.File, chosen []string, p probation, b bounds) error {
	w := tabwriter.NewWriter(report, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprint(w, "detector\t") // an error comes back from Flush
	for _, profile := range nab.Profiles {
		_, _ = fmt.Fprintf(w, "%s\tfound\tfalse\tat\t", profile.Name)
	}
	_, _ = fmt.Fprintln(w, "µs\t")
	var errs []error
	for _, name := range chosen {
		before := cputime.Spent()
		scores, rows := make([][]float64, len(files)), 0
		for i, f := range files {
			s, err := feed(f.Rows, name, p.rows(len(f.Rows)))
			if err != nil {
				return err
			}
			scores[i] = s
			rows += len(s)
		}
		took := float64(cputime.Spent()-before) / float64(time.Microsecond) / float64(rows)
		sheet, err := nab.NewSheet(files, scores)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		_, _ = fmt.Fprintf(w, "%s\t", name)
		for i, profile := range nab.Profiles {
			r := sheet.Best(profile)
			_, _ = fmt.Fprintf(w, "%.2f\t%d\t%d\t%.4f\t", r.Score, r.Found, r.FalseRows, r.Threshold)
			if name == "default" {
				errs = append(errs, b.check(i, profile.Name, r))
			}
		}
		_, _ = fmt.Fprintf(w, "%.2f\t\n", took)
	}
	return errors.Join(append(errs, w.Flush())...)
}

func (b bounds) check(i int, profile string, r nab.Result) error {
	var errs []error
	if !(r.Score >= b.score[i]) {
		errs = append(errs, fmt.Errorf("%s: the score is %.2f, below %g", profile, r.Score, b.score[i]))
	}
	if r.Found < b.windows {
		errs = append(errs, fmt.Errorf("%s: %d windows are found, fewer than %d", profile, r.Found, b.windows))
	}
	if b.falseRows > 0 && r.FalseRows > b.falseRows {
		errs = append(errs, fmt.Errorf("%s: %d false alarms, above %d", profile, r.FalseRows, b.falseRows))
	}
	return errors.Join(errs...)
}
