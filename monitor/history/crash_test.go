package history_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/history"
)

// The process that is killed collects once for each second of a clock of its own:
// what it has measured after n of them is known.
const (
	crashSeries = 40
	crashEnv    = "CHRONOMON_TEST_HISTORY"
)

func crashTime(n int) time.Time { return start.Add(time.Duration(n) * time.Second) }

// crashValue is the value of series i at collection n. One of the series is gone
// every other hundred.
func crashValue(i, n int) (v float64, there bool) {
	return float64(n*(i+1)) / 8, i > 0 || n/100%2 == 0
}

func openCrash(dir string, clock func() time.Time) (*monitor.Monitor, *history.DB, error) {
	m, err := monitor.New(monitor.WithClock(clock))
	if err != nil {
		return nil, nil, err
	}
	db, err := history.New(m, history.WithStoragePath(dir), history.WithFileSizes(20<<10, 50<<10),
		history.WithRetention(time.Hour, time.Hour), history.WithWatch("w", "sum(g)", time.Second))
	return m, db, err
}

// measureUntilKilled says on its output which collection is over.
func measureUntilKilled(dir string) error {
	ctx := context.Background()
	from, err := strconv.Atoi(os.Getenv(crashEnv + "_FROM"))
	if err != nil {
		return err
	}
	var n atomic.Int64
	n.Store(int64(from))
	m, db, err := openCrash(dir, func() time.Time { return crashTime(int(n.Load())) })
	if err != nil {
		return err
	}
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "g", Help: "g"}, []string{"i"})
	last := prometheus.NewGauge(prometheus.GaugeOpts{Name: "last", Help: "last"})
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "h", Help: "h", NativeHistogramBucketFactor: 1.1})
	m.Registerer().MustRegister(g, h, last)
	if rand.IntN(2) == 0 {
		go db.Keep(ctx)
	}
	for i := from; i < from+100_000; i++ {
		n.Store(int64(i))
		last.Set(float64(i))
		h.Observe(float64(i % 100))
		for s := range crashSeries {
			if v, there := crashValue(s, i); there {
				g.WithLabelValues(strconv.Itoa(s)).Set(v)
			} else {
				g.DeleteLabelValues(strconv.Itoa(s))
			}
		}
		if err := db.Sample(ctx, crashTime(i)); err != nil {
			return err
		}
		fmt.Fprintf(os.Stdout, "%d.\n", i)
	}
	return nil
}

// TestKilled kills a process that collects, at random moments, 200 times: every
// collection that was over is there as a whole, and nothing is damaged.
func TestKilled(t *testing.T) {
	t.Parallel()
	rounds := 200
	if testing.Short() {
		rounds = 20
	}
	exe, err := os.Executable()
	require.NoError(t, err)
	dir := t.TempDir()
	over, early, snapshots := 0, 0, map[string]bool{}
	cut := map[int]bool{} // collections whose watched expression may be lost
	for range rounds {
		before := over
		killAfter(t, exe, dir, time.Duration(rand.IntN(150))*time.Millisecond, &over)
		if over == before {
			early++
		}
		for _, name := range names(t, dir) {
			snapshots[name] = snapshots[name] || strings.HasSuffix(name, ".snapshot")
		}
		now := over + 1
		copied := copyDir(t, dir)
		_, db, err := openCrash(copied, func() time.Time { return crashTime(now) })
		require.NoError(t, err)
		require.NoError(t, db.Err())
		n := checkCrashed(t, rig{db: db}, now, cut)
		require.GreaterOrEqual(t, n, over, "a collection that was over is gone")
		require.LessOrEqual(t, n, over+1, "one is under way")
		over = n
		require.NoError(t, db.Close())
		require.NoError(t, os.RemoveAll(copied))
	}
	t.Logf("%d kills: %d collections, %d files, %d kills between a collection and its watched expression, %d before the first collection", rounds, over, len(snapshots), len(cut), early)
	require.Greater(t, over, rounds)
	require.Greater(t, len(snapshots), rounds/10)
}

func names(t *testing.T, dir string) (out []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// checkCrashed checks what is there of the last few hundred collections, and
// returns the number of the newest.
func checkCrashed(t *testing.T, r rig, now int, cut map[int]bool) int {
	t.Helper()
	newest := r.query(t, "last", crashTime(now))
	if len(newest) == 0 {
		require.Empty(t, r.query(t, `{__name__=~".+"}`, crashTime(now)), "the first collection is there whole or not at all")
		return 0
	}
	n := int(newest["last"])
	if n == now {
		cut[n] = true // it comes after the collection
	}
	from := max(1, n-300)
	points := func(promql string) map[string]map[int]float64 {
		all, err := r.db.QueryRange(t.Context(), promql, monitor.Range{From: crashTime(from), To: crashTime(n), Step: time.Second})
		require.NoError(t, err)
		out := map[string]map[int]float64{}
		for _, s := range all {
			values := map[int]float64{}
			for _, p := range s.Points {
				values[int(p.Time.Sub(start)/time.Second)] = p.Value
			}
			out[s.Labels["i"]] = values
		}
		return out
	}
	got, sums, histograms := points("g"), points("w")[""], points("histogram_count(h)")[""]
	for k := from; k <= n; k++ {
		sum := 0.
		for i := range crashSeries {
			want, there := crashValue(i, k)
			v, ok := got[strconv.Itoa(i)][k]
			require.Equal(t, there, ok, "series %d at %d", i, k)
			if there {
				require.Equal(t, want, v, "series %d at %d", i, k)
				sum += want
			}
		}
		if !cut[k] {
			require.Equal(t, sum, sums[k], "the sum at %d", k)
		}
		require.Positive(t, histograms[k], "the histogram at %d", k)
	}
	return n
}

// killAfter runs the process and notes what it said before it was killed.
func killAfter(t *testing.T, exe, dir string, d time.Duration, over *int) {
	t.Helper()
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), crashEnv+"="+dir, fmt.Sprintf("%s_FROM=%d", crashEnv, *over+1))
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	timer := time.AfterFunc(d, func() { _ = cmd.Process.Kill() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if number, whole := strings.CutSuffix(lines.Text(), "."); whole {
			n, err := strconv.Atoi(number)
			require.NoError(t, err)
			*over = n
		}
	}
	timer.Stop()
	_ = cmd.Wait()
	require.Empty(t, complaint.String())
}
