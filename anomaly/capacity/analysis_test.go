package capacity_test

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/anomaly/capacity"
	"github.com/chronoretrace/chronomon/anomaly/trend"
	"github.com/chronoretrace/chronomon/monitor"
)

// hourly is usage of that many days, f of the hour.
func hourly(days int, f func(h int) float64) []monitor.Point {
	out := make([]monitor.Point, 24*days)
	for h := range out {
		out[h] = monitor.Point{Time: start.Add(time.Duration(h) * time.Hour), Value: f(h)}
	}
	return out
}

func daysTo(a capacity.Analysis, d capacity.Date) float64 {
	if !d.Within {
		return math.Inf(1)
	}
	return d.Time.Sub(a.From).Hours() / 24
}

// The likely date is within 15 % for four of five series of every kind together,
// and the dates hold the truth for nine of ten. The seeds are not those that
// anything was chosen by.
func TestTimeToLimit(t *testing.T) {
	t.Parallel()
	each := 200
	if raceEnabled { // ten times as slow
		each = 4
	}
	type outcome struct {
		kind              string
		near, early, late bool
		off, confidence   float64
	}
	var (
		mu  sync.Mutex
		all []outcome
		wg  sync.WaitGroup
	)
	for seed, kind := range kinds {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(9000+seed), 20261124))
			for range each {
				g := grow(r, kind)
				a, err := capacity.Analyse(g.history, g.limit)
				if err != nil {
					t.Error(err)
					return
				}
				likely := daysTo(a, a.Limit.P50)
				o := outcome{
					kind: kind, confidence: a.Confidence.Score, off: math.Abs(likely-g.truth) / g.truth,
					early: g.truth < daysTo(a, a.Limit.P10), late: g.truth > daysTo(a, a.Limit.P90),
				}
				o.near = o.off <= 0.15
				mu.Lock()
				all = append(all, o)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	share := func(kind string, is func(outcome) bool) float64 {
		var n, of float64
		for _, o := range all {
			if kind == "" || o.kind == kind {
				of++
				if is(o) {
					n++
				}
			}
		}
		return n / of
	}
	for _, kind := range append(kinds, "") {
		t.Logf("%-10s within 15 %%: %.1f %%, earlier than P10: %.1f %%, later than P90: %.1f %%", kind,
			100*share(kind, func(o outcome) bool { return o.near }),
			100*share(kind, func(o outcome) bool { return o.early }), 100*share(kind, func(o outcome) bool { return o.late }))
	}
	if raceEnabled {
		return // too few to count
	}
	// confidence is worth something: those of the upper third are closer
	slices.SortFunc(all, func(a, b outcome) int { return cmp.Compare(a.confidence, b.confidence) })
	third := len(all) / 3
	far := func(of []outcome) float64 {
		sum := 0.0
		for _, o := range of {
			sum += min(o.off, 1)
		}
		return sum / float64(len(of))
	}
	t.Logf("mean error by confidence: low %.3f, high %.3f", far(all[:third]), far(all[len(all)-third:]))
	require.Less(t, far(all[len(all)-third:]), far(all[:third]))
	require.GreaterOrEqual(t, share("", func(o outcome) bool { return o.near }), 0.8)
	inside := share("", func(o outcome) bool { return !o.early && !o.late })
	require.InDelta(t, 0.9, inside, 0.05)
}

