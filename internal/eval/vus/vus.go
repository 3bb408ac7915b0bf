// Package vus scores detectors without a threshold, on series whose labels are not
// exact to the row.
//
// Source: J. Paparrizos, P. Boniol, T. Palpanas, R. Tsay, A. Elmore, M. Franklin:
// Volume Under the Surface: A New Accuracy Evaluation Measure for Time-Series Anomaly
// Detection, PVLDB 2022. All thresholds are gone through, where its authors' program
// takes 250 of them.
package vus

import (
	"cmp"
	"math"
	"slices"
)

// widths is how many widths of the labels' edges the volume is computed from.
const widths = 10

// PR is the volume under the surface of precision and recall: the mean of the areas
// with edges of the labels from 0 to window rows wide. It is 1 for scores that are
// highest in all events, and for such that know nothing about the share of rows in
// events. It is NaN without an event. A score that is NaN is the lowest.
func PR(labels []bool, scores []float64, window int) float64 {
	var sum float64
	for i := range widths + 1 {
		sum += area(labels, scores, window*i/widths)
	}
	return sum / (widths + 1)
}

// An event is the rows from first up to last.
type event struct{ first, last int }

func events(labels []bool) (out []event) {
	for i, is := range labels {
		switch {
		case !is:
		case i > 0 && labels[i-1]:
			out[len(out)-1].last = i
		default:
			out = append(out, event{i, i})
		}
	}
	return out
}

// area is that under the curve of precision and recall, with edges of a width: half
// of it before the event and half after it, where the label falls from 1 as a root.
func area(labels []bool, scores []float64, width int) float64 {
	all := events(labels)
	if len(all) == 0 {
		return math.NaN()
	}
	soft := make([]float64, len(labels))
	of := make([][]int, len(labels)) // events, by row
	var hard float64
	for k, e := range all {
		for i := max(0, e.first-width/2); i <= min(len(labels)-1, e.last+width/2); i++ {
			away := max(e.first-i, i-e.last, 0)
			of[i] = append(of[i], k)
			soft[i] = min(1, soft[i]+math.Sqrt(1-float64(away)/max(1, float64(width))))
		}
		hard += float64(e.last - e.first + 1)
	}
	var total float64
	for _, v := range soft {
		total += v
	}
	positives := (hard + total) / 2
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) }) // NaN comes last
	var sum, before, hits float64
	touched, there := make([]bool, len(all)), 0.0
	for i := 0; i < len(order); {
		score := scores[order[i]]
		for ; i < len(order) && cmp.Compare(scores[order[i]], score) == 0; i++ {
			row := order[i]
			hits += soft[row]
			for _, k := range of[row] {
				if !touched[k] {
					touched[k] = true
					there++
				}
			}
		}
		recall := min(1, hits/positives) * there / float64(len(all))
		sum += (recall - before) * hits / float64(i)
		before = recall
	}
	return sum
}
