package bizmon

import (
	"cmp"
	"slices"
	"sync/atomic"
)

// journeys counts the steps from one feature to the next, of all users
// together: no path of a single one is kept. It has a row for each feature that
// was left and one for where sessions begin, made when first needed.
type journeys struct {
	width int // features, "other" included
	rows  []atomic.Pointer[row]
}

// row counts where users went next; its last column is the end of the session.
type row []atomic.Uint64

func newJourneys(features int) *journeys {
	return &journeys{width: features, rows: make([]atomic.Pointer[row], features+1)}
}

// step counts one step; none is the begin or the end of a session.
func (j *journeys) step(from, to int32) { j.add(from, to, 1) }

func (j *journeys) add(from, to int32, n uint64) {
	at := func(id int32) int {
		if id == none {
			return j.width
		}
		return int(id)
	}
	p := &j.rows[at(from)]
	r := p.Load()
	if r == nil {
		fresh := make(row, j.width+1)
		p.CompareAndSwap(nil, &fresh)
		r = p.Load()
	}
	(*r)[at(to)].Add(n)
}

// clear forgets all steps.
func (j *journeys) clear() {
	for i := range j.rows {
		j.rows[i].Store(nil)
	}
}

// A Step is how often users went from one feature to another within a session.
type Step struct {
	From, To string  // "" is the begin, or the end, of a session
	Count    uint64  // since the start, or as restored
	Share    float64 // of all steps from there
}

// Journeys returns the n most frequent steps, the most frequent first.
func (u *Users) Journeys(n int) []Step {
	if u.core.m.Off() {
		return nil
	}
	counts := u.journeys.counts()
	names := u.featureNames()
	left := make([]uint64, len(names))
	for _, c := range counts {
		left[c[0]] += c[2]
	}
	out := make([]Step, len(counts))
	for i, c := range counts {
		out[i] = Step{names[c[0]], names[c[1]], c[2], float64(c[2]) / float64(left[c[0]])}
	}
	slices.SortFunc(out, func(a, b Step) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	return out[:min(max(n, 0), len(out))]
}

// counts are the steps that were made: from, to, and how often.
func (j *journeys) counts() (out [][3]uint64) {
	for from := range j.rows {
		r := j.rows[from].Load()
		if r == nil {
			continue
		}
		for to := range *r {
			if n := (*r)[to].Load(); n > 0 {
				out = append(out, [3]uint64{uint64(from), uint64(to), n})
			}
		}
	}
	return out
}

// featureNames are the names of what counts tells apart, so far: of features,
// and "" at the end.
func (u *Users) featureNames() []string {
	names := make([]string, u.journeys.width+1)
	names[0] = u.features.other.name
	for _, f := range u.features.table.values() {
		names[f.id] = f.name
	}
	return names
}
