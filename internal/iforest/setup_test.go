package iforest_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chronoretrace/chronomon/internal/iforest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noise is n normal rows.
func noise(n, columns int) []float64 {
	random := rand.New(rand.NewPCG(7, 7))
	out := make([]float64, n*columns)
	for i := range out {
		out[i] = random.NormFloat64()
	}
	return out
}

func fit(t *testing.T, rows []float64, columns int, c iforest.Config) *iforest.Forest {
	t.Helper()
	f, err := iforest.Fit(rows, columns, c)
	require.NoError(t, err)
	return f
}

// scores are those of all rows.
func scores(f *iforest.Forest, rows []float64, columns int) []float64 {
	out := make([]float64, len(rows)/columns)
	f.ScoreAll(out, rows)
	return out
}
