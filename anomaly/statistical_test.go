package anomaly_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/anomaly"
	"github.com/chronoretrace/chronomon/monitor"
)

var start = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC) // a Monday

// made returns what a constructor returns, and fails the test with its error.
func made[D any](t testing.TB) func(d D, err error) D {
	t.Helper()
	return func(d D, err error) D {
		t.Helper()
		require.NoError(t, err)
		return d
	}
}

// general are the detectors that find values that were not there before.
func general(t testing.TB) map[string]func() anomaly.Detector {
	t.Helper()
	return map[string]func() anomaly.Detector{
		"sigma":          func() anomaly.Detector { return made[*anomaly.Sigma](t)(anomaly.NewSigma()) },
		"median":         func() anomaly.Detector { return made[*anomaly.Median](t)(anomaly.NewMedian(anomaly.WithWindow(240))) },
		"moving average": func() anomaly.Detector { return made[*anomaly.MovingAverage](t)(anomaly.NewMovingAverage()) },
		"ewma":           func() anomaly.Detector { return made[*anomaly.EWMA](t)(anomaly.NewEWMA()) },
		"seasonal":       func() anomaly.Detector { return made[*anomaly.Seasonal](t)(anomaly.NewSeasonal(nil)) },
		"shift":          func() anomaly.Detector { return made[*anomaly.Shift](t)(anomaly.NewShift()) },
		"neighbours":     func() anomaly.Detector { return anomaly.NewNeighbours() },
		"clusters":       func() anomaly.Detector { return made[*anomaly.Clusters](t)(anomaly.NewClusters()) },
	}
}

// days is a series with a daily season and noise, a point every ten minutes.
func days(n int, seed uint64) []anomaly.Point {
	r := rand.New(rand.NewPCG(seed, 1))
	out := make([]anomaly.Point, n)
	for i := range out {
		at := start.Add(time.Duration(i) * 10 * time.Minute)
		hour := float64(i%144) / 6
		out[i] = anomaly.Point{Time: at, Value: 100 + 10*math.Sin(2*math.Pi*hour/24) + r.NormFloat64()}
	}
	return out
}

// Each finds a fault that is plain to see, an hour of three times the value, and
// hardly anything before it.
func TestFindsWhatIsPlain(t *testing.T) {
	t.Parallel()
	const from, to, all = 5000, 5006, 6000
	for name, detector := range general(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			points := days(all, 1)
			if name == "shift" { // which takes a morning for a change of level, as it is
				for i := range points {
					points[i].Value = 100 + float64(i*i%13)
				}
			}
			for i := from; i < to; i++ {
				points[i].Value *= 3
			}
			d := detector()
			var found, wrong, ready int
			for i, p := range points {
				s := d.Observe(p)
				require.GreaterOrEqual(t, s.Value, 0.0)
				require.LessOrEqual(t, s.Value, 1.0)
				switch {
				case i < from && s.Ready:
					ready++
					if s.Anomalous() {
						wrong++
					}
				case i >= from && i < to && s.Anomalous():
					found++
				}
				if !s.Ready {
					require.Zero(t, s.Value)
				} else if !math.IsNaN(s.Expected) {
					require.LessOrEqual(t, s.Low, s.Expected)
					require.GreaterOrEqual(t, s.High, s.Expected)
				}
			}
			require.Positive(t, found)
			require.Greater(t, ready, 2500)
			require.Less(t, float64(wrong)/float64(ready), 0.02)
		})
	}
}

// A detector's scores up to a point are the same whatever comes after it.
func TestNothingLooksAhead(t *testing.T) {
	t.Parallel()
	for name, detector := range general(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			points := days(3000, 2)
			a, b := detector(), detector()
			for i, p := range points {
				want := a.Observe(p)
				got := b.Observe(p)
				require.Equal(t, text(want), text(got), i)
				if i == 2000 {
					break
				}
			}
		})
	}
}

