package series_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/series"
	"github.com/chronoretrace/chronomon/internal/testenv"
)

func TestPeriodsVectors(t *testing.T) {
	t.Parallel()
	type in struct {
		Y    []float64
		True json.RawMessage `json:"true_period"`
	}
	testenv.Vectors(t, "spectrum.json", func(t *testing.T, in in, _ struct{}) {
		want := truePeriods(in.True)
		var got []int
		for _, s := range series.Periods(in.Y) {
			got = append(got, s.Period)
		}
		t.Log(got, series.Seasons(in.Y, 7, 12, 24, 168))
		for _, p := range want {
			require.Contains(t, got, p)
		}
		if len(want) == 0 {
			require.True(t, len(got) == 0 || slices.Contains(got, 10) || slices.Contains(got, 11), "sunspots have about eleven years: %v", got)
		}
	})
}

// Series without a season have one in no more than the test's share.
func TestSeasonsOfNoise(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	const runs = 400
	for name, phi := range map[string]float64{"noise": 0, "AR(1)": 0.6, "walk": 1} {
		named, looked := 0, 0
		for range runs {
			y := make([]float64, 300)
			for i := 1; i < len(y); i++ {
				y[i] = phi*y[i-1] + r.NormFloat64()
			}
			named += min(1, len(series.Seasons(y, 24)))
			looked += min(1, len(series.Periods(y)))
		}
		require.LessOrEqual(t, named, runs*3/100, name)
		require.LessOrEqual(t, looked, runs*3/100, name)
	}
}

func TestSeasonsFound(t *testing.T) {
	t.Parallel()
	found := series.Seasons(wave(960), 24, 168)
	require.Len(t, found, 2)
	require.Equal(t, 24, found[0].Period)
	require.Equal(t, 168, found[1].Period)
	require.Greater(t, found[0].Strength, 0.3)
	require.Empty(t, series.Seasons(make([]float64, 100), 7), "nothing moves")
	require.Empty(t, series.Seasons([]float64{1, 2, 1}, 2), "too short")
	exact := make([]float64, 70)
	for i := range exact {
		exact[i] = math.Mod(float64(i), 7)
	}
	require.Equal(t, 7, series.Periods(exact)[0].Period)
}

// A season that has a third of the variance, in noise that depends on itself, is
// found in four of ten series, whatever its length; another one seldom.
func TestPeriodsInNoise(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(9, 8))
	right, wrong := 0, 0
	const runs = 200
	for range runs {
		period, last := 5+r.IntN(50), 0.0
		y := make([]float64, 300)
		for i := range y {
			last = 0.4*last + r.NormFloat64()
			y[i] = last + math.Sin(2*math.Pi*float64(i)/float64(period))
		}
		for _, s := range series.Periods(y) {
			if d := s.Period - period; d >= -1 && d <= 1 || s.Period%period == 0 {
				right++
			} else {
				wrong++
			}
		}
	}
	t.Logf("%d right, %d wrong of %d", right, wrong, runs)
	require.Greater(t, right, runs*40/100)
	require.Less(t, wrong, runs*5/100)
}

// A day in steps of five minutes has 288 places, between two of which a day's turn is
// small against noise; what has no season must still not get one.
func TestLongSeason(t *testing.T) {
	t.Parallel()
	const period, runs = 288, 200
	r := rand.New(rand.NewPCG(28, 8))
	found := map[string]int{}
	for range runs {
		var ar, walk float64
		kinds := map[string][]float64{}
		for i := range 7 * period {
			e := r.NormFloat64()
			ar = 0.9*ar + e
			walk += e
			kinds["season"] = append(kinds["season"], math.Sin(2*math.Pi*float64(i)/period)+0.1*e)
			kinds["noise"] = append(kinds["noise"], e)
			kinds["dependent"] = append(kinds["dependent"], ar)
			kinds["walk"] = append(kinds["walk"], walk)
		}
		for kind, y := range kinds {
			found[kind] += len(series.Seasons(y, period))
		}
	}
	t.Log(found)
	require.Equal(t, runs, found["season"])
	for _, kind := range []string{"noise", "dependent", "walk"} {
		require.LessOrEqual(t, found[kind], runs*3/100, "%s: 1 %% is due", kind)
	}
}

// A long period takes a moving sum, which must be what summing each would be.
func TestClassicalLong(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 12))
	for _, period := range []int{512, 601} {
		y := make([]float64, 5*period)
		for i := range y {
			y[i] = 1e6 + r.NormFloat64()
		}
		_, trend := series.Classical(y, period, false)
		for i, got := range trend {
			w := y[i : i+2*(period/2)+1]
			var sum float64
			for _, v := range w {
				sum += v
			}
			if period%2 == 0 {
				sum -= (w[0] + w[len(w)-1]) / 2
			}
			require.InEpsilon(t, sum/float64(period), got, 1e-12)
		}
	}
}
