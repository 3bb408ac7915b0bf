package unseen

import "math"

const (
	maxBins   = 288 // of a day
	valueDays = 21  // that are remembered of the value
	meanDays  = 10  // and of its mean
	pending   = 4   // bins that are over and not yet of the past, so that a day's own values are none
)

// A season remembers the values at each time of day.
type season struct {
	bins        int
	value, mean memory
	clock       seasonClock
}

// A seasonClock is where in the day a season is. Its fields are exported to be
// written by encoding/binary.
type seasonClock struct {
	Bin     int64 // counted through all days; math.MinInt64: none yet
	N       int64 // points of it
	Value   float64
	Mean    float64
	Waiting [pending]binValue
	Waits   int64
}

type binValue struct {
	Bin         int64
	Value, Mean float64
}

func newSeason(step float64) season {
	bins := maxBins
	if n := day / step; n < maxBins {
		bins = max(4, int(n))
	}
	s := season{bins: bins, value: newMemory(bins, valueDays), mean: newMemory(bins, meanDays)}
	s.clock.Bin = math.MinInt64
	return s
}

// bin is that of a time, through all days.
func (s *season) bin(at float64) int64 {
	days := math.Floor(at / day)
	return int64(days)*int64(s.bins) + min(int64((at-days*day)/day*float64(s.bins)), int64(s.bins)-1)
}

// place is that of a bin in its day.
func (s *season) place(bin int64) int {
	p := int(bin % int64(s.bins))
	if p < 0 {
		p += s.bins
	}
	return p
}

// observe returns how far the value and the mean are from their nearest at that time
// of day, which is 0 while there is none, and what the value is there in the mean.
func (s *season) observe(at, v, mean float64) (fromValue, fromMean, expected float64, known bool) {
	bin := s.bin(at)
	if bin != s.clock.Bin {
		s.next(bin)
	}
	place := s.place(bin)
	fromValue, fromMean = s.value.nearest(place, v), s.mean.nearest(place, mean)
	expected, known = s.value.average(place)
	c := &s.clock
	c.N++
	c.Value += (v - c.Value) / float64(c.N)
	c.Mean += (mean - c.Mean) / float64(c.N)
	return fromValue, fromMean, expected, known
}

// next ends the bin that is going on.
func (s *season) next(bin int64) {
	c := &s.clock
	if c.N > 0 {
		if c.Waits == pending {
			w := c.Waiting[0]
			s.value.add(s.place(w.Bin), w.Value)
			s.mean.add(s.place(w.Bin), w.Mean)
			copy(c.Waiting[:], c.Waiting[1:])
			c.Waits--
		}
		c.Waiting[c.Waits] = binValue{c.Bin, c.Value, c.Mean}
		c.Waits++
	}
	c.Bin, c.N, c.Value, c.Mean = bin, 0, 0, 0
}

// A memory holds the last values of each bin.
type memory struct {
	bins, days int
	values     []float32 // days of a bin side by side
	n          []uint8   // values of a bin
	next       []uint8
}

func newMemory(bins, days int) memory {
	return memory{bins, days, make([]float32, bins*days), make([]uint8, bins), make([]uint8, bins)}
}

func (m *memory) add(bin int, v float64) {
	i := int(m.next[bin])
	m.values[bin*m.days+i] = short(v)
	m.next[bin] = uint8((i + 1) % m.days)
	m.n[bin] = max(m.n[bin], uint8(i+1))
}

// of returns the values of a bin.
func (m *memory) of(bin int) []float32 {
	return m.values[bin*m.days:][:m.n[bin]]
}

// nearest is the signed distance of v to the nearest in a bin and those beside it.
func (m *memory) nearest(bin int, v float64) float64 {
	best, found := math.Inf(1), 0.0
	for _, b := range [...]int{(bin + m.bins - 1) % m.bins, bin, (bin + 1) % m.bins} {
		for _, x := range m.of(b) {
			d := v - float64(x)
			if a := math.Abs(d); a < best {
				best, found = a, d
			}
		}
	}
	return found
}

// average is the mean of a bin.
func (m *memory) average(bin int) (float64, bool) {
	values := m.of(bin)
	if len(values) == 0 {
		return 0, false
	}
	var sum float64
	for _, x := range values {
		sum += float64(x)
	}
	return sum / float64(len(values)), true
}