// text writes a score so that NaN is the same as NaN.
func text(s anomaly.Score) [5]uint64 {
	ready := uint64(0)
	if s.Ready {
		ready = 1
	}
	return [5]uint64{math.Float64bits(s.Value), math.Float64bits(s.Expected), math.Float64bits(s.Low), math.Float64bits(s.High), ready}
}

// hostile are series that nobody means to send.
func hostile() map[string]func(i int) anomaly.Point {
	at := func(i int) time.Time { return start.Add(time.Duration(i) * time.Minute) }
	return map[string]func(i int) anomaly.Point{
		"constant": func(i int) anomaly.Point { return anomaly.Point{Time: at(i), Value: 5} },
		"zero":     func(i int) anomaly.Point { return anomaly.Point{Time: at(i)} },
		"NaN":      func(i int) anomaly.Point { return anomaly.Point{Time: at(i), Value: math.NaN()} },
		"infinite": func(i int) anomaly.Point { return anomaly.Point{Time: at(i), Value: math.Inf(1 - 2*(i%2))} },
		"enormous": func(i int) anomaly.Point {
			return anomaly.Point{Time: at(i), Value: math.MaxFloat64 * float64(1-2*(i%2))}
		},
		"tiny": func(i int) anomaly.Point {
			return anomaly.Point{Time: at(i), Value: math.SmallestNonzeroFloat64 * float64(i%3)}
		},
		"repeated":  func(i int) anomaly.Point { return anomaly.Point{Time: at(i / 3), Value: float64(i % 7)} },
		"backward":  func(i int) anomaly.Point { return anomaly.Point{Time: at(-i), Value: float64(i % 7)} },
		"gaps":      func(i int) anomaly.Point { return anomaly.Point{Time: at(i * i * i), Value: float64(i % 7)} },
		"zero time": func(i int) anomaly.Point { return anomaly.Point{Value: float64(i % 7)} },
		"exploding": func(i int) anomaly.Point { return anomaly.Point{Time: at(i), Value: math.Pow(1.2, float64(i))} },
		"mixed": func(i int) anomaly.Point {
			return anomaly.Point{Time: at(i), Value: []float64{1, math.NaN(), math.MaxFloat64, 0, -1, math.Inf(1)}[i%6]}
		},
	}
}

func TestHostileSeries(t *testing.T) {
	t.Parallel()
	for name, detector := range general(t) {
		for what, point := range hostile() {
			t.Run(name+" "+what, func(t *testing.T) {
				t.Parallel()
				d := detector()
				for i := range 3000 {
					s := d.Observe(point(i))
					require.False(t, math.IsNaN(s.Value), i)
					require.GreaterOrEqual(t, s.Value, 0.0, i)
					require.LessOrEqual(t, s.Value, 1.0, i)
					if what == "constant" || what == "zero" || what == "NaN" || what == "infinite" {
						require.Zero(t, s.Value, i)
					}
				}
				if what != "constant" || name == "seasonal" { // two days are too short for that one
					return
				}
				// A constant series that moves is an anomaly, however little it does.
				found := false
				for i := range 10 {
					found = found || d.Observe(anomaly.Point{Time: point(3000 + i).Time, Value: 5.5}).Anomalous()
				}
				require.True(t, found)
			})
		}
	}
}

func TestSigmaIsWhatItSays(t *testing.T) {
	t.Parallel()
	d := made[*anomaly.Sigma](t)(anomaly.NewSigma(anomaly.WithWindow(8), anomaly.WithLimit(2)))
	for i, v := range []float64{9, 9, 1, 2, 3, 4, 5, 6, 7, 8, 2, 4} {
		_ = d.Observe(anomaly.Point{Time: start.Add(time.Duration(i) * time.Second), Value: v})
	}
	// The last eight are 3 4 5 6 7 8 2 4: mean 4.875, and standard deviation:
	var square float64
	for _, v := range []float64{3, 4, 5, 6, 7, 8, 2, 4} {
		square += (v - 4.875) * (v - 4.875)
	}
	sd := math.Sqrt(square / 7)
	s := d.Observe(anomaly.Point{Time: start.Add(time.Minute), Value: 4.875 + 6*sd})
	require.InDelta(t, 4.875, s.Expected, 1e-12)
	require.InDelta(t, 4.875-2*sd, s.Low, 1e-12)
	require.InDelta(t, 4.875+2*sd, s.High, 1e-12)
	require.InDelta(t, 0.75, s.Value, 1e-12, "three times the limit")
	require.True(t, s.Anomalous())
}

