package capacity

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"
)

// WriteText writes the plan as plain text.
func (a Analysis) WriteText(w io.Writer) error {
	var b strings.Builder
	unit := max(a.unit, day) // an Analysis that an error came with has none
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%s, %s: %d %s known, looking %d days ahead", printable(a.Name), a.From.UTC().Format(time.DateTime), a.Days, periods(unit), a.Horizon/day)
	line("")
	line("usage      p50 %s, p95 %s, peak %s in the last 7 %s", number(a.Usage.P50), number(a.Usage.P95), number(a.Usage.Peak), periods(unit))
	g := a.Growth
	line("growth     %v: %s a day, from %s to %s with 95 %% (p %s)", g.Direction, number(g.PerDay), number(g.Low), number(g.High), number(g.P))
	for _, at := range []int{7, 30, 90} {
		if i := at*int(day)/int(unit) - 1; at <= int(a.Horizon/day) && i >= 0 && i < len(a.Demand) {
			d := a.Demand[i]
			line("demand     day %d: %s; 80 %%: %s to %s; 95 %%: %s to %s", at, number(d.P50), number(d.Low80), number(d.High80), number(d.Low95), number(d.High95))
		}
	}
	switch l := a.Limit; {
	case math.IsInf(l.Value, 1):
		line("limit      none")
	case l.Reached:
		line("limit      %s: reached", number(l.Value))
	default:
		line("limit      %s: earliest %v, likely %v, latest %v", number(l.Value), l.P10, l.P50, l.P90)
		for _, c := range l.Within {
			line("           within %d days: %.0f %%", c.Days, 100*c.Probability)
		}
	}
	for i, why := range a.Recommendation.Why {
		line("%-10s %s", []string{"recommend", ""}[min(i, 1)], why)
	}
	line("found      %s", strings.Join(a.Detected.words(), "; "))
	c := a.Confidence
	line("confidence %.2f, the product of", c.Score)
	for _, p := range []struct {
		name string
		Part
	}{{"history", c.History}, {"accuracy", c.Accuracy}, {"calibration", c.Calibration}, {"stability", c.Stability}} {
		line("           %-11s %.2f: %s", p.name, p.Score, p.Why)
	}
	for _, n := range a.Notes {
		line("note       %s", n)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// words tells what was found.
func (d Detected) words() (out []string) {
	curve, weight := "", 0.0
	for c, w := range d.Curves {
		if w > weight || w == weight && c < curve {
			curve, weight = c, w
		}
	}
	out = append(out, fmt.Sprintf("growth is most likely %s (%.0f %%)", curve, 100*weight))
	if d.Season > 0 {
		out = append(out, fmt.Sprintf("a season of %.0f days", d.Season.Hours()/24))
	}
	if d.Month.First != 0 {
		out = append(out, fmt.Sprintf("%v stand out by %s", d.Month, number(d.Month.By)))
	}
	days := func(what string, all []time.Time) {
		if n := len(all); n > 0 {
			out = append(out, fmt.Sprintf("%s: %d, the last on %s", what, n, slices.MaxFunc(all, time.Time.Compare).Format(time.DateOnly)))
		}
	}
	days("steps of the level", d.Steps)
	days("clean-ups", d.CleanUps)
	days("spikes", d.Spikes)
	return out
}

// printable is a name on one line, without control characters.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