// Logs that are rotated never fill the disk: not in a day, and most likely not
// within the horizon.
func TestLogRotation(t *testing.T) {
	t.Parallel()
	rising := 0
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 500))
		every := 24 * float64(between(r, 0.25, 15))
		late := []float64{0, 0.3}[seed%2]
		rate := 60 / every
		var last, next float64
		a, err := capacity.Analyse(hourly(90, func(h int) float64 {
			for float64(h) >= next {
				last, next = next, next+every*between(r, 1-late, 1)
			}
			return 20 + rate*(float64(h)-last) + r.NormFloat64()
		}), 100)
		require.NoError(t, err)
		require.False(t, a.Limit.P50.Within, "cycles of %.1f h, %.1f late", every, late)
		require.Less(t, a.Limit.Within[0].Probability, 0.05)
		require.Greater(t, daysTo(a, a.Limit.P10), 1.)
		if a.Growth.Direction == trend.Rising {
			rising++
		}
	}
	t.Logf("%d of 60 rising", rising)
	require.LessOrEqual(t, rising, 6, "of 60 without growth, tested at 5 %")
}

func TestSteadyUsage(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	a, err := capacity.Analyse(hourly(90, func(int) float64 { return 50 + 2*r.NormFloat64() }), 80)
	require.NoError(t, err)
	require.False(t, a.Limit.P90.Within)
	require.False(t, a.Limit.P50.Within)
	require.Equal(t, "not within the horizon", a.Limit.P50.String())
	require.False(t, a.Recommendation.Order.Within)
	require.Equal(t, trend.Steady, a.Growth.Direction)
	require.InDelta(t, 50, a.Usage.P50, 0.5)
	require.Len(t, a.Demand, 90)
	for _, d := range a.Demand {
		require.Less(t, d.Low95, d.Low80)
		require.Less(t, d.Low80, d.P50)
		require.Less(t, d.P50, d.High80)
		require.Less(t, d.High80, d.High95)
	}
}

func TestDetected(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(8, 6))
	a, err := capacity.Analyse(hourly(90, func(h int) float64 {
		v := 100 + float64(h)/24 + r.NormFloat64()
		if h/24%7 >= 5 {
			v -= 20
		}
		if h >= 50*24 {
			v += 30
		}
		if h == 70*24+3 {
			v += 100
		}
		return v
	}), 400)
	require.NoError(t, err)
	require.Equal(t, 7*24*time.Hour, a.Detected.Season)
	require.Len(t, a.Detected.Steps, 1)
	require.WithinDuration(t, start.AddDate(0, 0, 50), a.Detected.Steps[0], 24*time.Hour)
	require.Len(t, a.Detected.Spikes, 1)
	require.WithinDuration(t, start.AddDate(0, 0, 70), a.Detected.Spikes[0], 24*time.Hour)
	require.Equal(t, trend.Rising, a.Growth.Direction)
	require.InDelta(t, 1, a.Growth.PerDay, 0.05)
	require.Less(t, a.Growth.Low, a.Growth.PerDay)
	require.Greater(t, a.Growth.High, a.Growth.PerDay)

	a, err = capacity.Analyse(hourly(90, func(h int) float64 { return 100 + float64(h%(9*24))/24 + 0.2*r.NormFloat64() }), 400)
	require.NoError(t, err)
	require.Len(t, a.Detected.CleanUps, 9)
}

