package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/testenv"
)

// A part of the training is enough for the bounds, and for what the references are
// that others have computed.
func TestTaxiOnPublished(t *testing.T) {
	t.Parallel()
	dir := testenv.Shared(t, "data", "nab")
	var report bytes.Buffer
	require.NoError(t, run([]string{
		"-data", filepath.Join(dir, "realKnownCause", "nyc_taxi.csv"), "-labels", filepath.Join(dir, "labels", "combined_windows.json"),
		"-epochs", "8", "-max-mae", "734",
	}, &report))
	t.Log(report.String())
	for name, want := range map[string]string{"last value": "1320", "yesterday": "2668", "last week": "1407"} {
		require.Regexp(t, name+` +`+want, report.String())
	}
}

// written writes 240 hours of a clean wave, with one row in the second half that is
// far off, and labels that cover it.
func written(t *testing.T) (data, labels string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "a")
	require.NoError(t, os.Mkdir(dir, 0o700))
	data, labels = filepath.Join(dir, "x.csv"), filepath.Join(dir, "labels.json")
	var b strings.Builder
	b.WriteString("timestamp,value\n")
	at := time.Date(2026, time.January, 5, 0, 0, 0, 0, time.UTC)
	for i := range 240 {
		v := 10 * math.Sin(2*math.Pi*float64(i)/24)
		if i == 200 {
			v = 1e6
		}
		fmt.Fprintf(&b, "%s,%v\n", at.Add(time.Duration(i)*time.Hour).Format(time.DateTime), v)
	}
	require.NoError(t, os.WriteFile(data, []byte(b.String()), 0o600))
	label := fmt.Sprintf(`{"a/x.csv": [["%s.000000", "%s.000000"]]}`,
		at.Add(200*time.Hour).Format(time.DateTime), at.Add(225*time.Hour).Format(time.DateTime))
	require.NoError(t, os.WriteFile(labels, []byte(label), 0o600))
	return data, labels
}

// Labelled rows count for no error; without labels all rows do.
func TestLabelledRowsAreLeftOut(t *testing.T) {
	t.Parallel()
	data, labels := written(t)
	yesterday := func(args ...string) float64 {
		var report bytes.Buffer
		require.NoError(t, run(append([]string{"-data", data, "-epochs", "1"}, args...), &report))
		mae, err := strconv.ParseFloat(regexp.MustCompile(`yesterday +(\S+)`).FindStringSubmatch(report.String())[1], 64)
		require.NoError(t, err)
		return mae
	}
	require.InDelta(t, 0, yesterday("-labels", labels), 1e-9)
	require.InEpsilon(t, 2e6/120, yesterday(), 1e-3, "the row and the one a day later")
	require.InDelta(t, 0, yesterday("-inside"), 1e-9, "the second half is not looked at")
}

func TestBoundsHold(t *testing.T) {
	t.Parallel()
	data, labels := written(t)
	err := run([]string{"-data", data, "-labels", labels, "-epochs", "1", "-max-mae", "1e-9", "-max-epoch", "1e-9", "-max-step", "1e-9"}, &bytes.Buffer{})
	for _, says := range []string{"LSTM of values: mean absolute error: ", "CPU seconds per epoch: ", "LSTM with the calendar: ", "microseconds per step: "} {
		require.ErrorContains(t, err, says)
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	data, labels := written(t)
	require.ErrorIs(t, run([]string{"-data", "none.csv"}, &bytes.Buffer{}), os.ErrNotExist)
	require.ErrorIs(t, run([]string{"-data", data, "-labels", "none.json"}, &bytes.Buffer{}), os.ErrNotExist)
	require.ErrorContains(t, run([]string{"-data", data, "-labels", data}, &bytes.Buffer{}), "invalid character")
	require.ErrorContains(t, run([]string{"-data", data, "-labels", labels, "-epochs", "-1"}, &bytes.Buffer{}), "epochs of -1")
	require.Error(t, run([]string{"-nonsense"}, &bytes.Buffer{}))
}
