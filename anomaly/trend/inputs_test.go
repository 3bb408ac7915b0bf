package trend_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/anomaly/trend"
	"github.com/chronoretrace/chronomon/monitor"
)

// anyInput is a series that is odd in one way, and why it has no answer.
type anyInput struct {
	points []monitor.Point
	want   error // nil where there is an answer
}

func anyInputs() map[string]anyInput {
	r := rand.New(rand.NewPCG(12, 13))
	saw := func(i int) float64 { return float64(i*i%11) + 0.1*float64(i) }
	some := func(share float64) []monitor.Point {
		return slices.DeleteFunc(series(200, time.Minute, saw), func(p monitor.Point) bool {
			return !p.Time.Equal(monday) && r.Float64() > share
		})
	}
	shuffled := series(100, time.Minute, saw)
	r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	twice := append(series(60, time.Minute, saw), series(60, time.Minute, func(i int) float64 { return -saw(i) })...)
	uneven := series(100, time.Minute, saw)
	for i := range uneven {
		uneven[i].Time = uneven[i].Time.Add(time.Duration(r.IntN(50)-25) * time.Second)
	}
	with := func(points []monitor.Point, more ...monitor.Point) []monitor.Point { return append(points, more...) }
	of := func(n int, f func(i int) float64) anyInput { return anyInput{points: series(n, time.Hour, f)} }
	return map[string]anyInput{
		"nothing":           {nil, trend.ErrShort},
		"one":               {series(1, time.Hour, saw), trend.ErrShort},
		"seven":             {series(7, time.Hour, saw), trend.ErrShort},
		"at one time":       {series(50, 0, saw), trend.ErrShort},
		"not a number":      {series(50, time.Hour, func(int) float64 { return math.NaN() }), trend.ErrShort},
		"infinite":          {series(50, time.Hour, func(i int) float64 { return math.Inf(i%2*2 - 1) }), trend.ErrShort},
		"no number but few": {series(50, time.Hour, func(i int) float64 { return map[bool]float64{true: 1, false: math.NaN()}[i < 7] }), trend.ErrShort},
		"mostly gaps":       {with(series(20, time.Second, saw), monitor.Point{Time: monday.Add(time.Minute), Value: 1}), trend.ErrIrregular},
		"centuries apart":   {with(series(20, time.Nanosecond, saw), monitor.Point{Time: monday.AddDate(500, 0, 0)}), trend.ErrIrregular},
		"from no time":      {with(series(20, time.Second, saw), monitor.Point{}), trend.ErrIrregular},
		"two ends of time":  {[]monitor.Point{{}, {Time: monday, Value: 1}}, trend.ErrIrregular},
		"long":              {series(1<<18+1, time.Second, saw), trend.ErrLong},
		"out of range":      {series(50, time.Hour, func(i int) float64 { return math.Pow(1e7, float64(i)) }), trend.ErrRange},
		"the largest":       {series(50, time.Hour, func(i int) float64 { return math.MaxFloat64 * float64(1-i%2*2) }), trend.ErrRange},

		"eight":          of(8, saw),
		"zero":           of(50, func(int) float64 { return 0 }),
		"negative zero":  of(50, func(i int) float64 { return math.Copysign(0, float64(i%2)-0.5) }),
		"constant":       of(50, func(int) float64 { return -7.5 }),
		"gaps":           {points: some(0.7)},
		"few left":       {points: some(0.1)},
		"some numbers":   of(100, func(i int) float64 { return map[bool]float64{true: math.NaN(), false: saw(i)}[i%3 == 1] }),
		"unsorted":       {points: shuffled},
		"times repeated": {points: twice},
		"uneven":         {points: uneven},
		"exploding":      of(110, func(i int) float64 { return math.Exp(2 * float64(i)) }),
		"to the bound":   of(50, func(i int) float64 { return 1e100 * float64(1-i%2*2) }),
		"subnormal":      of(50, func(i int) float64 { return 5e-324 * float64(i%4) }),
		"one spike":      of(50, func(i int) float64 { return map[int]float64{30: 1e9}[i] }),
		"all season":     of(50, func(i int) float64 { return map[bool]float64{true: 90, false: 0.1}[i%3 == 1] }),
		"two spikes":     of(50, func(i int) float64 { return map[bool]float64{true: 90, false: 0}[i/2 == 4] }),
		"hardly noise":   of(50, func(i int) float64 { return 1e5 + 5e-324*float64(i%4) + map[int]float64{40: 1}[i] }),
		"a step":         of(90, func(i int) float64 { return float64(i / 60) }),
		"a line":         of(50, func(i int) float64 { return float64(-i) }),
		"centuries long": {points: series(97, 3*365*24*time.Hour-1, saw)},
		"nanoseconds":    {points: series(100, 1, saw)},
	}
}