// What is odd about points is told or refused, and every number is finite.
func TestOddSeries(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 5))
	growth := func(h int) float64 { return 100 + float64(h)/24 + r.NormFloat64() }
	gaps := hourly(90, growth)
	gaps = append(gaps[:30*24:30*24], gaps[55*24:]...)
	irregular := hourly(90, growth)
	for i := range irregular {
		irregular[i].Time = start.Add(time.Duration(90 * 24 * float64(time.Hour) * r.Float64()))
	}
	var weekly []monitor.Point
	for i := range 60 {
		weekly = append(weekly, monitor.Point{Time: start.AddDate(0, 0, 7*i), Value: 100 + float64(i)})
	}
	backward := hourly(60, growth)
	slices.Reverse(backward)
	twice := hourly(60, growth)
	for i, p := range slices.Clip(twice) { // what was measured twice, and differs
		twice = append(twice, monitor.Point{Time: p.Time, Value: p.Value - 1})
		twice[i].Time = p.Time.In(time.FixedZone("", 5*3600+1800))
	}
	notNumbers := hourly(30, growth)
	notNumbers[5].Value, notNumbers[6].Value = math.NaN(), math.Inf(1)
	for name, points := range map[string][]monitor.Point{
		"gaps": gaps, "irregular": irregular, "backward": backward, "twice": twice, "weekly": weekly, "not numbers": notNumbers,
		"all zero":    hourly(40, func(int) float64 { return 0 }),
		"constant":    hourly(40, func(int) float64 { return 7.3 }),
		"negative":    hourly(40, func(int) float64 { return -50 + r.NormFloat64() }),
		"exploding":   hourly(90, func(h int) float64 { return math.Pow(2, float64(h)/24) }),
		"overflowing": hourly(90, func(h int) float64 { return 1e300 * math.Pow(2, float64(h)/24/4) }),
		"huge":        hourly(40, func(h int) float64 { return math.MaxFloat64 * math.Sin(float64(h)) }),
		"1e308":       hourly(40, func(int) float64 { return 1e308 }),
		"tiny":        hourly(40, func(h int) float64 { return 5e-324 * float64(h%3) }),
		"falling":     hourly(40, func(h int) float64 { return 1000 - float64(h) }),
		"fortnight":   hourly(14, growth),
		"one jump": hourly(40, func(h int) float64 {
			if h > 500 {
				return 5
			}
			return 1
		}),
	} {
		for _, limit := range []float64{1e4, 0, math.Inf(1), -1e9, math.MaxFloat64} {
			a, err := capacity.Analyse(points, limit)
			require.NoError(t, err, name)
			sound(t, a)
			if limit == -1e9 || limit > 1e9 {
				require.Equal(t, limit == -1e9, a.Limit.Reached || name == "huge" && limit < 0, name)
			}
			if limit == 0 && name != "negative" && name != "huge" && name != "tiny" {
				require.True(t, a.Limit.Reached, "%s: as much as none is there", name)
			}
		}
	}
	a, err := capacity.Analyse(twice, 200)
	require.NoError(t, err)
	b, err := capacity.Analyse(hourly(60, growth), 200)
	require.NoError(t, err)
	require.InDelta(t, daysTo(b, b.Limit.P50), daysTo(a, a.Limit.P50), 4)
	a, err = capacity.Analyse(weekly, 170)
	require.NoError(t, err)
	require.Equal(t, 60, a.Days)
	require.InDelta(t, 11*7, daysTo(a, a.Limit.P50), 4)
	a, err = capacity.Analyse(gaps, 250)
	require.NoError(t, err)
	require.InDelta(t, 60, daysTo(a, a.Limit.P50), 6)
	require.Contains(t, a.Notes[0], "gaps")
	a, err = capacity.Analyse(hourly(40, func(int) float64 { return 7 }), 7)
	require.NoError(t, err)
	require.True(t, a.Limit.Reached)
	require.Equal(t, a.From, a.Limit.P50.Time)
	require.Equal(t, a.From, a.Recommendation.Order.Time)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	one := func(int) float64 { return 1 }
	_, err := capacity.Analyse(nil, 1)
	require.ErrorIs(t, err, capacity.ErrShort)
	_, err = capacity.Analyse(hourly(13, one), 1, capacity.WithName("disk"))
	require.ErrorIs(t, err, capacity.ErrShort)
	require.EqualError(t, err, "capacity: disk: too few values: usage of 13 days, of at least 14")
	sparse := hourly(90, one)
	var kept []monitor.Point
	for i, p := range sparse {
		if i/24 < 10 || i/24 >= 82 {
			kept = append(kept, p)
		}
	}
	_, err = capacity.Analyse(kept, 1)
	require.ErrorIs(t, err, capacity.ErrIrregular)
	var far []monitor.Point
	for i := range 20 {
		far = append(far, monitor.Point{Time: start.AddDate(i, 0, 0), Value: 1})
	}
	_, err = capacity.Analyse(far, 1)
	require.ErrorIs(t, err, capacity.ErrIrregular)
	require.ErrorContains(t, err, "they are 365 days apart, of at most 100")
	_, err = capacity.Analyse(slices.Repeat(sparse[:1], 500), 1)
	require.ErrorIs(t, err, capacity.ErrShort)
	for _, v := range []float64{math.NaN(), math.Inf(1)} {
		_, err = capacity.Analyse(hourly(40, func(int) float64 { return v }), 1)
		require.EqualError(t, err, "capacity: resource: too few values: no point with a finite value")
	}
	for limit, want := range map[float64]string{math.NaN(): "NaN", math.Inf(-1): "-Inf"} {
		_, err = capacity.Analyse(sparse, limit)
		require.EqualError(t, err, "capacity: resource: the limit is "+want+": want a number, or +Inf for none")
	}
}

