package m4_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/eval/m4"
	"github.com/chronoretrace/chronomon/internal/testenv"
)

// The benchmark has the scores that a script written apart from the competitors'
// guide gives it, which agrees with the competition's published figures.
func TestNaive2OnPublished(t *testing.T) {
	t.Parallel()
	dir := testenv.Shared(t, "data", "m4")
	for name, want := range map[string][2]float64{"hourly": {17.547, 2.457}, "weekly": {8.764, 2.684}, "daily": {5.257, 4.013}} {
		freq, err := m4.Lookup(name)
		require.NoError(t, err)
		train, err := m4.Read(filepath.Join(dir, name+"_train.csv.gz"))
		require.NoError(t, err)
		test, err := m4.Read(filepath.Join(dir, name+"_test.csv.gz"))
		require.NoError(t, err)
		var forecasts []m4.Forecast
		for _, s := range train {
			f := m4.Naive2(s.Values, freq.Period, freq.Horizon)
			forecasts = append(forecasts, m4.Forecast{ID: s.ID, Mean: f, Low: f, High: f})
		}
		got, err := m4.Score(freq, train, test, forecasts)
		require.NoError(t, err)
		require.InDelta(t, want[0], got.SMAPE, 5e-4, name)
		require.InDelta(t, want[1], got.MASE, 5e-4, name)
		require.InDelta(t, 1, got.OWA, 1e-12, name)
		require.Len(t, test, got.Series)
	}
}

func TestScoreRefuses(t *testing.T) {
	t.Parallel()
	freq := m4.Frequency{Name: "x", Period: 1, Horizon: 2}
	train := []m4.Series{{ID: "a", Values: []float64{1, 3, 2}}}
	test := []m4.Series{{ID: "a", Values: []float64{4, 2}}}
	good := m4.Forecast{ID: "a", Mean: []float64{3, 3}, Low: []float64{2, 3}, High: []float64{4, 3}}
	got, err := m4.Score(freq, train, test, []m4.Forecast{good})
	require.NoError(t, err)
	require.InDelta(t, (200./7+200./5)/2, got.SMAPE, 1e-12)
	require.InDelta(t, 1/1.5, got.MASE, 1e-12)
	require.InDelta(t, 0.5, got.Coverage, 1e-12)
	require.InDelta(t, (2+40.)/2/1.5, got.MSIS, 1e-12)

	crossed := good
	crossed.Low = []float64{5, 3}
	short := good
	short.Mean = []float64{3}
	for name, f := range map[string][]m4.Forecast{"none": nil, "crossed": {crossed}, "short": {short}} {
		_, err := m4.Score(freq, train, test, f)
		require.Error(t, err, name)
	}
	_, err = m4.Score(freq, nil, test, []m4.Forecast{good})
	require.ErrorContains(t, err, "no training data")
}

func TestReadAndWrite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.csv")
	require.NoError(t, os.WriteFile(path, []byte("id,v1,v2,v3\n\"A\",1,2.5,\nB,3,NA,NA\n"), 0o600))
	got, err := m4.Read(path)
	require.NoError(t, err)
	require.Equal(t, []m4.Series{{ID: "A", Values: []float64{1, 2.5}}, {ID: "B", Values: []float64{3}}}, got)
	require.NoError(t, os.WriteFile(path, []byte("id,v1\nA,x\n"), 0o600))
	_, err = m4.Read(path)
	require.ErrorContains(t, err, "series A")
	_, err = m4.Read(path + ".gz")
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = m4.Lookup("yearly")
	require.Error(t, err)

	var b bytes.Buffer
	require.NoError(t, m4.Write(&b, 1, []m4.Forecast{{ID: "A", Mean: []float64{2}, Low: []float64{1}, High: []float64{3.25}}}))
	require.Equal(t, "id,h1,lo1,hi1\nA,2,1,3.25\n", strings.ReplaceAll(b.String(), "\r", ""))
}
