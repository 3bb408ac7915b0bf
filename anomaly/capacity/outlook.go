package capacity

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/chronoretrace/chronomon/internal/series"
)

// outlook is what the peaks may be: paths drawn from the drift, widened as far as
// its own back-tests ask for.
type outlook struct {
	count, horizon int
	paths          []float64 // day t of path i at [t*count+i]
	start          float64   // the last peak
	level          []float64 // peaks that growth is tested on, in units of scale
	scale          float64
	pattern        pattern
	tests          tests
	shapes         map[shapeKind]float64 // weights
	month          float64               // what days of the month are above the others
}

// tests is how well the drift would have told the peaks from earlier days.
type tests struct {
	count    int
	origins  int
	mae      float64 // in the scale of the values
	inside   int     // of the central 80 %
	squares  float64 // of the errors, in standard deviations
	distance int     // the farthest day ahead
}

const (
	mostOrigins  = 8
	testWeight   = 0.25 // a test counts for so much of an independent one
	priorTests   = 4    // tests by which the spread is taken as it is
	leastKnown   = 10   // days known at the first origin
	mostWidening = 3
)

var testDays = []int{1, 3, 7, 14, 21, 30}

// newOutlook extrapolates peaks that are not below floor.
func newOutlook(h *history, horizon, count int, floor float64) outlook {
	peaks := h.peaks
	middle, scale := scaleOf(peaks)
	y := make([]float64, len(peaks))
	for i, v := range peaks {
		y[i] = v/scale - middle/scale
	}
	var dates []monthDay
	if h.unit == day {
		dates = monthDays(h.end, len(y), len(y)+horizon)
	}
	found, d := findPattern(y, h.drops, dates)
	origins := originsOf(d.y)
	out := outlook{count: count, horizon: horizon, pattern: found, shapes: map[shapeKind]float64{}}
	fit := fitDrift(d, d.shapes(), dependences, origins, func(origin int, cells []cell) {
		out.tests.add(d, origin, cells)
	})
	if out.tests.count > 0 {
		out.tests.mae *= scale / float64(out.tests.count)
	}
	for i, c := range fit.cells {
		out.shapes[c.shape.kind] += fit.weight[i]
	}
	fit.setShocks(y)
	if d.month != nil {
		best := fit.best()
		out.month = scale * best.mean[best.p-d.patterns()+max(0, d.season-1)+len(d.steps)]
	}
	r := rand.New(rand.NewPCG(1, 2)) // the same points give the same plan
	var ages func(*rand.Rand, []float64)
	if d.age != nil {
		ages = futureAges(found.cleanup, d.n)
	}
	out.scale = scale
	out.level = d.level(found.cleanup)
	out.start = lastOf(peaks)
	out.paths = fit.simulate(r, count, horizon, ages)
	out.widen(out.tests.widening())
	for i, v := range out.paths {
		out.paths[i] = max(floor, min(max(v*scale+middle, -math.MaxFloat64), math.MaxFloat64))
	}
	return out
}

// scaleOf is the middle and the spread of values, so that no square overflows.
func scaleOf(peaks []float64) (middle, scale float64) {
	var known []float64
	for _, v := range peaks {
		if !math.IsNaN(v) {
			known = append(known, v)
		}
	}
	middle = series.Median(known)
	for _, v := range known {
		scale = max(scale, math.Abs(v/2-middle/2))
	}
	scale = min(2*scale, math.MaxFloat64)
	if scale == 0 {
		scale = max(math.Abs(middle), 1e-300)
	}
	return middle, scale
}

func lastOf(y []float64) float64 {
	i := len(y) - 1
	for math.IsNaN(y[i]) {
		i--
	}
	return y[i]
}

// originsOf are the days from which forecasts are tested.
func originsOf(y []float64) (origins []int) {
	var known []int
	for t, v := range y {
		if !math.IsNaN(v) {
			known = append(known, t)
		}
	}
	first, last := max(leastKnown, len(known)/2), len(known)-1-week
	if last < first {
		return nil
	}
	n := min(mostOrigins, last-first+1)
	for i := range n {
		at := last
		if n > 1 {
			at = first + (last-first)*i/(n-1)
		}
		origins = append(origins, known[at])
	}
	return origins
}

// add tests one origin.
func (s *tests) add(d design, origin int, cells []cell) {
	weights := weigh(cells)
	most := 0
	for i := range cells {
		most = max(most, cells[i].p)
	}
	x, z := make([]float64, most), make([]float64, most)
	tested := false
	for _, ahead := range testDays {
		to := origin + ahead
		if to >= d.n || math.IsNaN(d.y[to]) {
			continue
		}
		if slices.ContainsFunc(d.steps, func(c int) bool { return c > origin-leastStep && c <= to }) {
			continue // nobody could have known of the step
		}
		var mean, square float64
		for i, w := range weights {
			if w < 1e-6 {
				continue
			}
			m, v := d.predict(&cells[i], origin, to, x, z)
			mean += w * m
			square += w * (v + m*m)
		}
		deviation := math.Sqrt(max(square-mean*mean, leastVariance))
		e := math.Abs(d.y[to]-mean) / deviation
		s.count++
		s.mae += e * deviation
		s.squares += min(e*e, 16)
		if e < centralEighty {
			s.inside++
		}
		s.distance = max(s.distance, ahead)
		tested = true
	}
	if tested {
		s.origins++
	}
}

var centralEighty = series.NormalQuantile(0.9)

// widening is what deviations are multiplied with.
func (s tests) widening() float64 {
	n := testWeight * float64(s.count)
	w := math.Sqrt((priorTests + testWeight*s.squares) / (priorTests + n))
	return min(max(w, 1), mostWidening)
}

// widen moves paths from the median of their day.
func (o *outlook) widen(by float64) {
	if by == 1 {
		return
	}
	sorted := make([]float64, o.count)
	for t := range o.horizon {
		of := o.paths[t*o.count : (t+1)*o.count]
		copy(sorted, of)
		middle := quantiles(sorted, 0.5)[0]
		for i, v := range of {
			of[i] = middle + by*(v-middle)
		}
	}
}

// reaches is when each path reaches a limit, in days, ascending; +Inf where it does
// not. place is where in a day its peak lies.
func (o *outlook) reaches(limit, place float64) []float64 {
	out := make([]float64, o.count)
	for i := range out {
		before := o.start
		out[i] = math.Inf(1)
		for t := range o.horizon {
			v := o.paths[t*o.count+i]
			if v >= limit {
				part := 1.0
				if v > before && before < limit {
					part = (limit - before) / (v - before)
				}
				out[i] = float64(t) + part*place
				break
			}
			before = v
		}
	}
	slices.Sort(out)
	return out
}

// highest is the greatest peak of each path, ascending.
func (o *outlook) highest() []float64 {
	out := slices.Clone(o.paths[:o.count])
	for t := 1; t < o.horizon; t++ {
		for i, v := range o.paths[t*o.count : (t+1)*o.count] {
			out[i] = max(out[i], v)
		}
	}
	slices.Sort(out)
	return out
}
