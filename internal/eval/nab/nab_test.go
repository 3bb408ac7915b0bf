package nab_test

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/eval/nab"
	"github.com/chronoretrace/chronomon/internal/testenv"
)

// Results that published detectors' projects ship have the scores that a script
// written apart from this package gives them, which agrees with the benchmark's
// own runner.
func TestDetectorsOnPublished(t *testing.T) {
	t.Parallel()
	dir := testenv.Shared(t, "data", "nab")
	files, err := nab.Corpus(os.DirFS(dir))
	require.NoError(t, err)
	require.Len(t, files, 58)
	for name, want := range map[string][3]nab.Result{
		"ARTime": {
			{Score: 74.85377223215791, Threshold: 0.317486, Found: 106, FalseRows: 217, FalseRuns: 217, Detections: 168},
			{Score: 65.15400017974811, Threshold: 0.317585, Found: 106, FalseRows: 216, FalseRuns: 216, Detections: 167},
			{Score: 80.36228493638113, Threshold: 0.317486, Found: 106, FalseRows: 217, FalseRuns: 217, Detections: 168},
		},
		"contextOSE": {
			{Score: 69.89956896844447, Threshold: 0.766434, Found: 92, FalseRows: 64, FalseRuns: 64, Detections: 96},
			{Score: 66.9771391904834, Threshold: 0.766434, Found: 92, FalseRows: 64, FalseRuns: 64, Detections: 96},
			{Score: 73.18167250415388, Threshold: 0.705128, Found: 93, FalseRows: 105, FalseRuns: 102, Detections: 109},
		},
		"numenta": {
			{Score: 70.10105611945585, Threshold: 0.543099, Found: 96, FalseRows: 153, FalseRuns: 152, Detections: 240},
			{Score: 63.20918500249927, Threshold: 0.543099, Found: 96, FalseRows: 153, FalseRuns: 152, Detections: 240},
			{Score: 74.32024430952228, Threshold: 0.543099, Found: 96, FalseRows: 153, FalseRuns: 152, Detections: 240},
		},
	} {
		sheet, err := nab.NewSheet(files, reference(t, filepath.Join(dir, "reference_results", name+".csv.gz"), files))
		require.NoError(t, err)
		for i, p := range nab.Profiles {
			got := sheet.Best(p)
			require.InDelta(t, want[i].Score, got.Score, 1e-9, "%s %s", name, p.Name)
			require.Equal(t, 116, got.Windows)
			require.Equal(t, 299347, got.Normal)
			want[i].Score, want[i].Sum, want[i].Windows, want[i].Normal = got.Score, got.Sum, got.Windows, got.Normal
			require.Equal(t, want[i], got, "%s %s", name, p.Name)
		}
	}
}

// corpus is one file of 100 rows, with windows, whose probation is 15 rows.
func corpus(windows ...nab.Window) []*nab.File {
	return []*nab.File{{Name: "a/b.csv", Rows: make([]nab.Row, 100), Windows: windows}}
}

// sheet has alarms at rows.
func sheet(t *testing.T, files []*nab.File, rows ...int) *nab.Sheet {
	t.Helper()
	scores := make([]float64, len(files[0].Rows))
	for _, r := range rows {
		scores[r] = 1
	}
	s, err := nab.NewSheet(files, [][]float64{scores})
	require.NoError(t, err)
	return s
}

func TestScore(t *testing.T) {
	t.Parallel()
	standard := nab.Profiles[0]
	files := corpus(nab.Window{First: 30, Last: 39}, nab.Window{First: 60, Last: 69})
	score := func(rows ...int) float64 { return sheet(t, files, rows...).At(standard, 0.5).Score }
	require.InDelta(t, 0, score(), 1e-12, "no alarm at all")
	require.InDelta(t, 100, score(30, 60), 1e-12, "the first row of each window")
	require.InDelta(t, 50, score(30), 1e-12)
	require.InDelta(t, 50, score(30, 31, 39), 1e-12, "only the earliest counts")
	late := score(39)
	require.Less(t, late, 50.0)
	require.Greater(t, late, 25.0, "later, and yet found")
	require.InDelta(t, 50-100*0.11/4, score(30, 20), 1e-12, "before any window: the full weight")
	after := 2/(1+math.Exp(5*1.0/9)) - 1
	require.InDelta(t, 50+100*0.11*after/4, score(30, 40), 1e-12, "just after a window: a part of it")
	require.InDelta(t, 50, score(30, 14), 1e-12, "in probation: not scored")
	r := sheet(t, files, 20, 21, 50, 61).At(standard, 0.5)
	require.Equal(t, []int{2, 3, 2, 1, 1, 65}, []int{r.Windows, r.FalseRows, r.FalseRuns, r.Found, r.Detections, r.Normal})
	require.InDelta(t, 3.0/65, r.FalseRate(), 1e-12)
}

