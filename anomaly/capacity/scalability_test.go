package capacity_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/anomaly/capacity"
	"github.com/chronoretrace/chronomon/internal/testenv"
)

func TestScalabilityVectors(t *testing.T) {
	type in struct{ N, X []float64 }
	type out struct {
		Lambda float64 `json:"lambda_"`
		Sigma  float64
		Kappa  float64
		SSE    float64
		N      float64 `json:"n_peak"`
		X      float64 `json:"x_peak"`
	}
	testenv.Vectors(t, "usl.json", func(t *testing.T, in in, want out) {
		loads := make([]capacity.Load, len(in.N))
		for i := range in.N {
			loads[i] = capacity.Load{N: in.N[i], Throughput: in.X[i]}
		}
		s, err := capacity.FitScalability(loads)
		require.NoError(t, err)
		const tolerance = 1e-5
		near(t, want.Lambda, s.Lambda, tolerance, "lambda")
		near(t, want.Sigma, s.Sigma, tolerance, "sigma")
		near(t, want.Kappa, s.Kappa, tolerance, "kappa")
		near(t, want.SSE, s.SSE, 1e-8, "sum of squares")
		n, x := s.Peak()
		near(t, want.N, n, tolerance, "peak")
		near(t, want.X, x, tolerance, "throughput at the peak")
	})
}

// What scales without loss has neither contention nor crosstalk.
func TestScalabilityWithoutLoss(t *testing.T) {
	t.Parallel()
	s, err := capacity.FitScalability([]capacity.Load{{1, 50}, {2, 100}, {4, 200}, {8, 400}})
	require.NoError(t, err)
	require.InDelta(t, 50, s.Lambda, 1e-3)
	require.InDelta(t, 0, s.Sigma, 1e-6)
	require.InDelta(t, 0, s.Kappa, 1e-6)
	n, ok := s.Instances(800)
	require.True(t, ok)
	require.InDelta(t, 16, n, 1)
}

func TestInstances(t *testing.T) {
	t.Parallel()
	s := capacity.Scalability{Lambda: 100, Sigma: 0.02, Kappa: 0.0005}
	most, peak := s.Peak()
	require.InDelta(t, 44.27, most, 0.01)
	for _, want := range []float64{0, 1, 100, 101, 777, 1500, peak * 0.999} {
		n, ok := s.Instances(want)
		require.True(t, ok, want)
		require.GreaterOrEqual(t, s.Throughput(float64(n)), want)
		require.Less(t, s.Throughput(float64(n-1)), max(want, 1e-9), "fewer would do")
	}
	_, ok := s.Instances(peak * 1.001)
	require.False(t, ok)
	_, ok = s.Instances(math.NaN())
	require.False(t, ok)

	amdahl := capacity.Scalability{Lambda: 10, Sigma: 0.1}
	n, x := amdahl.Peak()
	require.True(t, math.IsInf(n, 1))
	require.InDelta(t, 100, x, 1e-9)
	_, ok = amdahl.Instances(100.5)
	require.False(t, ok)
	got, ok := amdahl.Instances(90)
	require.True(t, ok)
	require.Equal(t, 81, got)
}

func TestScalabilityErrors(t *testing.T) {
	t.Parallel()
	_, err := capacity.FitScalability([]capacity.Load{{1, 50}, {2, math.NaN()}, {0, 7}})
	require.ErrorContains(t, err, "load 1: throughput NaN of 2")
	require.ErrorContains(t, err, "load 2: throughput 7 of 0")
	_, err = capacity.FitScalability([]capacity.Load{{1, 50}, {1, 51}, {2, 90}, {2, 91}})
	require.ErrorContains(t, err, "4 loads of 2 different numbers of instances: want 4 of 3, or more")
}
