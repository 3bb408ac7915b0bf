package iforest

import "math"

// Score is the score of one row, above 0 and below 1. One with a NaN has NaN, and so
// has any before a tree is grown.
func (f *Forest) Score(row []float64) float64 { return math.Exp2(-f.Depth(row)) }

// Depth is how deep a row lies, as a multiple of what is to be expected by chance.
// A score is 2^-Depth.
func (f *Forest) Depth(row []float64) float64 {
	row = row[:f.columns]
	if f.grown == 0 || hasNaN(row) {
		return math.NaN()
	}
	sum, width := 0.0, 1<<f.depth
	for from := 0; from < f.grown*width; from += width {
		cuts, by := f.cuts[from:from+width], f.by[from:from+width]
		i := 1
		for range f.depth {
			i = 2*i + 1 - below(row[by[i]], cuts[i])
		}
		sum += float64(f.leaves[from+i-width])
	}
	return sum / float64(f.grown)
}

// block is how many rows go through a tree together. With a tree, they stay in the
// first cache; and since all of them take a step before any takes the next, none has
// to be waited for.
const block = 256

// ScoreAll writes the score of each row, which lie one after another, to out. It
// gives what Score gives, sooner, and allocates nothing.
func (f *Forest) ScoreAll(out, rows []float64) {
	out = out[:len(rows)/f.columns]
	for len(out) > 0 {
		n := min(block, len(out))
		f.scoreBlock(out[:n], rows[:n*f.columns])
		out, rows = out[n:], rows[n*f.columns:]
	}
}

func (f *Forest) scoreBlock(out, rows []float64) {
	var nodes [block]uint32
	at := nodes[:len(out)]
	clear(out)
	for from, width := 0, 1<<f.depth; from < f.grown*width; from += width {
		cuts, by, leaves := f.cuts[from:from+width], f.by[from:from+width], f.leaves[from:from+width]
		for r := range at {
			at[r] = 1
		}
		for range f.depth {
			row := 0
			for r, i := range at {
				at[r] = uint32(2*int(i) + 1 - below(rows[row+int(by[i])], cuts[i]))
				row += f.columns
			}
		}
		for r, i := range at {
			out[r] += float64(leaves[int(i)-width])
		}
	}
	for i, sum := range out {
		out[i] = math.Exp2(-sum / float64(f.grown))
		if hasNaN(rows[i*f.columns : (i+1)*f.columns]) {
			out[i] = math.NaN()
		}
	}
}

// below is 1 for a value left of a cut and 0 otherwise: the sign of the difference,
// for which no branch has to be guessed.
func below(v, cut float64) int { return int(math.Float64bits(v-cut) >> 63) }

func hasNaN(row []float64) bool {
	for _, v := range row {
		if v != v {
			return true
		}
	}
	return false
}