// The best threshold never loses to never alarming.
func TestBest(t *testing.T) {
	t.Parallel()
	s := sheet(t, corpus(nab.Window{First: 30, Last: 39}), 50, 51, 52)
	got := s.Best(nab.Profiles[0])
	require.True(t, math.IsInf(got.Threshold, 1))
	require.Zero(t, got.Score)
	require.Zero(t, got.FalseRows)
}

func TestSheetRefuses(t *testing.T) {
	t.Parallel()
	_, err := nab.NewSheet(corpus(), nil)
	require.EqualError(t, err, "nab: scores of 0 files for 1")
	_, err = nab.NewSheet(corpus(), [][]float64{{1}})
	require.EqualError(t, err, "nab: a/b.csv: 1 scores for 100 rows")
	for _, bad := range []float64{-0.1, 1.1, math.NaN()} {
		scores := make([]float64, 100)
		scores[20] = bad
		_, err = nab.NewSheet(corpus(), [][]float64{scores})
		require.ErrorContains(t, err, "of row 20 is not from 0 to 1")
	}
}

func TestCorpus(t *testing.T) {
	t.Parallel()
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, err := z.Write([]byte("row,timestamp,value,label\n0,2024-01-02T03:04:05Z,7,1\n"))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	fsys := fstest.MapFS{
		"labels/combined_windows.json": {Data: []byte(`{"a/x.csv": [["2024-01-01 00:05:00.000000", "2024-01-01 00:10:00.000000"]]}`)},
		"a/x.csv":                      {Data: []byte("timestamp,value\n2024-01-01 00:00:00,1\n2024-01-01 00:05:00,\n2024-01-01 00:10:00,-2.5e3\n")},
		"b.csv.gz":                     {Data: zipped.Bytes()},
		"bad/value.csv":                {Data: []byte("timestamp,value\n2024-01-01 00:00:00,x\n")},
		"bad/time.csv":                 {Data: []byte("timestamp,value\nyesterday,1\n")},
		"bad/head.csv":                 {Data: []byte("time,value\n")},
		"bad/short.csv":                {Data: []byte("timestamp,value\n2024-01-01 00:00:00\n")},
		"bad/empty.csv":                {},
		"bad/zip.csv.gz":               {Data: []byte("timestamp,value\n")},
	}
	files, err := nab.Corpus(fsys)
	require.NoError(t, err)
	require.Len(t, files, 1)
	f := files[0]
	require.Equal(t, "a", f.Category())
	require.Equal(t, []nab.Window{{First: 1, Last: 2}}, f.Windows)
	require.Len(t, f.Rows, 3)
	require.True(t, math.IsNaN(f.Rows[1].Value))
	require.InDelta(t, -2500, f.Rows[2].Value, 0)

	rows, err := nab.Read(fsys, "b.csv.gz")
	require.NoError(t, err)
	require.Equal(t, []nab.Row{{Time: "2024-01-02T03:04:05Z", At: time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC), Value: 7}}, rows)

	for name, want := range map[string]string{
		"bad/value.csv":  `nab: read bad/value.csv: line 2: value "x": invalid syntax`,
		"bad/time.csv":   `nab: read bad/time.csv: line 2: time "yesterday": not such as 2006-01-02 15:04:05`,
		"bad/head.csv":   `nab: read bad/head.csv: no column "timestamp"`,
		"bad/short.csv":  `nab: read bad/short.csv: line 2: 1 fields, 2 expected`,
		"bad/empty.csv":  `nab: read bad/empty.csv: header: EOF`,
		"bad/zip.csv.gz": `nab: read bad/zip.csv.gz: gzip: invalid header`,
		"none.csv":       `nab: read none.csv: open none.csv: file does not exist`,
	} {
		_, err := nab.Read(fsys, name)
		require.EqualError(t, err, want)
	}
}

// reference reads a file of file, row, score; scores of zero are left out.
func reference(t *testing.T, path string, files []*nab.File) [][]float64 {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	rows, err := csv.NewReader(z).ReadAll()
	require.NoError(t, err)
	scores := make([][]float64, len(files))
	index := map[string]int{}
	for i, f := range files {
		index[f.Name], scores[i] = i, make([]float64, len(f.Rows))
	}
	for _, r := range rows[1:] {
		i, ok := index[r[0]]
		require.True(t, ok, r[0])
		row, err := strconv.Atoi(r[1])
		require.NoError(t, err)
		score, err := strconv.ParseFloat(r[2], 64)
		require.NoError(t, err)
		require.False(t, math.IsNaN(score))
		scores[i][row] = score
	}
	return scores
}