func TestMedianIsWhatItSays(t *testing.T) {
	t.Parallel()
	d := made[*anomaly.Median](t)(anomaly.NewMedian(anomaly.WithWindow(9)))
	for i, v := range []float64{7, 7, 1, 100, 3, 4, 2, 8, 5, 1e6, 6} { // 1 2 3 4 5 6 8 100 1e6 are left
		_ = d.Observe(anomaly.Point{Time: start.Add(time.Duration(i) * time.Second), Value: v})
	}
	s := d.Observe(anomaly.Point{Time: start.Add(time.Minute), Value: 5})
	require.InDelta(t, 5, s.Expected, 0)
	require.InDelta(t, 5+3*3*1.4826022185056018, s.High, 1e-9) // distances 0 1 1 2 3 3 4 95 999995
	require.Zero(t, s.Value)
}

func TestEWMAIsWhatItSays(t *testing.T) {
	t.Parallel()
	d := made[*anomaly.EWMA](t)(anomaly.NewEWMA(anomaly.WithWindow(8)))
	values := []float64{3, 1, 4, 1, 5, 9, 2, 6, 5, 3}
	var s anomaly.Score
	for i, v := range append(values, 8) {
		s = d.Observe(anomaly.Point{Time: start.Add(time.Duration(i) * time.Second), Value: v})
	}
	// The mean of the first eight, and then weights of 2/9.
	wantMean, square := 0.0, 0.0
	for i, v := range values {
		share := max(2.0/9, 1/float64(i+1))
		square = (1-share)*square + share*v*v
		wantMean = (1-share)*wantMean + share*v
	}
	require.InDelta(t, wantMean, s.Expected, 1e-12)
	require.InDelta(t, wantMean+3*math.Sqrt(square-wantMean*wantMean), s.High, 1e-9)
}

// What is usual by day is not by night.
func TestSeasonalKnowsTheHour(t *testing.T) {
	t.Parallel()
	d := made[*anomaly.Seasonal](t)(anomaly.NewSeasonal(anomaly.TimeOfDay(time.Hour, nil)))
	plain := made[*anomaly.Sigma](t)(anomaly.NewSigma())
	points := days(3000, 3)
	noon := points[2880+100] // near the valley of the day
	noon.Value = 109         // what the peak is like
	for _, p := range points[:2880+100] {
		_, _ = d.Observe(p), plain.Observe(p)
	}
	require.True(t, d.Observe(noon).Anomalous())
	require.False(t, plain.Observe(noon).Anomalous())
}

// A place is where its clock says: the same hour in another zone is another place.
func TestSeasons(t *testing.T) {
	t.Parallel()
	shanghai := time.FixedZone("CST", 8*3600)
	at := time.Date(2026, 3, 2, 1, 30, 0, 0, time.UTC)
	for want, s := range map[int]anomaly.Season{
		24 + 1: anomaly.HourOfWeek(nil), 24 + 9: anomaly.HourOfWeek(shanghai),
		3: anomaly.TimeOfDay(30*time.Minute, nil), 9: anomaly.TimeOfDay(0, shanghai),
	} {
		got, ok := s.Place(at)
		require.True(t, ok)
		require.Equal(t, want, got)
		require.Less(t, got, s.Places())
	}
	last, _ := anomaly.TimeOfDay(7*time.Minute, nil).Place(time.Date(2026, 1, 1, 23, 59, 59, 0, time.UTC))
	require.Equal(t, anomaly.TimeOfDay(7*time.Minute, nil).Places()-1, last)
}

