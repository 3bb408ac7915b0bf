package series

import (
	"math"
	"math/rand/v2"
	"slices"
)

// EnergySplit returns where the distribution of y changes the most, as the first
// index of what is other, and how much at each place that leaves the least number
// of values on either side: distance[i] is of the place least+i. It is the energy
// statistic of Székely and Rizzo (2005) with which e-divisive (Matteson and James,
// 2014) splits: level, spread and shape count alike. at is 0 where y is too short.
// It takes time in proportion to the pairs.
func EnergySplit(y []float64, least int) (at int, distance []float64) {
	n, least := len(y), max(least, 2)
	if n < 2*least {
		return 0, nil
	}
	// sums of the distances of pairs: before, after, and across the split
	var before, after, across float64
	for i, a := range y {
		for _, b := range y[i+1:] {
			after += math.Abs(a - b)
		}
	}
	best := math.Inf(-1)
	for k := 1; k <= n-least; k++ {
		v := y[k-1] // goes from after to before
		var left, right float64
		for _, u := range y[:k-1] {
			left += math.Abs(u - v)
		}
		for _, u := range y[k:] {
			right += math.Abs(u - v)
		}
		before += left
		after -= right
		across += right - left
		if k < least {
			continue
		}
		l, r := float64(k), float64(n-k)
		q := l * r / (l + r) * (2*across/(l*r) - 2*before/(l*(l-1)) - 2*after/(r*(r-1)))
		distance = append(distance, q)
		if q > best {
			best, at = q, k
		}
	}
	return at, distance
}

// EDivisive returns where the distribution of y changes, as the first index of each
// new segment (Matteson and James, 2014): segments are split where [EnergySplit]
// says, as long as fewer than the share level of their permutations, which have no
// change, are split as far apart. Values must not depend on each other. Segments
// hold at least the number of values. The same y has the same changes.
func EDivisive(y []float64, least int, level float64) (changes []int) {
	r := rand.New(rand.NewPCG(uint64(len(y)), 1))
	var split func(from, to int)
	split = func(from, to int) {
		at, distance := EnergySplit(y[from:to], least)
		if at == 0 || !unlikely(y[from:to], least, distance[at-max(least, 2)], level, r) {
			return
		}
		split(from, from+at)
		changes = append(changes, from+at)
		split(from+at, to)
	}
	split(0, len(y))
	return changes
}

// unlikely reports whether a distance is one that fewer than the share of
// permutations have.
func unlikely(y []float64, least int, distance, level float64, r *rand.Rand) bool {
	const permutations = 199
	as, most := 1, level*(permutations+1)
	shuffled := slices.Clone(y)
	for range permutations {
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if _, other := EnergySplit(shuffled, least); slices.Max(other) >= distance {
			as++
		}
		if float64(as) > most {
			return false
		}
	}
	return true
}
