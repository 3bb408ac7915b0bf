package series_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/series"
	"github.com/chronoretrace/chronomon/internal/testenv"
)

type stlInput struct {
	Y          []float64
	Period     int
	Seasonal   int
	Trend      int
	LowPass    int `json:"low_pass"`
	SDeg       int `json:"seasonal_deg"`
	TDeg       int `json:"trend_deg"`
	LDeg       int `json:"low_pass_deg"`
	SJump      int `json:"seasonal_jump"`
	TJump      int `json:"trend_jump"`
	LJump      int `json:"low_pass_jump"`
	Robust     bool
	Inner      int `json:"inner_iter"`
	OuterLoops int `json:"outer_iter"`
}

func TestSTLVectors(t *testing.T) {
	t.Parallel()
	type out struct {
		Seasonal, Trend, Resid, Weights []float64
		StrengthTrend                   float64 `json:"strength_trend"`
		StrengthSeasonal                float64 `json:"strength_seasonal"`
	}
	testenv.Vectors(t, "stl.json", func(t *testing.T, in stlInput, want out) {
		got := series.STL{
			Period: in.Period, Seasonal: in.Seasonal, Trend: in.Trend, LowPass: in.LowPass,
			SeasonalDegree: in.SDeg, TrendDegree: in.TDeg, LowPassDegree: in.LDeg,
			SeasonalJump: in.SJump, TrendJump: in.TJump, LowPassJump: in.LJump,
			Inner: in.Inner, Outer: in.OuterLoops,
		}.Decompose(in.Y)
		near(t, want.Seasonal, got.Seasonal[0], 1e-8, "seasonal")
		near(t, want.Trend, got.Trend, 1e-8, "trend")
		near(t, want.Resid, got.Rest, 1e-8, "rest")
		if in.Robust {
			near(t, want.Weights, got.Weights, 1e-8, "weights")
		}
		nearOne(t, want.StrengthTrend, series.Strength(got.Trend, got.Rest), 1e-8, "strength of the trend")
		nearOne(t, want.StrengthSeasonal, series.Strength(got.Seasonal[0], got.Rest), 1e-8, "strength of the season")
	})
}

func TestMSTLVectors(t *testing.T) {
	t.Parallel()
	type in struct {
		Y       []float64
		Periods []int
	}
	type out struct {
		Trend, Remainder                                              []float64
		Seasonal24, Seasonal48, Seasonal168, Seasonal240, Seasonal336 []float64
	}
	testenv.Vectors(t, "mstl.json", func(t *testing.T, in in, want out) {
		got := series.MSTL(in.Y, in.Periods...)
		near(t, want.Trend, got.Trend, 1e-7, "trend")
		seasons := map[int][]float64{24: want.Seasonal24, 48: want.Seasonal48, 168: want.Seasonal168, 240: want.Seasonal240, 336: want.Seasonal336}
		require.Len(t, got.Seasonal, len(in.Periods))
		for i, p := range in.Periods {
			near(t, seasons[p], got.Seasonal[i], 1e-7, "seasonal")
		}
		near(t, want.Remainder, got.Rest, 1e-7, "rest")
	})
}

func TestDecomposeVectors(t *testing.T) {
	t.Parallel()
	type in struct {
		Y      []float64
		Period int
		Type   string
	}
	type out struct {
		Figure, Seasonal []float64
		Trend, Random    []*float64
	}
	testenv.Vectors(t, "decompose.json", func(t *testing.T, in in, want out) {
		index, trend := series.Classical(in.Y, in.Period, in.Type == "multiplicative")
		near(t, want.Figure, index, 1e-10, "figure")
		var wantTrend, wantRandom, random, season []float64
		for i, v := range want.Trend {
			s := index[i%in.Period]
			season = append(season, s)
			if v == nil {
				continue
			}
			left := in.Y[i] - trend[len(wantTrend)] - s
			if in.Type == "multiplicative" {
				left = in.Y[i] / (trend[len(wantTrend)] * s)
			}
			wantTrend, wantRandom, random = append(wantTrend, *v), append(wantRandom, *want.Random[i]), append(random, left)
		}
		near(t, wantTrend, trend, 1e-10, "trend")
		near(t, want.Seasonal, season, 1e-10, "seasonal")
		near(t, wantRandom, random, 1e-10, "random")
	})
}

func TestDecomposeTooShort(t *testing.T) {
	t.Parallel()
	y := []float64{1, 2, 3, 4, 5}
	p := series.STL{Period: 3}.Decompose(y)
	require.Equal(t, y, p.Trend)
	require.Equal(t, make([]float64, 5), p.Seasonal[0])
	p = series.MSTL(y, 3, 24)
	require.Equal(t, y, p.Trend)
	require.Empty(t, p.Seasonal)
	index, _ := series.Classical(y, 3, false)
	require.Nil(t, index)
}

func BenchmarkSTL(b *testing.B) {
	y := wave(960)
	b.Run("24", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			series.STL{Period: 24, Seasonal: 13, SeasonalDegree: 1, TrendDegree: 1, LowPassDegree: 1}.Decompose(y)
		}
	})
	b.Run("24 robust", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			series.STL{Period: 24, Seasonal: 13, SeasonalDegree: 1, TrendDegree: 1, LowPassDegree: 1, Inner: 1, Outer: 15}.Decompose(y)
		}
	})
	b.Run("24 and 168", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			series.MSTL(y, 24, 168)
		}
	})
}
