package main

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/chronoretrace/chronomon/anomaly"
	"github.com/chronoretrace/chronomon/internal/eval/nab"
	"github.com/chronoretrace/chronomon/internal/eval/vus"
)

// An operation is a labelled series of a service.
type operation struct {
	name   string
	rows   []nab.Row
	label  []bool
	step   time.Duration
	unfair int // rows at the beginning that are not scored
}

// operations reads those below a folder: files with a column label beside timestamp
// and value, a row with label 1 being anomalous.
func operations(tree fs.FS) (out []*operation, err error) {
	names, err := fs.Glob(tree, "*/*.csv.gz")
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, errors.New("no labelled series, */*.csv.gz")
	}
	for _, name := range names {
		o := &operation{name: name}
		if o.rows, err = nab.Read(tree, name); err != nil {
			return nil, err
		}
		if o.label, err = labels(tree, name); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if len(o.label) != len(o.rows) || len(o.rows) < 2 {
			return nil, fmt.Errorf("%s: %d labels of %d rows", name, len(o.label), len(o.rows))
		}
		steps := make([]time.Duration, len(o.rows)-1)
		for i := range steps {
			steps[i] = o.rows[i+1].At.Sub(o.rows[i].At)
		}
		slices.Sort(steps)
		o.step = max(time.Second, steps[len(steps)/2])
		o.unfair = int(warmupTime(o.step) / o.step)
		out = append(out, o)
	}
	return out, nil
}

// warmupTime is what the sets' own rules give a method to learn from.
func warmupTime(step time.Duration) time.Duration {
	const day = 24 * time.Hour
	switch {
	case step >= time.Hour:
		return 14 * day
	case step >= 5*time.Minute:
		return 28 * day
	}
	return 7 * day
}

func labels(tree fs.FS, name string) (out []bool, err error) {
	f, err := tree.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // read only
	z, err := gzip.NewReader(bufio.NewReader(f))
	if err != nil {
		return nil, err
	}
	r := csv.NewReader(z)
	head, err := r.Read()
	at := slices.Index(head, "label")
	if err != nil || at < 0 {
		return nil, cmp.Or(err, errors.New(`no column "label"`))
	}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		out = append(out, strings.TrimSpace(row[at]) == "1")
	}
}

// An opsCount is what a detector has found in some of them.
type opsCount struct {
	events, found, falseRuns int
	days                     float64
	volume                   float64 // under the surface of precision and recall, a sum over series
	volumes                  int     // that have events
}

// mostEdge is how many rows of edge the labels are given at most; it is a day where
// that is less.
const mostEdge = 100

// f1 takes a found event for a true alarm, and a run of false ones for one.
func (c opsCount) f1() float64 {
	return 2 * float64(c.found) / max(1, float64(c.found+c.falseRuns+c.events))
}

// count goes through the scores of a series. Rows of alarms without an event that
// follow each other are one false alarm.
func (o *operation) count(scores []float64) (c opsCount) {
	found, before := false, false // of the event, of the row
	for i := o.unfair; i < len(scores); i++ {
		alarm := scores[i] >= anomaly.Threshold
		if o.label[i] {
			if i == o.unfair || !o.label[i-1] {
				c.events++
				found = false
			}
			if alarm && !found {
				c.found++
				found = true
			}
		} else if alarm && !before {
			c.falseRuns++
		}
		before = alarm
	}
	c.days = max(0, float64(len(scores)-o.unfair)) * o.step.Hours() / 24
	if c.events > 0 {
		c.volume = vus.PR(o.label[o.unfair:], scores[o.unfair:], min(mostEdge, int(24*time.Hour/o.step)))
		c.volumes = 1
	}
	return c
}

// scoreOps prints how the detectors do, by the set and step of the series.
func scoreOps(report io.Writer, all []*operation, chosen []string, most float64) error {
	w := tabwriter.NewWriter(report, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(w, "detector\tseries\tevents\tfound\tfalse\ta day\tevent F1\tVUS-PR\t") // an error comes back from Flush
	var errs []error
	for _, name := range chosen {
		counts := map[string]opsCount{}
		for _, o := range all {
			scores, err := feed(o.rows, name, min(nab.ProbationCap, o.unfair))
			if err != nil {
				return err
			}
			c := o.count(scores)
			for _, group := range []string{"all", path.Dir(o.name) + " " + o.step.String()} {
				sum := counts[group]
				sum.events, sum.found, sum.falseRuns, sum.days = sum.events+c.events, sum.found+c.found, sum.falseRuns+c.falseRuns, sum.days+c.days
				sum.volume, sum.volumes = sum.volume+c.volume, sum.volumes+c.volumes
				counts[group] = sum
			}
		}
		for _, group := range slices.Sorted(maps.Keys(counts)) {
			c := counts[group]
			a := float64(c.falseRuns) / max(1, c.days)
			_, _ = fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%.3f\t%.3f\t%.3f\t\n", name, group, c.events, c.found, c.falseRuns, a, c.f1(), c.volume/float64(c.volumes))
			if name == "default" && group == "all" && most > 0 && !(a <= most) {
				errs = append(errs, fmt.Errorf("%.3f false alarms a day of a stream, above %g", a, most))
			}
		}
	}
	return errors.Join(append(errs, w.Flush())...)
}
