package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/eval/nab"
	"github.com/chronoretrace/chronomon/internal/eval/vus"
	"github.com/chronoretrace/chronomon/internal/testenv"
	"github.com/chronoretrace/chronomon/internal/unseen"
)

// The default detector is above all that was published for the benchmark.
func TestDefaultOnPublished(t *testing.T) {
	t.Parallel()
	dir := testenv.Shared(t, "data", "nab")
	var report bytes.Buffer
	require.NoError(t, run([]string{
		"-data", dir, "-score", "-min-standard", "74.9", "-min-low-fp", "67", "-min-low-fn", "80.4", "-min-windows", "105", "-max-false", "299",
	}, &report))
	require.Error(t, run([]string{"-data", dir, "-score", "-detector", "default", "-min-standard", "99", "-min-windows", "116", "-max-false", "1"}, &report))
}

// The scores that it is fitted by are those of the detector as it is, and the limit
// that it comes with is the best.
func TestFitterOnPublished(t *testing.T) {
	t.Parallel()
	files, err := nab.Corpus(os.DirFS(testenv.Shared(t, "data", "nab")))
	require.NoError(t, err)
	p := probation{nab.ProbationShare, nab.ProbationCap}
	f := &fitter{files: files, p: p}
	best := neutral()
	for _, q := range parameters {
		require.Contains(t, q.values, *q.field(&best), q.name)
	}
	frozen := make([][]float64, len(files))
	for i, file := range files {
		frozen[i], err = feed(file.Rows, "default", p.rows(len(file.Rows)))
		require.NoError(t, err)
	}
	fitted := f.scores(unseen.Default())
	for i := range files {
		for j, s := range frozen[i] {
			if s >= 0.5 || fitted[i][j] >= 0.5 {
				require.InDelta(t, fitted[i][j], s, 1e-12, "%s row %d", files[i].Name, j)
			}
		}
	}
	sheet, err := nab.NewSheet(files, frozen)
	require.NoError(t, err)
	for _, profile := range nab.Profiles {
		require.InDelta(t, sheet.Best(profile).Score, sheet.At(profile, 0.5).Score, 1, profile.Name)
	}
}

// A file that is cut off has the same scores before the cut.
func TestCutOffOnPublished(t *testing.T) {
	t.Parallel()
	rows, err := nab.Read(os.DirFS(testenv.Shared(t, "data", "nab")), "realAWSCloudwatch/ec2_cpu_utilization_5f5533.csv")
	require.NoError(t, err)
	for _, name := range names() {
		whole, err := feed(rows, name, 600)
		require.NoError(t, err)
		cuts := []int{1, 500, 601, 2000, len(rows) - 1}
		if name == "lstm" { // training takes its time
			cuts = cuts[3:4]
		}
		for _, cut := range cuts {
			part, err := feed(rows[:cut], name, 600)
			require.NoError(t, err)
			require.Equal(t, whole[:cut], part, "%s cut off at %d", name, cut)
		}
	}
}

// On series of services it is quiet, and finds what it finds.
func TestServicesOnPublished(t *testing.T) {
	t.Parallel()
	dir := testenv.Shared(t, "data", "ops")
	var report bytes.Buffer
	require.NoError(t, run([]string{"-data", dir, "-ops", "-max-false-a-day", "0.1"}, &report))
	require.Regexp(t, `default +all +113 `, report.String())
	require.ErrorContains(t, run([]string{"-data", dir, "-ops", "-max-false-a-day", "0.001"}, &report), "above 0.001")
}

func TestOpsCount(t *testing.T) {
	t.Parallel()
	o := &operation{step: 12 * time.Hour, unfair: 2, label: []bool{false, true, true, false, false, true, true, false, false, false, true}}
	scores := []float64{1, 1, 0.4, 0.5, 0.7, 0.9, 0.9, 0, 0.6, 0, 0.2}
	c := o.count(scores)
	require.InDelta(t, 2.0/6, c.f1(), 1e-12)
	require.InDelta(t, vus.PR(o.label[2:], scores[2:], 2), c.volume, 0, "with a day for the edges")
	c.volume = 0
	require.Equal(t, opsCount{events: 3, found: 1, falseRuns: 2, days: 4.5, volumes: 1}, c)
}

func TestMirror(t *testing.T) {
	t.Parallel()
	from, to := t.TempDir(), t.TempDir()
	var b strings.Builder
	b.WriteString("timestamp,value,label\n2026-03-02 00:00:00,1.5,0\n2026-03-02 00:05:00,,1\n")
	require.NoError(t, os.MkdirAll(filepath.Join(from, "a", "b"), 0o755))
	for name, text := range map[string]string{"a/b/c.csv": b.String(), "a/other.csv": "x,y\n1,2\n", "empty.csv": "", "note.txt": "hello"} {
		require.NoError(t, os.WriteFile(filepath.Join(from, name), []byte(text), 0o600))
	}
	rows, err := nab.Read(os.DirFS(from), "a/b/c.csv")
	require.NoError(t, err)
	require.NoError(t, write(filepath.Join(from, "d.csv.gz"), rows, []float64{0, 0}))

	require.NoError(t, run([]string{"-data", from, "-out", to}, &bytes.Buffer{}))
	got, err := os.ReadFile(filepath.Join(to, "a", "b", "c.csv"))
	require.NoError(t, err)
	require.Equal(t, "timestamp,value,anomaly_score\n2026-03-02 00:00:00,1.5,0\n2026-03-02 00:05:00,,0\n", string(got))
	again, err := nab.Read(os.DirFS(to), "d.csv.gz")
	require.NoError(t, err)
	require.Len(t, again, 2)
	require.NoFileExists(t, filepath.Join(to, "a", "other.csv"))

	require.NoError(t, run([]string{"-data", from, "-out", to, "-detector", "all"}, &bytes.Buffer{}))
	for _, name := range names() {
		require.FileExists(t, filepath.Join(to, name, "a", "b", "c.csv"))
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, run([]string{"-detector", "oracle"}, &bytes.Buffer{}), `"oracle" is none of default`)
	require.ErrorContains(t, run([]string{"-data", t.TempDir(), "-out", t.TempDir()}, &bytes.Buffer{}), "no series")
	require.ErrorIs(t, run([]string{"-data", t.TempDir(), "-score"}, &bytes.Buffer{}), os.ErrNotExist)
	require.Error(t, run([]string{"-nonsense"}, &bytes.Buffer{}))
}
