package main

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chronoretrace/chronomon/internal/testenv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cells returns the row of a table that begins with the key.
func cells(t *testing.T, out, key string) []string {
	t.Helper()
	for line := range strings.Lines(out) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, key+"  ") {
			return regexp.MustCompile(` {2,}`).Split(line, -1)[1:]
		}
	}
	require.Fail(t, "no row "+key, out)
	return nil
}

// What PromQL answers about the sample is what can be worked out by hand.
func TestRun(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out bytes.Buffer
	require.NoError(t, run(ctx, &out, settings{series: "web-2"}))
	rec := sample()
	for _, s := range rec.series {
		var values []float64
		sum, labelled := 0.0, 0
		for _, r := range s.rows {
			values = append(values, r.value)
			sum += r.value
			if s.labelled(r.at) {
				labelled++
			}
		}
		slices.Sort(values)
		quantile := func(q float64) float64 { // between the two that are nearest
			at := q * float64(len(values)-1)
			low, part := math.Modf(at)
			return values[int(low)]*(1-part) + values[int(math.Ceil(at))]*part
		}
		n := float64(len(values))
		require.Equal(t, []string{
			number(sum / n), number(quantile(0.5)), number(quantile(0.99)), number(values[len(values)-1]), percent(float64(labelled) / n),
		}, cells(t, out.String(), s.name)[:5], s.name)
	}
	require.Equal(t, []string{"0.0%", "-"}, cells(t, out.String(), "web-1")[5:], "nothing stands out")
	web2 := rec.series[2]
	yes := regexp.MustCompile(`(\d{4}-\d\d-\d\d \d\d:\d\d) .* yes`).FindStringSubmatch(out.String())
	require.NotNil(t, yes)
	at, err := time.Parse(minutes, yes[1])
	require.NoError(t, err)
	i := slices.IndexFunc(web2.rows, func(r row) bool { return r.at.Equal(at) })
	row := cells(t, out.String(), at.Format(minutes))
	require.Equal(t, number(web2.rows[i].value), row[0])
	mean := 0.0
	for _, r := range web2.rows[i-11 : i+1] {
		mean += r.value / 12
	}
	require.Equal(t, number(mean), row[1])
}

// An interrupt shows what there is, and a speed is kept.
func TestSpeed(t *testing.T) {
	t.Parallel()
	const speed = 1e5
	ctx, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
	defer cancel()
	var out bytes.Buffer
	require.ErrorIs(t, run(ctx, &out, settings{speed: speed}), context.DeadlineExceeded)
	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(250*time.Millisecond, cancel)
	require.NoError(t, run(ctx, &out, settings{speed: speed}))
	require.Contains(t, out.String(), "replayed in")
	var reached time.Time
	for _, day := range regexp.MustCompile(`to (2026-03-\d\d)`).FindStringSubmatch(out.String())[1:] {
		reached, _ = time.Parse(time.DateOnly, day)
	}
	from, to := sample().span()
	require.True(t, reached.Before(to.Truncate(24*time.Hour)), "%v is the end: it went too fast", reached)
	require.False(t, reached.Before(from), reached)
}

// write makes a set of the benchmark of three files in a directory.
func write(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for file, text := range map[string]string{
		"cloud/cpu.csv":    "timestamp,value\n2014-02-14 14:30:00,1\n2014-02-14 14:40:00,3\n2014-02-14 14:35:00,2\n",
		"cloud/late.csv":   "timestamp,value\n2014-02-15 00:02:30,1e9\n2014-02-15 02:02:30,2e9\n",
		"other/broken.csv": "timestamp,value\nyesterday,1\n",
		"empty/none.csv":   "timestamp,value\n",
		labelsFile:         `{"cloud/cpu.csv": [["2014-02-14 14:35:00.000000", "2014-02-14 14:36:00.000000"]], "cloud/late.csv": []}`,
	} {
		path := filepath.Join(dir, file)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return dir
}

func TestData(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out, settings{data: write(t), set: "cloud"}))
	require.Equal(t, []string{"2.00", "2.00", "2.98", "3.00", "33.3%", "-", "-"}, cells(t, out.String(), "cpu"))
	// From 00:05 to 02:00 the first value, which holds until there is another.
	mean := number((24*1e9 + 2e9) / 25)
	require.Equal(t, []string{mean, "1.00G", number(1e9 + 0.76*1e9), "2.00G", "0.0%"}, cells(t, out.String(), "late")[:5])
	require.Contains(t, out.String(), "cpu around its first labelled window, every 5m\n")
}

// The benchmark is as its own papers say.
func TestOnPublished(t *testing.T) {
	t.Parallel()
	dir := os.DirFS(testenv.Shared(t, "data", "nab"))
	var files, rows, windows int
	for _, set := range []string{
		"artificialNoAnomaly", "artificialWithAnomaly", "realAWSCloudwatch", "realAdExchange", "realKnownCause", "realTraffic", "realTweets",
	} {
		rec, err := load(dir, set)
		require.NoError(t, err)
		files += len(rec.series)
		for _, s := range rec.series {
			rows += len(s.rows)
			windows += len(s.windows)
			for _, w := range s.windows {
				require.True(t, s.labelled(w.from) && s.labelled(w.to))
			}
		}
	}
	require.Equal(t, []int{58, 365_558, 116}, []int{files, rows, windows})
}

func TestErrors(t *testing.T) {
	t.Parallel()
	dir := write(t)
	for want, s := range map[string]settings{
		`has no set "cloud2"`:               {data: dir, set: "cloud2"},
		`no series "gpu"`:                   {data: dir, set: "cloud", series: "gpu"},
		"other/broken.csv: parsing time":    {data: dir, set: "other"},
		"empty/none.csv: it has no rows":    {data: dir, set: "empty"},
		"-speed = -1":                       {speed: -1},
		fmt.Sprintf("has no set %q", "any"): {data: filepath.Join(dir, "nowhere"), set: "any"},
	} {
		require.ErrorContains(t, run(t.Context(), &bytes.Buffer{}, s), want)
	}
}
