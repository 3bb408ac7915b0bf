package main

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/testenv"
)

// The smaller sets, as good as scikit-learn with the seeds of the command, and the
// same at the next run.
func TestSetsOnPublished(t *testing.T) {
	t.Parallel()
	dir := testenv.Shared(t, "data", "iforest")
	for _, name := range []string{"cardio", "thyroid", "satimage-2", "mammography", "synth-10k"} {
		area := func() string {
			var report bytes.Buffer
			require.NoError(t, run([]string{"-data", dir, "-set", name, "-below", "0.01"}, &report))
			return regexp.MustCompile(name + ` +\d+ +\d+ +(\S+ +\S+)`).FindStringSubmatch(report.String())[1]
		}
		if first := area(); name == "cardio" {
			require.Equal(t, first, area())
		}
	}
}

func TestAUC(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		scores  []float64
		outlier []bool
		want    float64
	}{
		{[]float64{1, 2, 3, 4}, []bool{false, false, true, true}, 1},
		{[]float64{4, 3, 2, 1}, []bool{false, false, true, true}, 0},
		{[]float64{1, 1, 1, 1}, []bool{false, true, false, true}, 0.5},
		{[]float64{1, 2, 2, 3}, []bool{false, false, true, true}, 3.5 / 4}, // one of four pairs is a tie
		{[]float64{1, 3, 2}, []bool{false, false, true}, 0.5},
	} {
		require.InDelta(t, c.want, auc(c.scores, c.outlier), 1e-12, "%v", c)
	}
}

// Each bound fails with what it is about; nothing is reported as met that is not.
func TestBounds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pack(t, filepath.Join(dir, "cardio.csv.gz"), "x0,x1,label\n1,1,0\n1,2,1\n2,1,0\n2,2,0\n")
	var report bytes.Buffer
	require.NoError(t, run([]string{"-data", dir, "-set", "cardio"}, &report))
	err := run([]string{"-data", dir, "-set", "cardio", "-below", "-1", "-max-fit", "1e-9", "-max-score", "1e-9"}, &report)
	require.ErrorContains(t, err, "cardio: AUC")
	require.ErrorContains(t, err, "cardio: fit in")
	require.ErrorContains(t, err, "cardio: 100,000 rows in")
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.ErrorIs(t, run([]string{"-data", dir}, &bytes.Buffer{}), os.ErrNotExist)
	require.Error(t, run([]string{"-nonsense"}, &bytes.Buffer{}))
	require.Error(t, run([]string{"-data", dir, "-set", "unheard of"}, &bytes.Buffer{}))
	require.Error(t, run([]string{"-data", dir, "-seeds", "0"}, &bytes.Buffer{}))
	path := filepath.Join(dir, "cardio.csv.gz")
	require.NoError(t, os.WriteFile(path, []byte("no gzip"), 0o600))
	require.ErrorContains(t, run([]string{"-data", dir}, &bytes.Buffer{}), "cardio.csv.gz")
	for text, want := range map[string]string{
		"a,label\n1,2\n":   `cardio.csv.gz:2: label "2"`,
		"a,label\nx,1\n":   "cardio.csv.gz:2: strconv",
		"a,label\n1,1,1\n": "cardio.csv.gz:2: 3 fields",
		"label\n1\n":       "cardio.csv.gz:2: 1 fields",
		"a,label\n1,1\n":   "cardio: iforest: fewer than two",
	} {
		pack(t, path, text)
		require.ErrorContains(t, run([]string{"-data", dir}, &bytes.Buffer{}), want)
	}
}

func pack(t *testing.T, path, text string) {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o600))
}