// Every function has an answer that holds together, or the same reason for none.
func TestAnyInput(t *testing.T) {
	t.Parallel()
	const h = 20
	for name, in := range anyInputs() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := slices.Clone(in.points)
			functions := map[string]func() error{
				"Predict": func() error {
					f, err := trend.Predict(in.points, h)
					if err == nil {
						checkForecast(t, f, h)
					}
					return err
				},
				"Analyse": func() error {
					a, err := trend.Analyse(in.points, h)
					if err == nil {
						checkAnalysis(t, a, h)
					}
					return err
				},
				"Query": func() error {
					got, err := trend.Query(t.Context(), answer{in.points}, "up", monitor.Range{}, h)
					require.NoError(t, err)
					require.Len(t, got, 1)
					if got[0].Err == nil {
						checkAnalysis(t, got[0].Analysis, h)
					}
					return got[0].Err
				},
				"Test": func() error {
					got, err := trend.Test(in.points)
					if err == nil {
						checkTrend(t, got)
					}
					return err
				},
				"Changes": func() error {
					got, err := trend.Changes(in.points)
					checkChanges(t, got)
					return err
				},
				"Decompose": func() error {
					got, err := trend.Decompose(in.points)
					if err == nil {
						checkParts(t, got)
					}
					return err
				},
			}
			for name, f := range functions {
				err := f()
				if in.want == nil {
					require.NoError(t, err, name)
					continue
				}
				require.ErrorIs(t, err, in.want, name)
				require.ErrorContains(t, err, "trend: ", name)
			}
			require.Len(t, in.points, len(before))
			for i, p := range before { // NaN is not equal to itself
				require.Equal(t, math.Float64bits(p.Value), math.Float64bits(in.points[i].Value), "the points are as they were")
				require.True(t, p.Time.Equal(in.points[i].Time))
			}
		})
	}
}

// answer is a history with one series.
type answer struct{ points []monitor.Point }

func (a answer) Query(context.Context, string, time.Time) ([]monitor.Sample, error) {
	return nil, errors.New("ranges only")
}

func (a answer) QueryRange(context.Context, string, monitor.Range) ([]monitor.Series, error) {
	return []monitor.Series{{Points: a.points}}, nil
}

func checkForecast(t *testing.T, f trend.Forecast, h int) {
	t.Helper()
	require.Len(t, f.Points, h)
	var last time.Time
	for i, p := range f.Points {
		finite(t, p.Value, p.Low, p.High)
		require.LessOrEqual(t, p.Low, p.Value)
		require.GreaterOrEqual(t, p.High, p.Value)
		require.True(t, i == 0 || p.Time.After(last))
		last = p.Time
		low, high := f.Quantile(i, 0.1), f.Quantile(i, 0.9)
		finite(t, low, high)
		require.LessOrEqual(t, low, high)
	}
	require.NotEmpty(t, f.Methods)
	require.NotEmpty(t, f.Why)
	finite(t, f.Accuracy.MAE, f.Accuracy.SMAPE, f.Accuracy.Coverage, f.Accuracy.Naive)
}

func checkTrend(t *testing.T, got trend.Trend) {
	t.Helper()
	for _, p := range []float64{got.P, got.HamedRao, got.Plain, got.Strength} {
		require.True(t, p >= 0 && p <= 1, "%+v", got)
	}
	finite(t, got.Tau, got.Slope, got.Low, got.High)
	require.LessOrEqual(t, got.Low, got.Slope)
	require.GreaterOrEqual(t, got.High, got.Slope)
	require.Positive(t, got.Per)
}

func checkChanges(t *testing.T, changes []trend.Change) {
	t.Helper()
	var last time.Time
	for _, c := range changes {
		require.True(t, c.Time.After(last))
		require.False(t, c.Earliest.After(c.Time) || c.Latest.Before(c.Time))
		finite(t, c.Before, c.After)
		require.False(t, math.IsNaN(c.Size))
		last = c.Time
	}
}

func checkParts(t *testing.T, p trend.Parts) {
	t.Helper()
	require.Len(t, p.Times, len(p.Values))
	require.Len(t, p.Season, len(p.Seasons))
	largest := slices.Max(p.Values) - slices.Min(p.Values)
	for i, v := range p.Values {
		sum := p.Trend[i] + p.Rest[i]
		for _, s := range p.Season {
			sum += s[i]
		}
		finite(t, v, sum)
		require.InDelta(t, v, sum, 1e-9*max(largest, math.Abs(v)))
	}
	require.True(t, p.Strength >= 0 && p.Strength <= 1)
}

func checkAnalysis(t *testing.T, a trend.Analysis, h int) {
	t.Helper()
	checkForecast(t, a.Forecast, h)
	checkTrend(t, a.Trend)
	checkChanges(t, a.Changes)
	for _, o := range a.Outliers {
		finite(t, o.Value, o.Expected, o.Size)
	}
	for _, s := range a.Seasons {
		require.Positive(t, s.Length)
		require.True(t, s.Strength >= 0 && s.Strength <= 1)
	}
}

func finite(t *testing.T, values ...float64) {
	t.Helper()
	for _, v := range values {
		require.False(t, math.IsNaN(v) || math.IsInf(v, 0), "%v", values)
	}
}

