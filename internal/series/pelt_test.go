package series_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/series"
	"github.com/chronoretrace/chronomon/internal/testenv"
)

func TestChangePointsVectors(t *testing.T) {
	t.Parallel()
	type prior struct{ Hazard, Mu0, K0, A0, B0 float64 }
	type in struct {
		Y       []float64
		Cost    string
		Penalty float64
		MinSize int `json:"min_size"`
		Bocpd   prior
		EDivMin int     `json:"ediv_min_size"`
		BPShare float64 `json:"bp_h"`
		BPMost  int     `json:"bp_max"`
	}
	type out struct {
		ChangePoints []int     `json:"change_points"`
		TotalCost    float64   `json:"total_cost"`
		ModeRun      []int     `json:"bocpd_mode_run"`
		Evidence     float64   `json:"bocpd_log_evidence"`
		Final        []float64 `json:"bocpd_final"`
		EDivBest     int       `json:"ediv_best"`
		EDivQ        []float64 `json:"ediv_q"`
		BaiPerron    struct {
			ByBIC    []int `json:"breaks_by_bic"`
			Two      []int `json:"two_breaks"`
			RSS, BIC []float64
		} `json:"bai_perron"`
	}
	testenv.Vectors(t, "changepoint.json", func(t *testing.T, in in, want out) {
		cost := series.MeanCost
		if in.Cost == "meanvar" {
			cost = series.MeanVarianceCost
		}
		got, total := series.ChangePoints(in.Y, cost, in.Penalty, in.MinSize)
		require.ElementsMatch(t, want.ChangePoints, got)
		require.IsNonDecreasing(t, append([]int{0}, got...))
		nearOne(t, want.TotalCost, total, 1e-8, "total cost")

		r := series.RunLength{Hazard: in.Bocpd.Hazard, Mean: in.Bocpd.Mu0, Weight: in.Bocpd.K0, Shape: in.Bocpd.A0, Rate: in.Bocpd.B0}
		for i, v := range in.Y {
			r.Observe(v)
			require.Equal(t, want.ModeRun[i], r.Likely())
		}
		nearOne(t, want.Evidence, r.LogEvidence, 1e-8, "evidence")
		near(t, want.Final, r.Probabilities()[:len(want.Final)], 1e-8, "run lengths")

		best, q := series.EnergySplit(in.Y, in.EDivMin)
		require.Equal(t, want.EDivBest, best)
		near(t, want.EDivQ, q, 1e-9, "energy")

		breaks := series.MeanBreaks(in.Y, int(in.BPShare*float64(len(in.Y))), in.BPMost)
		require.Len(t, breaks, len(want.BaiPerron.RSS))
		for m, b := range breaks {
			nearOne(t, want.BaiPerron.RSS[m], b.Residual, 1e-8, "residual")
			nearOne(t, want.BaiPerron.BIC[m], b.BIC, 1e-8, "BIC")
		}
		require.Equal(t, append([]int{}, want.BaiPerron.ByBIC...), append([]int{}, series.LikelyBreaks(breaks).At...))
		require.Equal(t, want.BaiPerron.Two, breaks[2].At)
	})
}

func TestChangePointsDegenerate(t *testing.T) {
	t.Parallel()
	got, _ := series.ChangePoints(nil, series.MeanCost, 1, 2)
	require.Empty(t, got)
	got, _ = series.ChangePoints(make([]float64, 50), series.MeanVarianceCost, 1, 0)
	require.Empty(t, got)
}

// Run lengths stay bounded, and a long run is still a long run.
func TestRunLengthBounded(t *testing.T) {
	t.Parallel()
	r := series.RunLength{Hazard: 0.01, Weight: 1, Shape: 1, Rate: 1, Most: 20}
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 500 {
		r.Observe(rnd.NormFloat64())
	}
	require.Len(t, r.Probabilities(), 20)
	require.Equal(t, 19, r.Likely())
	for range 5 {
		r.Observe(30)
	}
	require.Less(t, r.Likely(), 7, "it has changed")
	r.Observe(math.NaN())
	r.Observe(1e300)
	require.NotEmpty(t, r.Probabilities())
}

func TestCUSUM(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 8))
	var lengths, delays float64
	const runs = 300
	for range runs {
		c := series.CUSUM{Mean: 10, Deviation: 2}
		for i := 1; ; i++ {
			if c.Observe(10+2*r.NormFloat64()) != 0 {
				lengths += float64(i) / runs
				break
			}
		}
		c = series.CUSUM{Mean: 10, Deviation: 2}
		for i := 1; ; i++ {
			if a := c.Observe(8 + 2*r.NormFloat64()); a != 0 {
				require.Equal(t, -1, a)
				delays += float64(i) / runs
				break
			}
		}
	}
	require.InDelta(t, 465, lengths, 90, "Hawkins and Olwell's average run length")
	require.InDelta(t, 10.4, delays, 1)
	flat := series.CUSUM{Mean: 5}
	require.Zero(t, flat.Observe(5))
	require.Zero(t, flat.Observe(math.Inf(1)))
	require.Equal(t, 1, flat.Observe(5.1))
}
