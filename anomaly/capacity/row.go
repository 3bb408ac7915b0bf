package capacity

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// A Row is a plan as the table capacity_plans has it: pgstore.Plan(row) is what
// SavePlans of package pgstore takes.
type Row struct {
	Row                                 int32 // the table's; 0
	Resource                            string
	Current, Predicted, Recommendations json.RawMessage
	Period                              string
	Confidence                          float64
	CreatedAt                           time.Time
}

// longestResource is what the table takes, in characters.
const longestResource = 50

// Row returns the plan as a row made at a time. Resource is the Name; of one longer
// than 50 characters its beginning and a hash, so that no two become one, and all of
// it is the "name" in Current. Demand is told every seven days and on the last one; dates that are
// not within the horizon and limits that there are none of are null.
func (a Analysis) Row(at time.Time) (Row, error) {
	type object = map[string]any
	usage := object{"p50": a.Usage.P50, "p95": a.Usage.P95, "peak": a.Usage.Peak}
	if r := a.Usage.Recent; r != nil {
		usage["recent"] = object{"p50": r.P50, "p90": r.P90, "p95": r.P95}
	}
	current := object{
		"name": printable(a.Name), "at": stamp(a.From), "days": a.Days, "usage": usage, "limit": finite(a.Limit.Value),
		"growth": object{
			"direction": a.Growth.Direction.String(), "per_day": a.Growth.PerDay, "low": a.Growth.Low, "high": a.Growth.High, "p": a.Growth.P,
		},
		"detected": object{
			"season_days": a.Detected.Season.Hours() / 24, "month": month(a.Detected.Month), "curves": a.Detected.Curves,
			"steps": stamps(a.Detected.Steps), "clean_ups": stamps(a.Detected.CleanUps), "spikes": stamps(a.Detected.Spikes),
		},
	}
	var demand []object
	for i, d := range a.Demand {
		if i%7 == 6 || i == len(a.Demand)-1 {
			demand = append(demand, object{"at": stamp(d.Time), "p50": d.P50, "low80": d.Low80, "high80": d.High80, "low95": d.Low95, "high95": d.High95})
		}
	}
	chances := object{}
	for _, c := range a.Limit.Within {
		chances[strconv.Itoa(c.Days)] = c.Probability
	}
	predicted := object{
		"demand": demand, "reached": a.Limit.Reached, "p10": date(a.Limit.P10), "p50": date(a.Limit.P50), "p90": date(a.Limit.P90),
		"within_days": chances,
	}
	r, parts := a.Recommendation, object{}
	for name, p := range a.Confidence.parts() {
		parts[name] = object{"score": p.Score, "why": p.Why}
	}
	recommendations := object{
		"demand": r.Demand, "size": r.Size, "instances": r.Instances, "order": date(r.Order), "why": r.Why,
		"confidence": parts, "notes": a.Notes,
	}
	row := Row{Resource: resource(printable(a.Name)), Period: fmt.Sprintf("%dd", a.Horizon/day), Confidence: a.Confidence.Score, CreatedAt: at}
	for to, from := range map[*json.RawMessage]object{&row.Current: current, &row.Predicted: predicted, &row.Recommendations: recommendations} {
		raw, err := json.Marshal(from)
		if err != nil {
			return Row{}, fmt.Errorf("capacity: row of %s: %w", a.Name, err)
		}
		*to = raw
	}
	return row, nil
}

// finite is nil for what JSON has no number for.
func finite(v float64) any {
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return nil
	}
	return v
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func stamps(all []time.Time) []string {
	out := make([]string, len(all))
	for i, t := range all {
		out[i] = stamp(t)
	}
	return out
}

func date(d Date) any {
	if !d.Within {
		return nil
	}
	return stamp(d.Time)
}

func month(m Month) any {
	if m.First == 0 {
		return nil
	}
	return map[string]any{"first": m.First, "last": m.Last, "by": m.By}
}

func resource(name string) string {
	if utf8.RuneCountInString(name) <= longestResource {
		return name
	}
	h := fnv.New32a()
	_, _ = io.WriteString(h, name) // never fails
	return fmt.Sprintf("%s%08x", cut(name, longestResource-8), h.Sum32())
}

func cut(s string, most int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}