// At the ends of what options may be there are still numbers.
func TestOptionsAtTheirEnds(t *testing.T) {
	t.Parallel()
	points := series(120, time.Hour, func(i int) float64 { return daily(i) + float64(i*i%7) })
	event := func(factor float64) trend.Option {
		return trend.WithEvents(
			trend.Event{Name: "a", From: monday.Add(60 * time.Hour), To: monday.AddDate(9, 0, 0), Factor: factor},
			trend.Event{Name: "b", From: monday.AddDate(0, 0, 5), To: monday.AddDate(9, 0, 0), Factor: factor},
			trend.Event{Name: "c", From: monday.AddDate(0, 0, 5), To: monday.AddDate(9, 0, 0), Factor: factor},
			trend.Event{Name: "d", From: monday.AddDate(0, 0, 5), To: monday.AddDate(9, 0, 0), Factor: factor},
		)
	}
	for name, o := range map[string]trend.Option{
		"hardly any level":   trend.WithLevel(math.SmallestNonzeroFloat64),
		"nearly all":         trend.WithLevel(math.Nextafter(1, 0)),
		"an odd step":        trend.WithStep(61*time.Minute + 1),
		"greatest factor":    event(math.MaxFloat64),
		"least factor":       event(math.SmallestNonzeroFloat64),
		"bounds elsewhere":   trend.WithBounds(1e9, 1e9+1),
		"bounds at the ends": trend.WithBounds(-math.MaxFloat64, math.MaxFloat64),
		"no bounds":          trend.WithBounds(math.Inf(-1), math.Inf(1)),
		"seasons of no time": trend.WithSeasons(1, 2, math.MaxInt64),
		"no calendar":        trend.WithCalendar(nil),
		"no event":           trend.WithEvents(),
	} {
		f, err := trend.Predict(points, 30, o)
		require.NoError(t, err, name)
		checkForecast(t, f, 30)
	}
	_, err := trend.Predict(points, 30, trend.WithStep(math.MaxInt64))
	require.ErrorIs(t, err, trend.ErrShort, "all in one step")
	_, err = trend.Predict(append(points, monitor.Point{}), 30, trend.WithStep(math.MaxInt64))
	require.ErrorIs(t, err, trend.ErrIrregular)
	f, err := trend.Predict(series(40, 7*24*time.Hour, daily), 100_000)
	require.True(t, err != nil || f.Points[99_999].Time.Equal(monday.AddDate(0, 0, 7*100_039)), "a span of centuries is no duration")
	require.NoError(t, err)
}

// Beyond what there is, nothing is said.
func TestQuantileOfNothing(t *testing.T) {
	t.Parallel()
	f, err := trend.Predict(series(50, time.Hour, func(i int) float64 { return float64(i * i % 7) }), 3)
	require.NoError(t, err)
	for _, c := range []struct {
		i int
		p float64
	}{{-1, 0.5}, {3, 0.5}, {0, 0}, {0, 1}, {0, -3}, {0, 7}, {0, math.NaN()}} {
		require.True(t, math.IsNaN(f.Quantile(c.i, c.p)))
	}
	require.True(t, math.IsNaN(trend.Forecast{}.Quantile(0, 0.5)))
	for _, p := range []float64{1e-300, 1e-9, 0.5, 1 - 1e-16} {
		require.False(t, math.IsNaN(f.Quantile(0, p)))
	}
}

// Series are only read: any number of goroutines may look at the same one.
func TestAtTheSameTime(t *testing.T) {
	t.Parallel()
	points := series(400, time.Hour, func(i int) float64 { return daily(i) + float64(i*i%13) })
	opts := []trend.Option{
		trend.WithEvents(trend.Event{From: monday.AddDate(0, 0, 3), To: monday.AddDate(0, 0, 4)}),
		trend.WithBounds(-100, 100),
	}
	want, err := trend.Analyse(points, 24, opts...)
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			got, err := trend.Analyse(points, 24, opts...)
			if err != nil || got.Forecast.Points[23] != want.Forecast.Points[23] || got.Trend.P != want.Trend.P {
				t.Error("another answer at the same time", err)
			}
		})
	}
	wg.Wait()
}

// Long series take seconds and not minutes.
func TestLongSeriesIsBounded(t *testing.T) {
	t.Parallel()
	points := series(1<<18-1, 5*time.Minute, func(i int) float64 { return math.Sin(float64(i)*math.Pi/144) + math.Sin(float64(i*i)) })
	start := time.Now()
	a, err := trend.Analyse(points, 48)
	require.NoError(t, err)
	checkAnalysis(t, a, 48)
	require.Less(t, time.Since(start), 20*time.Second)
	_, err = trend.Predict(append(points, series(1, 0, daily)...), 48, trend.WithStep(time.Hour))
	require.NoError(t, err)
}

// A query that nobody waits for any more ends between two series.
func TestQueryCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got, err := trend.Query(ctx, answer{}, "up", monitor.Range{}, 5)
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, got)
}
