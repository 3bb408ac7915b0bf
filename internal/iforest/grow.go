package iforest

import "math"

// Grow grows a tree, in place of the oldest once there are all, from a sample of n
// rows, each of which the function appends to what it is given. It reports whether
// there were two that are finite. It allocates nothing. A forest that was fitted or
// decoded does not grow.
func (f *Forest) Grow(n int, row func(to []float64, i int) []float64) bool {
	if f.random == nil {
		return false
	}
	f.rows = f.rows[:0]
	sample := min(n, len(f.order))
	for i := range sample { // one of each part of them, which are equally long
		low, high := i*n/sample, (i+1)*n/sample
		from := len(f.rows)
		if f.rows = row(f.rows, low+f.random.IntN(high-low)); !finite(f.rows[from:]) {
			f.rows = f.rows[:from]
		}
	}
	return f.grow()
}

// take takes a row into the sample, if it is finite.
func (f *Forest) take(row []float64) {
	if finite(row) {
		f.rows = append(f.rows, row...)
	}
}

// finite reports whether no value is NaN or an infinity: 0 × such a value is NaN.
func finite(row []float64) bool {
	sum := 0.0
	for _, v := range row {
		sum += 0 * v
	}
	return sum == 0
}

// grow grows the next tree from the sample, if there are two rows in it.
func (f *Forest) grow() bool {
	n := len(f.rows) / f.columns
	if n < 2 {
		return false
	}
	for i := range n {
		f.order[i] = int32(i)
	}
	from := f.next << f.depth
	t := tree{
		Forest: f, unit: 1 / Average(n),
		cuts: f.cuts[from : from+1<<f.depth], by: f.by[from : from+1<<f.depth], leaves: f.leaves[from : from+1<<f.depth],
	}
	t.part(1, 0, f.order[:n])
	if f.next++; f.next == f.trees {
		f.next = 0
	}
	f.grown = min(f.grown+1, f.trees)
	return true
}

// A tree is one that grows.
type tree struct {
	*Forest
	cuts   []float64
	by     []uint16
	leaves []float32
	unit   float64
}

// part cuts the rows of a node that is so deep.
func (t *tree) part(node, deep int, rows []int32) {
	if deep < t.depth && len(rows) > 1 {
		if column, cut, ok := t.cut(rows); ok {
			n := t.sides(column, cut, rows)
			t.cuts[node], t.by[node] = cut, uint16(column)
			t.part(2*node, deep+1, rows[:n])
			t.part(2*node+1, deep+1, rows[n:])
			return
		}
	}
	t.end(node, deep, float32((float64(deep)+Average(len(rows)))*t.unit))
}

// end makes all leaves below a node equal.
func (t *tree) end(node, deep int, leaf float32) {
	below := t.depth - deep
	first := node<<below - 1<<t.depth
	for i := first; i < first+1<<below; i++ {
		t.leaves[i] = leaf
	}
	if below > 0 {
		t.cuts[node] = math.NaN()
	}
}

// cut draws a column that varies and a value in its range, above the least.
func (t *tree) cut(rows []int32) (column int, at float64, ok bool) {
	left := t.left
	for i := range left {
		left[i] = i
	}
	for n := len(left); n > 0; n-- {
		i := t.random.IntN(n)
		column = left[i]
		left[i] = left[n-1]
		low, high := t.reach(column, rows)
		if low < high {
			u := t.random.Float64()
			at = low*(1-u) + high*u // and not low + (high-low)*u, which can be too much
			if !(at > low && at <= high) {
				at = high
			}
			return column, at, true
		}
	}
	return 0, 0, false
}

func (t *tree) reach(column int, rows []int32) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, r := range rows {
		v := t.rows[int(r)*t.columns+column]
		low, high = min(low, v), max(high, v)
	}
	return low, high
}

// sides puts the rows that are left of a cut first and returns how many they are.
func (t *tree) sides(column int, at float64, rows []int32) int {
	n := 0
	for i, r := range rows {
		if t.rows[int(r)*t.columns+column] < at {
			rows[i], rows[n] = rows[n], r
			n++
		}
	}
	return n
}

// Average is how deep a search ends, on average, in a binary tree of n values: c(n).
func Average(n int) float64 {
	switch {
	case n < 2:
		return 0
	case n == 2:
		return 1
	}
	const gamma = 0.57721566490153286 // Euler's constant
	m := float64(n - 1)
	return 2*(math.Log(m)+gamma) - 2*m/float64(n)
}
