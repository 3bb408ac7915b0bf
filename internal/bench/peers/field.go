package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"time"
)

// A field is one thing that is done with everybody's hooks, or with none.
type field struct {
	title     string
	reference string  // the row that ratios are to; "" without ratios
	parts     float64 // what one call counts for, such as the statements of a batch
	rows      []row   // the first one is bare: the others are measured above it
}

// oursHook is the name of our rows.
const oursHook = "chronomon"

// A row is one way to do it.
type row struct {
	name string
	open func(*closers) (doer, error)
}

// doFunc makes a doer of a function that does it once.
type doFunc func()

func (f doFunc) call(n int) {
	for range n {
		f()
	}
}

// closers end what the rows have opened, the last one first.
type closers []func() error

func (c *closers) add(f func() error) { *c = append(*c, f) }

func (c *closers) close() error {
	var errs []error
	for _, f := range slices.Backward(*c) {
		errs = append(errs, f())
	}
	return errors.Join(errs...)
}

// A price is what a row costs above its field's bare row; for that it is its
// own.
type price struct {
	field, row string
	ns         float64 // median
	spread     float64 // ±
	quiet      float64 // first decile
	collected  float64 // median, with the collector's work
	bytes      float64
	allocs     float64
	blocks     int
	dropped    float64
}

type prices []price

// measureFields prices one field after the other.
func measureFields(fields []field, d time.Duration) (prices, error) {
	var list prices
	for _, f := range fields {
		got, err := f.measure(d / time.Duration(len(fields)))
		if err != nil {
			return list, fmt.Errorf("%s: %w", f.title, err)
		}
		list = append(list, got...)
	}
	return list, nil
}

func (f field) measure(d time.Duration) (list prices, err error) {
	var open closers
	defer func() { err = errors.Join(err, open.close()) }()
	doers := make([][]doer, len(f.rows))
	for range instances {
		for i, r := range f.rows {
			did, err := r.open(&open)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", r.name, err)
			}
			did.call(allocRuns) // everything has been seen and settled
			doers[i] = append(doers[i], did)
		}
	}
	list = make(prices, len(f.rows))
	for i, r := range f.rows {
		list[i].field, list[i].row = f.title, r.name
		list[i].bytes, list[i].allocs = allocated(allocRuns, func() { doers[i][0].call(allocRuns) })
	}
	collected := measureCollected(doers, d/2)
	r := measureSerial(doers, d/2)
	for i := range f.rows {
		p, kept := &list[i], r.kept(i)
		p.blocks, p.dropped = len(kept), 1-float64(len(kept))/float64(max(len(r[i]), 1))
		over, quiet := kept, quantile(kept, 0.1)
		p.collected = median(collected.kept(i)) / f.parts
		if i > 0 {
			p.collected = median(collected.over(i, 0)) / f.parts
			over, quiet = r.over(i, 0), quiet-quantile(r.kept(0), 0.1)
			p.bytes -= list[0].bytes
			p.allocs -= list[0].allocs
		}
		p.ns, p.spread, p.quiet = median(over)/f.parts, medianError(over)/f.parts, quiet/f.parts
	}
	for i := range list {
		list[i].bytes /= f.parts
		list[i].allocs /= f.parts
	}
	return list, nil
}

// find returns the price of a row, all NaN if it was not measured.
func (l prices) find(field, row string) price {
	for _, p := range l {
		if p.field == field && p.row == row {
			return p
		}
	}
	nan := math.NaN()
	return price{ns: nan, spread: nan, quiet: nan, collected: nan, bytes: nan, allocs: nan}
}

// ratio is our cost in that field over a peer's, collector included.
func (l prices) ratio(field, peer string) float64 {
	return l.find(field, oursHook).collected / l.find(field, peer).collected
}

func printFields(w io.Writer, fields []field, list prices) {
	for _, f := range fields {
		t := table{head: []string{f.title, "ns", "±", "first decile", "÷ ref", "with GC ns", "÷ ref", "B", "allocs"}, numbers: 8}
		for i, r := range f.rows {
			p, alone, all := list.find(f.title, r.name), "", ""
			if ref := list.find(f.title, f.reference); i > 0 && f.reference != "" {
				alone, all = ratio(p.ns, ref.ns), ratio(p.collected, ref.collected)
			}
			t.add(r.name, ns(p.ns), ns(p.spread), ns(p.quiet), alone, ns(p.collected), all, amount(p.bytes), amount(p.allocs))
		}
		t.print(w)
	}
	if len(list) > 0 {
		fmt.Fprintf(w, "A row is what it adds to the first one of its table, which is bare. Thread CPU time, %d blocks of %d calls, %.0f %% dropped as preempted.\n"+
			"With GC: CPU time of the whole process while the collector works as it would, by which goals are judged. The reference is %s.\n\n",
			list[0].blocks, serialBlock, 100*list[0].dropped, fields[0].reference)
	}
}

func amount(v float64) string {
	if v == math.Trunc(v) {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.1f", v)
}