// A change of variance is found without one of level, and the other way round.
func TestShiftFindsBoth(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(4, 4))
	for name, after := range map[string]func() float64{
		"level":    func() float64 { return 3 + r.NormFloat64() },
		"variance": func() float64 { return 6 * r.NormFloat64() },
		"calm":     func() float64 { return 0.05 * r.NormFloat64() },
	} {
		d := made[*anomaly.Shift](t)(anomaly.NewShift())
		at, found := start, false
		for range 1500 {
			at = at.Add(time.Second)
			require.False(t, d.Observe(anomaly.Point{Time: at, Value: r.NormFloat64()}).Anomalous(), name)
		}
		for range 64 {
			at = at.Add(time.Second)
			found = d.Observe(anomaly.Point{Time: at, Value: after()}).Anomalous() || found
		}
		require.True(t, found, name)
	}
}

// A shape that was never there is found, though each of its values was.
func TestShapesAreFound(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"neighbours", "clusters"} {
		d := general(t)[name]()
		r := rand.New(rand.NewPCG(5, 5))
		wave := func(i int) float64 { return math.Sin(2*math.Pi*float64(i)/16) + 0.02*r.NormFloat64() }
		at, found, wrong := start, false, 0
		for i := range 2000 {
			at = at.Add(time.Second)
			if d.Observe(anomaly.Point{Time: at, Value: wave(i)}).Anomalous() && i > 1000 {
				wrong++
			}
		}
		require.Less(t, wrong, 20, name)
		for i := range 12 { // it stands still at a value that it passes twice a wave
			at = at.Add(time.Second)
			found = d.Observe(anomaly.Point{Time: at, Value: 0.7 * float64(1-2*(i%2))}).Anomalous() || found
		}
		require.True(t, found, name)
	}
}

func TestStatisticalOptions(t *testing.T) {
	t.Parallel()
	for _, o := range []anomaly.Option{
		anomaly.WithWindow(7), anomaly.WithWindow(1<<16 + 1), anomaly.WithLimit(0), anomaly.WithLimit(-1),
		anomaly.WithLimit(math.NaN()), anomaly.WithLimit(math.Inf(1)),
	} {
		for _, err := range []error{
			second(anomaly.NewSigma(o)), second(anomaly.NewMedian(o)), second(anomaly.NewMovingAverage(o)),
			second(anomaly.NewEWMA(o)), second(anomaly.NewSeasonal(nil, o)), second(anomaly.NewShift(o)), second(anomaly.NewClusters(o)),
		} {
			require.ErrorIs(t, err, monitor.ErrInvalidOption)
		}
	}
	_, err := anomaly.NewSigma(nil, anomaly.WithWindow(1), anomaly.WithLimit(0))
	require.EqualError(t, err, "anomaly: invalid option: WithWindow(1) is not from 8 to 65536\nanomaly: invalid option: WithLimit(0) is not above 0")
	_, err = anomaly.NewSeasonal(places(1))
	require.ErrorContains(t, err, "a season of 1 places: want 2 to 65536")
}

func second[D any](_ D, err error) error { return err }

// places is a season in which times are nowhere.
type places int

func (p places) Places() int               { return int(p) }
func (places) Place(time.Time) (int, bool) { return -1, true }

func TestSeasonThatKnowsNoPlace(t *testing.T) {
	t.Parallel()
	d := made[*anomaly.Seasonal](t)(anomaly.NewSeasonal(places(5)))
	require.False(t, d.Observe(anomaly.Point{Time: start, Value: 1}).Ready)
}

func BenchmarkObserve(b *testing.B) {
	for name, detector := range general(b) {
		b.Run(name, func(b *testing.B) {
			points := days(8192, 1)
			d := detector()
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				p := points[i&8191]
				p.Time = start.Add(time.Duration(i) * 10 * time.Minute)
				_ = d.Observe(p)
				i++
			}
		})
	}
}