func TestOptionErrors(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]capacity.Option{
		"WithHorizon(1h30m0s)": capacity.WithHorizon(90 * time.Minute),
		"WithHistory(1h0m0s":   capacity.WithHistory(time.Hour, time.Minute),
		"WithPeak(0)":          capacity.WithPeak(0),
		"WithDemand(1)":        capacity.WithDemand(1),
		"WithHeadroom(-1)":     capacity.WithHeadroom(-1),
		"WithLeadTime(-1ns)":   capacity.WithLeadTime(-1),
		"WithInstances(0)":     capacity.WithInstances(0),
		"WithServers: service": capacity.WithServers(-1, time.Second),
		"WithServers: wait":    capacity.WithServers(1, 0),
		"WithScalability":      capacity.WithScalability(capacity.Scalability{}),
	} {
		_, err := capacity.Analyse(hourly(20, func(int) float64 { return 1 }), 1, o)
		require.ErrorIs(t, err, monitor.ErrInvalidOption)
		require.ErrorContains(t, err, want)
	}
}

// The same points, in any order, give the same plan.
func TestDeterministic(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 5))
	g := grow(r, "linear")
	a, err := capacity.Analyse(g.history, g.limit)
	require.NoError(t, err)
	r.Shuffle(len(g.history), func(i, j int) { g.history[i], g.history[j] = g.history[j], g.history[i] })
	b, err := capacity.Analyse(g.history, g.limit)
	require.NoError(t, err)
	a.Usage.Recent, b.Usage.Recent = nil, nil // sums in another order
	require.Equal(t, a, b)
}

func TestInstancesRecommended(t *testing.T) {
	t.Parallel()
	points := hourly(40, func(int) float64 { return 1000 })
	for _, c := range []struct {
		option capacity.Option
		want   int
	}{
		{capacity.WithInstances(100), 12}, // 1150 of 100
		{capacity.WithScalability(capacity.Scalability{Lambda: 100}), 12},
		{capacity.WithScalability(capacity.Scalability{Lambda: 100, Sigma: 0.5}), 0},
		{capacity.WithServers(100, time.Millisecond), 15},
	} {
		a, err := capacity.Analyse(points, math.Inf(1), c.option)
		require.NoError(t, err)
		require.InDelta(t, 1150, a.Recommendation.Size, 1)
		if c.want != 15 {
			require.Equal(t, c.want, a.Recommendation.Instances)
			continue
		}
		n, err := capacity.ServersForWait(a.Recommendation.Size, 100, 0.001)
		require.NoError(t, err)
		require.Equal(t, n, a.Recommendation.Instances)
	}
}

// One resource with 90 days of hours.
func BenchmarkAnalyse(b *testing.B) {
	r := rand.New(rand.NewPCG(3, 4))
	var all []grown
	for i := range 50 {
		all = append(all, grow(r, kinds[i%len(kinds)]))
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		g := all[i%len(all)]
		i++
		if _, err := capacity.Analyse(g.history, g.limit); err != nil {
			b.Fatal(err)
		}
	}
}
