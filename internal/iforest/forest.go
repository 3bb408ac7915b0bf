package iforest

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
)

// ErrShort is wrapped where there are fewer than two rows that are finite.
var ErrShort = errors.New("fewer than two finite rows")

// A Config says what a forest is made of. Zero values are the defaults.
type Config struct {
	Trees  int    // 100, as of the paper; up to 1,000
	Sample int    // rows that a tree is grown from: 256, as of the paper; from 2 to 1,024
	Seed   uint64 // of all that is drawn

	// Contamination is the share of rows that are taken for anomalies, which gives
	// Threshold: 0.1, above 0 and up to 0.5.
	Contamination float64
}

const (
	mostTrees   = 1000
	mostDepth   = 10 // of a sample of 1,024
	mostColumns = 1 << 16
)

// check sets the defaults.
func (c *Config) check() error {
	if c.Trees == 0 {
		c.Trees = 100
	}
	if c.Sample == 0 {
		c.Sample = 256
	}
	if c.Contamination == 0 {
		c.Contamination = 0.1
	}
	switch {
	case c.Trees < 1 || c.Trees > mostTrees:
		return fmt.Errorf("iforest: %d trees, not from 1 to %d", c.Trees, mostTrees)
	case c.Sample < 2 || c.Sample > 1<<mostDepth:
		return fmt.Errorf("iforest: a sample of %d, not from 2 to %d", c.Sample, 1<<mostDepth)
	case !(c.Contamination > 0 && c.Contamination <= 0.5):
		return fmt.Errorf("iforest: contamination %v is not above 0 and up to 0.5", c.Contamination)
	}
	return nil
}

// A Forest scores rows. To score is safe for concurrent use, to grow is not.
//
// All trees have the same depth and lie in arrays, the children of node i, from 1 on,
// at 2i and 2i+1: where a tree ends early, all leaves below are equal and what is
// compared does not matter. So a row takes the same steps whatever it holds, none of
// which has to be guessed.
type Forest struct {
	columns, depth int
	trees, grown   int       // how many there can be, and are
	next           int       // the tree that gives way
	cuts           []float64 // the values, NaN for none where a tree has ended
	by             []uint16  // the columns
	leaves         []float32 // h / c
	threshold      float64
	random         *rand.Rand
	rows           []float64 // that a tree grows from
	order          []int32   // of rows, parted in place
	left           []int     // columns to try
}

// New returns a forest of rows of so many columns, without a tree.
func New(columns int, c Config) (*Forest, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if columns < 1 || columns > mostColumns {
		return nil, fmt.Errorf("iforest: %d columns, not from 1 to %d", columns, mostColumns)
	}
	f := newForest(columns, c.Trees, bits.Len(uint(c.Sample-1)))
	f.random = rand.New(rand.NewPCG(c.Seed, 0x1503_2008))
	f.rows = make([]float64, 0, columns*c.Sample)
	f.order = make([]int32, c.Sample)
	f.left = make([]int, columns)
	return f, nil
}

func newForest(columns, trees, depth int) *Forest {
	return &Forest{
		columns: columns, trees: trees, depth: depth,
		cuts: make([]float64, trees<<depth), by: make([]uint16, trees<<depth), leaves: make([]float32, trees<<depth),
	}
}

// Fit returns a forest of rows, which lie one after another. Rows that hold NaN or an
// infinity are not learnt from. How long it takes does not depend on how many rows
// there are. The error wraps ErrShort or says what of the arguments is wrong.
func Fit(rows []float64, columns int, c Config) (*Forest, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if columns < 1 || len(rows)%columns != 0 {
		return nil, fmt.Errorf("iforest: %d values in %d columns", len(rows), columns)
	}
	n := len(rows) / columns
	if n < 2 {
		return nil, fmt.Errorf("iforest: %w: %d rows", ErrShort, n)
	}
	c.Sample = min(c.Sample, n)
	f, err := New(columns, c)
	if err != nil {
		return nil, err
	}
	drawn := make(map[int]struct{}, c.Sample)
	for range c.Trees {
		clear(drawn)
		f.rows = f.rows[:0]
		for top := n - c.Sample; top < n; top++ { // Floyd's: each set of rows is as likely
			i := f.random.IntN(top + 1)
			if _, ok := drawn[i]; ok {
				i = top
			}
			drawn[i] = struct{}{}
			f.take(rows[i*columns : (i+1)*columns])
		}
		if !f.grow() {
			return nil, fmt.Errorf("iforest: %w: in a sample of %d of %d", ErrShort, c.Sample, n)
		}
	}
	f.threshold = f.quantile(rows, 1-c.Contamination)
	f.rows, f.order, f.left, f.random = nil, nil, nil, nil
	return f, nil
}

// judged is from how many rows a threshold is taken at most: its share is then within
// one of a hundred, and it takes as long as growing does.
const judged = 4096

// quantile is one of the scores of rows, or of some where there are too many.
func (f *Forest) quantile(rows []float64, q float64) float64 {
	if n := len(rows) / f.columns; n > judged {
		some := make([]float64, 0, judged*f.columns)
		for range judged {
			i := f.random.IntN(n)
			some = append(some, rows[i*f.columns:(i+1)*f.columns]...)
		}
		rows = some
	}
	scores := make([]float64, len(rows)/f.columns)
	f.ScoreAll(scores, rows)
	scores = slices.DeleteFunc(scores, math.IsNaN)
	if len(scores) == 0 {
		return 1
	}
	slices.Sort(scores)
	return scores[int(q*float64(len(scores)-1))]
}

// Full reports whether all trees are grown.
func (f *Forest) Full() bool { return f.grown == f.trees }

// Threshold is the score that the share of rows named by the contamination exceeds,
// of those that [Fit] saw. Above 4,096 rows it is that of as many drawn.
func (f *Forest) Threshold() float64 { return f.threshold }
