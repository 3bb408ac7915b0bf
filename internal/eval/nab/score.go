package nab

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// A Profile is what a detection, a false alarm and a missed window are worth.
type Profile struct {
	Name                                       string
	TruePositive, FalsePositive, FalseNegative float64
}

// Profiles are the three that the benchmark publishes.
var Profiles = []Profile{
	{"standard", 1, 0.11, 1},
	{"low FP", 1, 0.22, 1},
	{"low FN", 1, 0.11, 2},
}

// The benchmark's share of rows that are not scored, and the most of them.
const (
	ProbationShare = 0.15
	ProbationCap   = 750
)

// A Result is what a detector has reached on a corpus.
type Result struct {
	Score      float64 // 0: as one that never alarms, 100: as one that is perfect
	Threshold  float64 // the best for the corpus; +Inf: never to alarm
	Windows    int
	Found      int     // windows with an alarm
	FalseRows  int     // rows with an alarm outside of windows
	Normal     int     // rows outside of windows
	FalseRuns  int     // runs of such rows
	Detections int     // rows with an alarm in windows
	Sum        float64 // before it was made a share
}

// FalseRate is the share of rows outside of windows that have an alarm.
func (r Result) FalseRate() float64 { return float64(r.FalseRows) / max(1, float64(r.Normal)) }

// point is a row that is scored.
type point struct {
	score  float64
	value  float64 // of an alarm here, before weights
	window int     // over the whole corpus; -1: none
}

// sigmoid is what an alarm at a distance is worth, from 1 to -1.
func sigmoid(x float64) float64 { return 2/(1+math.Exp(5*x)) - 1 }

// points returns the rows of a file that are scored. Its windows are counted from
// window on.
func (f *File) points(scores []float64, window int) ([]point, error) {
	if len(scores) != len(f.Rows) {
		return nil, fmt.Errorf("nab: %s: %d scores for %d rows", f.Name, len(scores), len(f.Rows))
	}
	from := Probation(len(f.Rows), ProbationShare, ProbationCap)
	out := make([]point, 0, len(scores)-from)
	next := 0 // window that is not over
	for i, s := range scores {
		for next < len(f.Windows) && i > f.Windows[next].Last {
			next++
		}
		p := point{score: s, window: -1}
		switch {
		case next < len(f.Windows) && i >= f.Windows[next].First:
			w := f.Windows[next]
			width := float64(w.Last - w.First + 1)
			p.window, p.value = window+next, sigmoid(-float64(w.Last-i+1)/width)/sigmoid(-1)
		case next == 0:
			p.value = -1
		default:
			w := f.Windows[next-1]
			p.value = -1
			if x := float64(i-w.Last) / float64(w.Last-w.First); x <= 3 {
				p.value = sigmoid(x)
			}
		}
		if i < from {
			continue
		}
		if !(s >= 0 && s <= 1) {
			return nil, fmt.Errorf("nab: %s: score %v of row %d is not from 0 to 1", f.Name, s, i)
		}
		out = append(out, p)
	}
	return out, nil
}

// A Sheet holds the scores of a detector for the files of a corpus.
type Sheet struct {
	files   [][]point
	windows int // those of which a row is scored
	all     int
}

// NewSheet makes a sheet of a corpus and the scores, from 0 to 1, of each file's rows.
func NewSheet(files []*File, scores [][]float64) (*Sheet, error) {
	if len(files) != len(scores) {
		return nil, fmt.Errorf("nab: scores of %d files for %d", len(scores), len(files))
	}
	s := &Sheet{}
	for i, f := range files {
		p, err := f.points(scores[i], s.all)
		if err != nil {
			return nil, err
		}
		s.files = append(s.files, p)
		s.all += len(f.Windows)
	}
	seen := map[int]bool{}
	for _, f := range s.files {
		for _, p := range f {
			if p.window >= 0 {
				seen[p.window] = true
			}
		}
	}
	s.windows = len(seen)
	return s, nil
}

// Best returns the result with the threshold that is best for the corpus. With
// several that are, it is the highest.
func (s *Sheet) Best(p Profile) Result {
	type row struct {
		point
		file int
	}
	var rows []row
	for i, f := range s.files {
		for _, pt := range f {
			rows = append(rows, row{pt, i})
		}
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(b.score, a.score) })
	best, at := 0.0, math.Inf(1)
	gained := make([]float64, s.all) // over a missed window
	var sum float64
	for i := 0; i < len(rows); {
		t := rows[i].score
		for ; i < len(rows) && rows[i].score == t; i++ {
			r := rows[i]
			if r.window < 0 {
				sum += p.FalsePositive * r.value
				continue
			}
			if gain := p.TruePositive*r.value + p.FalseNegative; gain > gained[r.window] {
				sum += gain - gained[r.window]
				gained[r.window] = gain
			}
		}
		if sum > best+1e-12 {
			best, at = sum, t
		}
	}
	return s.At(p, at)
}

// At returns the result with a threshold: a row whose score is no less is an alarm.
func (s *Sheet) At(p Profile, threshold float64) Result {
	r := Result{Threshold: threshold, Windows: s.windows}
	best := map[int]float64{}
	for _, f := range s.files {
		last := -2 // alarm outside of windows
		for i, pt := range f {
			alarm := pt.score >= threshold
			switch {
			case pt.window < 0:
				r.Normal++
				if alarm {
					r.FalseRows++
					r.Sum += p.FalsePositive * pt.value
				}
			case alarm:
				r.Detections++
				if v, ok := best[pt.window]; !ok || pt.value > v {
					best[pt.window] = pt.value
				}
			}
			if alarm {
				if pt.window < 0 && i-last > 1 {
					r.FalseRuns++
				}
				last = i
			}
		}
	}
	for _, v := range best {
		r.Sum += p.TruePositive * v
	}
	r.Found = len(best)
	r.Sum -= p.FalseNegative * float64(s.windows-r.Found)
	null := -p.FalseNegative * float64(s.windows)
	r.Score = 100 * (r.Sum - null) / (p.TruePositive*float64(s.all) - null)
	return r
}
