package history_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/history"
)

// naive is a store as one would write it to be obviously right.
type naive map[string]*naiveSeries // by labels

type naiveSeries struct {
	labels monitor.Labels
	points []monitor.Point
}

func (n naive) add(s monitor.Sample) {
	key := s.Labels.String()
	if n[key] == nil {
		n[key] = &naiveSeries{labels: s.Labels}
	}
	n[key].points = append(n[key].points, s.Point)
}

// between returns a series' values in (from, to], times in milliseconds.
func (s *naiveSeries) between(from, to time.Time) (out []monitor.Point) {
	for _, p := range s.points {
		if p.Time.After(from) && !p.Time.After(to) && !isStale(p.Value) {
			out = append(out, p)
		}
	}
	return out
}

// at returns a series' value as an instant query sees it.
func (s *naiveSeries) at(at time.Time) (v float64, ok bool) {
	for _, p := range s.points {
		if !p.Time.After(at) {
			v, ok = p.Value, p.Time.After(at.Add(-5*time.Minute)) && !isStale(p.Value)
		}
	}
	return v, ok
}

func isStale(v float64) bool { return math.Float64bits(v) == math.Float64bits(history.Stale) }

// value is a sample's value: of every kind that XOR compression treats its own way.
func value(rng *rand.Rand, last float64) float64 {
	switch rng.IntN(10) {
	case 0:
		return last
	case 1:
		return rng.NormFloat64() * math.Pow(10, float64(rng.IntN(40)-20))
	case 2:
		return math.Inf(1 - 2*rng.IntN(2))
	case 3:
		return history.Stale
	case 4:
		return math.MaxFloat64
	case 5:
		return -last
	default:
		return last + float64(rng.IntN(100))
	}
}

// gap is the time to a series' next sample: even as a rule.
func gap(rng *rand.Rand) time.Duration {
	switch rng.IntN(50) {
	case 0:
		return time.Millisecond
	case 1:
		return time.Duration(1+rng.IntN(400_000)) * time.Millisecond
	case 2:
		return 50 * 24 * time.Hour // further than a chunk may reach
	default:
		return 10 * time.Second
	}
}

// TestSamplesComeBack: what was written is read, bit for bit, at any instant
// and over any range.
func TestSamplesComeBack(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(seed, 1))
			at, last := start, 0.
			m, err := monitor.New(monitor.WithClock(func() time.Time { return at }))
			require.NoError(t, err)
			db, err := history.New(m)
			require.NoError(t, err)
			r := rig{m, db}
			want := naive{}
			for range 1 + rng.IntN(1500) {
				last = value(rng, last)
				s := sampleOf(at, last, "__name__", "n")
				want.add(s)
				require.NoError(t, r.db.Append(s))
				at = at.Add(gap(rng))
			}
			for range 200 {
				s := want["n"]
				near := s.points[rng.IntN(len(s.points))].Time
				when := near.Add(time.Duration(rng.IntN(41)-20) * time.Second)
				if rng.IntN(3) == 0 {
					when = near
				}
				v, ok := s.at(when)
				got := r.query(t, "n", when)
				if !ok {
					require.Empty(t, got, when)
				} else {
					require.Len(t, got, 1, when)
					require.Equal(t, math.Float64bits(v), math.Float64bits(got["n"]), when)
				}
				span := time.Duration(1+rng.IntN(10_000)) * time.Second
				points := s.between(when.Add(-span), when)
				counted := r.query(t, fmt.Sprintf("count_over_time(n[%dms])", span.Milliseconds()), when)
				summed := r.query(t, fmt.Sprintf("last_over_time(n[%dms])", span.Milliseconds()), when)
				if len(points) == 0 {
					require.Empty(t, counted)
					continue
				}
				require.Equal(t, float64(len(points)), counted["{}"])
				require.Equal(t, math.Float64bits(points[len(points)-1].Value), math.Float64bits(summed["n"]))
			}
			// Every sample, by its own time.
			span := at.Sub(start) + time.Hour
			maxOf := r.query(t, fmt.Sprintf("max_over_time(n[%dms])", span.Milliseconds()), at)
			all := want["n"].between(start.Add(-time.Second), at)
			if len(all) > 0 {
				most := slices.MaxFunc(all, func(a, b monitor.Point) int { return cmpFloat(a.Value, b.Value) })
				require.Equal(t, most.Value, maxOf["{}"])
			}
			for _, p := range want["n"].points {
				got := r.query(t, "n", p.Time)
				require.Equal(t, isStale(p.Value), len(got) == 0)
				if len(got) > 0 {
					require.Equal(t, math.Float64bits(p.Value), math.Float64bits(got["n"]))
				}
			}
		})
	}
}

