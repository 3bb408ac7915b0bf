package svg

import (
	"math"
	"strconv"
	"strings"
)

// An Axis is of values.
type Axis struct {
	Low, High float64
	Ticks     []float64 // round numbers within
	unit      string
	power     int // of the prefix: a multiple of 3
	decimals  int
}

// NewAxis returns the axis from low to high with at most so many ticks, which must
// be finite. If they are equal there is room around. Labels have the unit, with a
// prefix of the SI: empty and "1" are none, "s" and "B" are what they are, "By" is
// a byte too, and "{things}" are counted.
func NewAxis(low, high float64, most int, unit string) Axis {
	if low > high {
		low, high = high, low
	}
	if !(high/2-low/2 > 0) { // halves do not overflow
		room := max(math.Abs(low)/10, 1e-9)
		if low == 0 {
			room = 1
		}
		low, high = bounded(low-room), bounded(high+room)
	}
	a := Axis{Low: low, High: high, unit: unitText(unit)}
	step := roundStep((high/2 - low/2) / float64(max(most, 2)) * 2)
	if first := math.Ceil(low/step - 1e-9); step > 0 && !math.IsInf(first, 0) {
		for i := range most + 1 {
			v := (first + float64(i)) * step
			if v-step*1e-9 > high || math.IsInf(v, 0) {
				break
			}
			v = min(max(v, low), high) // rounding may have led it astray
			if len(a.Ticks) == 0 || v > a.Ticks[len(a.Ticks)-1] {
				a.Ticks = append(a.Ticks, v+0)
			}
		}
	}
	a.power = prefixPower(max(math.Abs(low), math.Abs(high)), a.unit)
	scaled := math.Log10(step) - float64(a.power)
	a.decimals = int(min(max(math.Ceil(-scaled-1e-9), 0), 12))
	return a
}

func bounded(v float64) float64 { return max(min(v, math.MaxFloat64), -math.MaxFloat64) }

// roundStep is the smallest of 1, 2 and 5 by a power of ten that is no less.
func roundStep(least float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(least)))
	if power == 0 || math.IsInf(power, 0) {
		return least
	}
	for _, by := range []float64{1, 2, 5} {
		if by*power >= least*(1-1e-9) {
			return by * power
		}
	}
	return 10 * power
}

// At is where a value is, 0 at the low end to 1 at the high one; what is beyond an
// end is there.
func (a Axis) At(v float64) float64 {
	return min(max((v/2-a.Low/2)/(a.High/2-a.Low/2), 0), 1)
}

// Holds reports whether the axis reaches a value.
func (a Axis) Holds(v float64) bool { return v >= a.Low && v <= a.High }

// Label is a tick's: all have the same prefix and as many decimals as tell them
// apart.
func (a Axis) Label(v float64) string {
	scaled := v / math.Pow(10, float64(a.power))
	if big := math.Abs(scaled); big >= 1e6 || a.decimals > 8 {
		return withUnit(strconv.FormatFloat(scaled, 'g', 6, 64), a.power, a.unit)
	}
	return withUnit(strconv.FormatFloat(scaled, 'f', a.decimals, 64), a.power, a.unit)
}

// Number is a value in four digits, with its unit as an axis has it.
func Number(v float64, unit string) string {
	switch {
	case math.IsNaN(v):
		return "none"
	case math.IsInf(v, 1):
		return "∞"
	case math.IsInf(v, -1):
		return "-∞"
	}
	u := unitText(unit)
	power := prefixPower(math.Abs(v)*1.00005, u)
	v /= math.Pow(10, float64(power))
	if big := math.Abs(v); big >= 1000 && big < 1e6 {
		return withUnit(strconv.FormatFloat(v, 'f', 0, 64), power, u)
	}
	return withUnit(strconv.FormatFloat(v, 'g', 4, 64), power, u)
}

// unitText is a unit as it is written behind a number.
func unitText(unit string) string {
	switch {
	case unit == "1" || strings.HasPrefix(unit, "{"):
		return ""
	case unit == "By" || strings.HasPrefix(unit, "By/"):
		return "B" + strings.TrimPrefix(unit, "By")
	}
	return Line(unit, 12)
}

// prefixes are those of 10^-9 to 10^18.
var prefixes = []string{"n", "µ", "m", "", "k", "M", "G", "T", "P", "E"}

// prefixPower is the power of ten that a value's prefix stands for. What has no
// unit has none below 1, percent have none, and seconds none above 1: there are no
// kiloseconds.
func prefixPower(magnitude float64, unit string) int {
	if magnitude == 0 || unit == "%" {
		return 0
	}
	power := 3 * int(math.Floor(math.Log10(magnitude)/3))
	least, most := -9, 18
	switch unit {
	case "":
		least = 0
	case "s":
		most = 0
	}
	if power > most && unit != "s" || power < least-3 {
		return 0
	}
	return min(max(power, least), most)
}

func withUnit(number string, power int, unit string) string {
	prefix := prefixes[power/3+3]
	switch unit {
	case "":
		return number + prefix
	case "%":
		return number + unit
	}
	return number + " " + prefix + unit
}
