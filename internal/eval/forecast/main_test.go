package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/testenv"
)

// The daily series, which are few, from end to end: within the bound of no harm,
// and the same to the last byte at the next run.
func TestDailyOnPublished(t *testing.T) {
	t.Parallel()
	dir := testenv.Shared(t, "data", "m4")
	out := filepath.Join(t.TempDir(), "out.csv")
	forecast := func() (report string, file []byte) {
		var b bytes.Buffer
		require.NoError(t, run([]string{
			"-freq", "daily", "-train", filepath.Join(dir, "daily_train.csv.gz"), "-test", filepath.Join(dir, "daily_test.csv.gz"), "-out", out,
		}, &b))
		file, err := os.ReadFile(out)
		require.NoError(t, err)
		return b.String(), file
	}
	report, first := forecast()
	owa, err := strconv.ParseFloat(regexp.MustCompile(`OWA ([\d.]+)`).FindStringSubmatch(report)[1], 64)
	require.NoError(t, err)
	require.LessOrEqual(t, owa, 1.02)
	lines := strings.Split(strings.TrimSpace(string(first)), "\n")
	require.Len(t, lines, 11)
	require.Len(t, strings.Split(lines[1], ","), 1+3*14)
	_, second := forecast()
	require.Equal(t, first, second)
}

// Held-back values are not learned from.
func TestHeldBack(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "train.csv")
	var b strings.Builder
	b.WriteString("id,v\nA")
	for i := range 100 {
		b.WriteString("," + strconv.Itoa(i%5))
	}
	b.WriteString(strings.Repeat(",99", 26) + "\nshort,1,2,3\n")
	require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o600))
	var report bytes.Buffer
	require.NoError(t, run([]string{"-freq", "weekly", "-train", path, "-back", "2"}, &report))
	require.Contains(t, report.String(), "weekly: 1 series")
	require.Contains(t, report.String(), "coverage 0.00 %")

	report.Reset()
	require.NoError(t, run([]string{"-freq", "weekly", "-train", path, "-back", "1", "-through", "6"}, &report))
	require.Contains(t, report.String(), "weekly: 6 series", "as many ends of the one that is long enough")

	err := run([]string{"-freq", "weekly", "-train", path, "-back", "2", "-max-owa", "0.5", "-min-cover", "0.9", "-max-p50", "1e-9"}, &report)
	require.ErrorContains(t, err, "OWA is 1")
	require.ErrorContains(t, err, "coverage is 0.0000")
	require.ErrorContains(t, err, "the median of milliseconds")
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	require.Error(t, run([]string{"-freq", "yearly"}, &bytes.Buffer{}))
	require.ErrorIs(t, run([]string{"-train", "no such file"}, &bytes.Buffer{}), os.ErrNotExist)
	require.Error(t, run([]string{"-nonsense"}, &bytes.Buffer{}))
}