func cmpFloat(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// TestSelectorsFind: any combination of matchers selects what holding each
// against every series does, while series come and go.
func TestSelectorsFind(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 3))
	r := setup(t, history.WithSeriesLimit(400), history.WithStorageSize(1<<20), history.WithRetention(20*time.Minute, time.Hour))
	want := naive{}
	names, values := []string{"a", "b", "c"}, []string{"", "x", "y", "z", "xy"}
	at := start
	for range 60 {
		at = at.Add(time.Minute)
		var batch []monitor.Sample
		seen := map[string]bool{}
		for range 10 {
			l := monitor.Labels{monitor.MetricName: []string{"m", "n"}[rng.IntN(2)]}
			for _, n := range names {
				if v := values[rng.IntN(len(values))]; v != "" {
					l[n] = v
				}
			}
			if seen[l.String()] {
				continue
			}
			seen[l.String()] = true
			s := monitor.Sample{Labels: l, Point: monitor.Point{Time: at, Value: rng.Float64()}}
			batch = append(batch, s)
			want.add(s)
		}
		require.NoError(t, r.db.Append(batch...))
		r.sample(t, at) // enforces the retention
		for range 30 {
			selector, match := randomSelector(rng, names, values)
			got := slices.Sorted(maps.Keys(r.query(t, selector, at)))
			var expected []string
			for _, key := range slices.Sorted(maps.Keys(want)) {
				if _, ok := want[key].at(at); ok && match(want[key].labels) {
					expected = append(expected, key)
				}
			}
			require.ElementsMatch(t, expected, got, selector)
		}
	}
	require.Positive(t, r.one(t, `monitor_history_series_evicted_total{reason="retention"}`, at))
}

func randomSelector(rng *rand.Rand, names, values []string) (string, func(monitor.Labels) bool) {
	name := []string{"m", "n", "nothing"}[rng.IntN(3)]
	tests := []func(monitor.Labels) bool{func(l monitor.Labels) bool { return l[monitor.MetricName] == name }}
	selector := `{__name__="` + name + `"`
	if rng.IntN(3) == 0 {
		tests[0] = func(l monitor.Labels) bool { return l[monitor.MetricName] == "m" || l[monitor.MetricName] == "n" }
		selector = `{__name__=~"m|n"`
	}
	for range rng.IntN(4) {
		label, v := names[rng.IntN(len(names))], values[rng.IntN(len(values))]
		pattern := []string{v, v + ".*", ".+", "x|z", "(" + v + ")?", ".*"}[rng.IntN(6)]
		re := regexp.MustCompile("^(?s:" + pattern + ")$")
		switch rng.IntN(4) {
		case 0:
			selector += fmt.Sprintf(`,%s=%q`, label, v)
			tests = append(tests, func(l monitor.Labels) bool { return l[label] == v })
		case 1:
			selector += fmt.Sprintf(`,%s!=%q`, label, v)
			tests = append(tests, func(l monitor.Labels) bool { return l[label] != v })
		case 2:
			selector += fmt.Sprintf(`,%s=~%q`, label, pattern)
			tests = append(tests, func(l monitor.Labels) bool { return re.MatchString(l[label]) })
		case 3:
			selector += fmt.Sprintf(`,%s!~%q`, label, pattern)
			tests = append(tests, func(l monitor.Labels) bool { return !re.MatchString(l[label]) })
		}
	}
	return selector + "}", func(l monitor.Labels) bool {
		return !slices.ContainsFunc(tests, func(f func(monitor.Labels) bool) bool { return !f(l) })
	}
}
