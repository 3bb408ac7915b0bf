package history_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/history"
)

// process is one process's life: a monitor, a history with a directory, and what
// is measured. Its clock is the time of the last collection.
type process struct {
	rig
	dir string
	log *logBuffer

	mu  sync.Mutex
	now time.Time // guarded by mu

	traffic  *traffic
	gauge    *prometheus.GaugeVec
	native   prometheus.Histogram
	requests *prometheus.CounterVec
	rng      *rand.Rand
	steps    int
}

func begin(t testing.TB, dir string, at time.Time, opts ...history.Option) *process {
	t.Helper()
	p, err := tryBegin(dir, at, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = p.db.Close() })
	return p
}

func tryBegin(dir string, at time.Time, opts ...history.Option) (*process, error) {
	p := &process{dir: dir, now: at, log: &logBuffer{}, rng: rand.New(rand.NewPCG(1, 2))}
	m, err := monitor.New(monitor.WithLogger(slog.New(slog.NewTextHandler(p.log, nil))), monitor.WithClock(p.clock))
	if err != nil {
		return nil, err
	}
	opts = append([]history.Option{history.WithStoragePath(dir)}, opts...)
	db, err := history.New(m, opts...)
	p.rig = rig{m, db}
	return p, err
}

// set sets the clock.
func (p *process) set(at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = at
}

func (p *process) clock() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

// logBuffer is a log that several goroutines write.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// measure makes the process measure something of every kind.
func (p *process) measure(t testing.TB) {
	t.Helper()
	p.traffic = newTraffic(t, p.m, 3)
	p.gauge = p.rig.gauge(t, "g", "a")
	p.native = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "n", Help: "native", NativeHistogramBucketFactor: 1.1})
	p.requests = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "c_total", Help: "c"}, []string{"path"})
	p.m.Registerer().MustRegister(p.native, p.requests)
}

// step goes on by a time and collects.
func (p *process) step(t testing.TB, d time.Duration) {
	t.Helper()
	p.mu.Lock()
	p.now = p.now.Add(d)
	now := p.now
	p.mu.Unlock()
	p.steps++
	p.traffic.step()
	for i := range 4 {
		p.gauge.WithLabelValues(strconv.Itoa(i)).Set(p.rng.NormFloat64())
	}
	if p.steps%7 == 0 { // a series that comes and goes
		p.gauge.DeleteLabelValues("3")
	}
	p.native.Observe(p.rng.ExpFloat64())
	p.requests.WithLabelValues("/").(prometheus.ExemplarAdder).AddWithExemplar(float64(p.steps), prometheus.Labels{"trace_id": strconv.Itoa(p.steps)})
	if p.steps%100 == 0 {
		p.requests.Reset()
	}
	p.sample(t, now)
	state := 1.
	if p.steps%20 == 19 {
		state = history.Stale
	}
	require.NoError(t, p.db.Append(
		sampleOf(now, state, "__name__", "ALERTS", "alertname", "a"),
		sampleOf(now.Add(-time.Second), float64(p.steps), "__name__", "late"),
	))
}

var watched = []history.Option{
	history.WithWatch("g:avg", "avg(g)", time.Minute),
	history.WithWatch("n:rate", "rate(n[1m])", time.Minute),
}

// questions ask for what measure measures.
var questions = []string{
	`{__name__=~"t_.*|g|c_total|late|ALERTS"}`, `rate(t_requests_total[1m])`, `count_over_time(g[5m])`, `sum_over_time(g[3m])`,
	`histogram_quantile(0.9, sum by (le) (rate(t_duration_seconds_bucket[2m])))`,
	`histogram_quantile(0.5, rate(n[2m]))`, `histogram_count(n)`, `histogram_sum(increase(n[5m]))`,
	`count_over_time(ALERTS[10m])`, `increase(c_total[5m])`, `resets(c_total[30m])`, `changes(g[5m])`, `timestamp(g)`,
	`g:avg`, `count_over_time(g:avg[1h])`, `histogram_avg(n:rate)`, `last_over_time({__name__=~"g|ALERTS|late"}[30m])`,
	`absent(g{a="3"})`, `stddev_over_time(late[10m])`,
}

// answers are what a history says to all questions at many instants, exemplars
// and metadata included.
func answers(t testing.TB, db *history.DB, from, to time.Time) []string {
	t.Helper()
	var out []string
	for at := from; !at.After(to); at = at.Add(37 * time.Second) {
		for _, e := range questions {
			got, err := db.Query(t.Context(), e, at)
			require.NoError(t, err)
			var lines []string
			for _, s := range got {
				lines = append(lines, fmt.Sprintf("%d %s %s = %x", at.Unix(), e, s.Labels, s.Value))
			}
			slices.Sort(lines)
			out = append(out, lines...)
		}
	}
	exemplars, err := db.Exemplars(t.Context(), "c_total", from, time.Now().Add(time.Minute)) // client_golang's clock is its own
	require.NoError(t, err)
	for _, s := range exemplars {
		for _, e := range s.Exemplars {
			out = append(out, fmt.Sprint(s.Labels, e.Labels, e.Time, e.Value))
		}
	}
	for _, name := range []string{"g", "n", "t_duration_seconds"} {
		out = append(out, fmt.Sprint(name, db.Metadata()[name]))
	}
	return out
}

// copyDir is a directory as a kill leaves it.
func copyDir(t testing.TB, dir string) string {
	t.Helper()
	to := t.TempDir()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(to, e.Name()), data, 0o600))
	}
	return to
}

// files lists the kinds of files in a directory, the lock aside.
func files(t testing.TB, dir string) (out []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); ext != "" {
			out = append(out, ext[1:])
		}
	}
	slices.Sort(out)
	return out
}

// TestRestoredAnswers: whatever way what was measured came back, all questions
// have the same answers.
func TestRestoredAnswers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := begin(t, dir, start, watched...)
	p.measure(t)
	for range 400 {
		p.step(t, 10*time.Second)
	}
	now := p.clock()
	want := answers(t, p.db, start, now)
	require.Greater(t, len(want), 10_000)
	require.Greater(t, strings.Count(strings.Join(want, "\n"), "trace_id"), 300)
	same := func(name string, db *history.DB) {
		t.Helper()
		got := answers(t, db, start, now)
		for i := range min(len(want), len(got)) {
			require.Equal(t, want[i], got[i], name) // one, of very many
		}
		require.Len(t, got, len(want), name)
		require.NoError(t, db.Err())
	}

	logs := copyDir(t, dir)
	require.Equal(t, []string{"log"}, files(t, logs))
	killed := begin(t, logs, now, watched...)
	same("logs", killed.db)
	again := begin(t, copyDir(t, logs), now)
	same("logs that were read before", again.db)

	var backup bytes.Buffer
	require.NoError(t, p.db.Snapshot(t.Context(), &backup))
	require.NoError(t, again.db.Verify(t.Context(), bytes.NewReader(backup.Bytes())))
	other := begin(t, t.TempDir(), now)
	other.measure(t)
	other.step(t, time.Second)
	require.NoError(t, other.db.Restore(t.Context(), &backup))
	same("restored", other.db)
	same("restored, killed", begin(t, copyDir(t, other.dir), now).db)

	require.NoError(t, p.db.Close())
	require.Equal(t, []string{"log", "snapshot"}, files(t, dir))
	same("closed", p.db)
	reopened := begin(t, dir, now, watched...)
	same("snapshot", reopened.db)

	// It goes on where it was, by snapshot and log.
	reopened.measure(t)
	for range 50 {
		reopened.step(t, 10*time.Second)
	}
	want = answers(t, reopened.db, start, reopened.clock())
	now = reopened.clock()
	same("snapshot and logs", begin(t, copyDir(t, dir), now).db)
}

func TestOneHistoryPerDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := begin(t, dir, start)
	_, err := tryBegin(dir, start)
	require.ErrorIs(t, err, history.ErrLocked)
	require.ErrorContains(t, err, dir)
	require.NoError(t, p.db.Close())
	require.NoError(t, p.db.Close(), "twice is fine")
	require.NoError(t, begin(t, dir, start).db.Err())
	require.NoError(t, p.db.Append(sampleOf(start, 1, "__name__", "n")), "in memory")
	require.Equal(t, 1., p.one(t, "n", start))

	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err = tryBegin(filepath.Join(file, "dir"), start)
	require.ErrorContains(t, err, file)
}

// TestRestart: what a start does not find again ends with its first collection,
// as a scrape ends the series of a target that was started anew.
func TestRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	watch := history.WithWatch("w", "sum by (a) (g)", 10*time.Second)
	p := begin(t, dir, start, watch)
	g := p.rig.gauge(t, "g", "a")
	g.WithLabelValues("stays").Set(1)
	g.WithLabelValues("goes").Set(2)
	p.m.Registerer().MustRegister(stamped{start.Add(-time.Second)})
	p.sample(t, start)
	require.NoError(t, p.db.Append(sampleOf(start, 3, "__name__", "ALERTS")))
	killed := copyDir(t, dir)
	require.NoError(t, p.db.Close())

	for _, dir := range []string{dir, killed} {
		at := start.Add(time.Second)
		p = begin(t, dir, at, watch)
		before := map[string]float64{`g{a="stays"}`: 1, `g{a="goes"}`: 2}
		require.Equal(t, before, p.query(t, "g", at), "until something is collected it is the last that is known")
		g = p.rig.gauge(t, "g", "a")
		g.WithLabelValues("stays").Set(5)
		p.m.Registerer().MustRegister(stamped{at.Add(-time.Second / 2)})
		p.sample(t, at)
		require.Equal(t, map[string]float64{"stamped": 1}, p.query(t, "stamped", at), "found, with a time of its own")
		require.Equal(t, map[string]float64{`g{a="stays"}`: 5}, p.query(t, "g", at))
		require.Equal(t, map[string]float64{"ALERTS": 3}, p.query(t, "ALERTS", at), "whoever wrote it knows whether it is over")
		require.Equal(t, map[string]float64{`w{a="goes"}`: 2, `w{a="stays"}`: 1}, p.query(t, "w", at), "no full step since")
		at = start.Add(10 * time.Second)
		p.sample(t, at)
		require.Equal(t, map[string]float64{`w{a="stays"}`: 5}, p.query(t, "w", at))
		require.Equal(t, map[string]float64{`{a="stays"}`: 3, `{a="goes"}`: 1}, p.query(t, "count_over_time(g[1m])", at))
		g.WithLabelValues("goes").Set(6)
		at = at.Add(time.Second)
		p.sample(t, at)
		require.Equal(t, map[string]float64{`g{a="goes"}`: 6, `g{a="stays"}`: 5}, p.query(t, "g", at), "it can come back")
		require.NoError(t, p.db.Close())
	}
}

// TestRestartOfWatches: a later step than the last one that was recorded.
func TestRestartOfWatches(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	watch := history.WithWatch("w", "sum by (a) (g)", 10*time.Second)
	p := begin(t, dir, start, watch)
	g := p.rig.gauge(t, "g", "a")
	g.WithLabelValues("stays").Set(1)
	g.WithLabelValues("goes").Set(2)
	p.sample(t, start)
	at := start.Add(20 * time.Second)
	p = begin(t, copyDir(t, dir), at, watch)
	p.rig.gauge(t, "g", "a").WithLabelValues("stays").Set(1)
	p.sample(t, at)
	require.Equal(t, map[string]float64{`w{a="stays"}`: 1}, p.query(t, "w", at))
	require.Equal(t, map[string]float64{`{a="stays"}`: 2, `{a="goes"}`: 1}, p.query(t, "count_over_time(w[1m])", at))
}

// stamped is a metric that says of when it is.
type stamped struct{ at time.Time }

var stampedDesc = prometheus.NewDesc("stamped", "stamped", nil, nil)

func (stamped) Describe(ch chan<- *prometheus.Desc) { ch <- stampedDesc }

func (s stamped) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.NewMetricWithTimestamp(s.at, prometheus.MustNewConstMetric(stampedDesc, prometheus.GaugeValue, 1))
}

// TestLimitsHoldForWhatIsLoaded: those of now, not of when it was written.
func TestLimitsHoldForWhatIsLoaded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := begin(t, dir, start, watched...)
	p.measure(t)
	rng := rand.New(rand.NewPCG(5, 6))
	for range 800 {
		p.step(t, 10*time.Second)
		var batch []monitor.Sample
		for i := range 50 {
			batch = append(batch, sampleOf(p.clock(), rng.Float64(), "__name__", "random", "i", strconv.Itoa(i)))
		}
		require.NoError(t, p.db.Append(batch...))
	}
	now := p.clock()
	require.Greater(t, p.one(t, "monitor_history_storage_bytes", now), 400e3)
	killed := copyDir(t, dir)
	require.NoError(t, p.db.Close())
	for _, dir := range []string{dir, killed} {
		small := begin(t, copyDir(t, dir), now, history.WithSeriesLimit(60), history.WithStorageSize(150_000))
		small.sample(t, now.Add(time.Second))
		require.LessOrEqual(t, small.one(t, "monitor_history_storage_bytes", now.Add(time.Second)), 150e3)
		require.LessOrEqual(t, small.one(t, "monitor_history_series", now.Add(time.Second)), 60.)

		short := begin(t, copyDir(t, dir), now, history.WithRetention(10*time.Minute, time.Hour))
		require.Greater(t, p.one(t, `count_over_time(g{a="1"}[3h])`, now), 60.+240)
		require.LessOrEqual(t, short.one(t, `count_over_time(g{a="1"}[2h])`, now), 60.+240)

		late := begin(t, copyDir(t, dir), now.Add(25*time.Hour))
		require.Empty(t, late.query(t, `last_over_time(g[30h])`, now.Add(25*time.Hour)), "a day has passed")
		require.NotEmpty(t, late.query(t, `last_over_time(g:avg[30h])`, now.Add(25*time.Hour)), "the long tier stays")
	}
}

// TestDirectoryIsBounded: however long it runs.
func TestDirectoryIsBounded(t *testing.T) {
	t.Parallel()
	const size, log = 200_000, 20_000
	dir := t.TempDir()
	p := begin(t, dir, start, history.WithSeriesLimit(90), history.WithStorageSize(size), history.WithFileSizes(log, 2*log), history.WithStorageSync())
	rng := rand.New(rand.NewPCG(7, 8))
	most := 0
	for i := range 3000 {
		at := start.Add(time.Duration(i) * time.Second)
		p.set(at)
		var batch []monitor.Sample
		for j := range 20 {
			batch = append(batch, sampleOf(at, rng.Float64(), "__name__", "n", "j", strconv.Itoa(j)))
		}
		require.NoError(t, p.db.Append(batch...))
		p.sample(t, at)
		if i%10 == 0 {
			used := 0
			for _, name := range fileNames(t, dir) {
				info, err := os.Stat(filepath.Join(dir, name))
				require.NoError(t, err)
				used += int(info.Size())
			}
			most = max(most, used)
			require.LessOrEqual(t, used, 3*size)
			require.LessOrEqual(t, len(fileNames(t, dir)), 10)
			if i%100 == 0 {
				p.sample(t, at.Add(time.Millisecond))
				require.InDelta(t, used, p.one(t, "sum(monitor_history_disk_bytes)", at.Add(time.Millisecond)), 3*log)
			}
		}
	}
	t.Logf("%d bytes at most, for a storage size of %d", most, size)
	at := start.Add(3001 * time.Second)
	p.sample(t, at)
	require.Greater(t, p.one(t, `monitor_history_snapshots_total{result="ok"}`, at), 10.)
	require.Zero(t, p.one(t, `monitor_history_snapshots_total{result="failed"}`, at))
	require.Greater(t, p.one(t, `monitor_history_disk_writes_total{result="ok"}`, at), 5000.)
}

// A history that only engines write to keeps its directory as well.
func TestAppendKeepsTheDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := begin(t, dir, start, history.WithFileSizes(4<<10, 16<<10))
	labels := monitor.Labels{monitor.MetricName: "ALERTS", "alertname": "Slow"}
	for i := range 5000 {
		at := start.Add(time.Duration(i) * time.Second)
		p.set(at)
		require.NoError(t, p.db.Append(monitor.Sample{Labels: labels, Point: monitor.Point{Time: at, Value: float64(i)}}))
	}
	var size int64
	for _, name := range fileNames(t, dir) {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		size += info.Size()
	}
	require.Less(t, size, int64(64<<10))
	p.db.Abandon()
	again := begin(t, copyDir(t, dir), start)
	require.InDelta(t, 5000, again.one(t, "count_over_time(ALERTS[2h])", start.Add(5000*time.Second)), 0)
}

// TestNewAfterFailure: one that failed has nothing of the monitor's.
func TestNewAfterFailure(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	begin(t, dir, start)
	m, err := monitor.New()
	require.NoError(t, err)
	_, err = history.New(m, history.WithStoragePath(dir))
	require.ErrorIs(t, err, history.ErrLocked)
	_, err = history.New(m, history.WithWatch("a", "rate(", time.Minute))
	require.ErrorIs(t, err, monitor.ErrInvalidOption)
	require.Empty(t, m.Snapshotters())
	other := t.TempDir()
	db, err := history.New(m, history.WithStoragePath(other), history.WithWatch("a", "monitor_history_disk_bytes", time.Minute))
	require.NoError(t, err)
	r := rig{m, db}
	r.sample(t, start)
	require.Len(t, r.query(t, "monitor_history_disk_bytes", start), 3)
	_, err = history.New(m, history.WithStoragePath(t.TempDir()))
	require.ErrorContains(t, err, "history already")
	require.Len(t, m.Snapshotters(), 1)
	require.NoError(t, db.Close())
	_, err = tryBegin(other, start)
	require.NoError(t, err, "and nobody's directory")
}

// TestDirectoryGone: whoever removes it learns that nothing is in it; if it is
// made again, all is in it again.
func TestDirectoryGone(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "h")
	p := begin(t, dir, start)
	g := p.rig.gauge(t, "g").WithLabelValues()
	at := start
	step := func() {
		at = at.Add(70 * time.Second)
		p.set(at)
		g.Inc()
		p.sample(t, at)
	}
	step()
	require.NoError(t, os.RemoveAll(dir))
	step()
	require.ErrorIs(t, p.db.Err(), history.ErrGone)
	step()
	require.NoDirExists(t, dir, "whoever removed it may not want it back")
	require.NoError(t, os.Mkdir(dir, 0o700))
	step()
	step()
	require.NoError(t, p.db.Err())
	_, err := tryBegin(dir, at)
	require.ErrorIs(t, err, history.ErrLocked)
	require.Equal(t, 5., begin(t, copyDir(t, dir), at).one(t, "count_over_time(g[1h])", at))
	for _, name := range fileNames(t, dir) {
		if strings.HasSuffix(name, ".log") {
			require.NoError(t, os.Remove(filepath.Join(dir, name)))
		}
	}
	step()
	step()
	require.NoError(t, p.db.Err())
	require.NoError(t, os.Remove(filepath.Join(dir, "lock")))
	step()
	step()
	require.NoError(t, p.db.Err())
	_, err = tryBegin(dir, at)
	require.ErrorIs(t, err, history.ErrLocked)
	require.NoError(t, p.db.Close())
	require.Equal(t, 9., begin(t, dir, at).one(t, "count_over_time(g[1h])", at))
}

// TestSnapshotFails: while none can be written, one is tried a minute, the logs go
// on up to their bound, and what is on disk is no damage.
func TestSnapshotFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const storage, logs = 20_480, 4000
	p := begin(t, dir, start, history.WithSeriesLimit(10), history.WithStorageSize(storage), history.WithFileSizes(logs, logs))
	block := func(number int) string { return filepath.Join(dir, fmt.Sprintf("%010d.snapshot.tmp", number), "x") }
	for number := range 100 {
		require.NoError(t, os.MkdirAll(block(number), 0o700))
	}
	at := start
	written, longest := 0, int64(0)
	step := func() {
		at = at.Add(10 * time.Second)
		p.set(at)
		written++
		batch := make([]monitor.Sample, 8)
		for i := range batch {
			batch[i] = sampleOf(at, float64(written*(i+1))/7, "__name__", "n", "i", strconv.Itoa(i))
		}
		require.NoError(t, p.db.Append(batch...))
		size := int64(0)
		for _, name := range fileNames(t, dir) {
			info, err := os.Stat(filepath.Join(dir, name))
			require.NoError(t, err)
			size += info.Size()
		}
		longest = max(longest, size)
	}
	broken := 0
	for p.db.Err() == nil {
		step()
		broken = written - 1
		require.Less(t, written, 1000)
	}
	require.ErrorContains(t, p.db.Err(), "for want of a snapshot")
	for range 60 {
		step()
		require.Error(t, p.db.Err())
	}
	require.ErrorContains(t, p.db.Err(), "snapshot.tmp")
	require.LessOrEqual(t, longest, int64(storage+2*logs+1000))
	require.LessOrEqual(t, len(fileNames(t, dir)), broken/6+2, "none is left of what was tried since")
	families, err := p.m.Gatherer().Gather()
	require.NoError(t, err)
	i := slices.IndexFunc(families, func(f *dto.MetricFamily) bool { return f.GetName() == "monitor_history_snapshots_total" })
	failed := families[i].GetMetric()[0]
	require.Equal(t, "failed", failed.GetLabel()[0].GetValue())
	require.InDelta(t, float64(written)/6-5, failed.GetCounter().GetValue(), 5, "one a minute, once there is enough")
	for number := range 100 {
		require.NoError(t, os.RemoveAll(filepath.Dir(block(number))))
	}
	killed := begin(t, copyDir(t, dir), at)
	require.NoError(t, killed.db.Err())
	require.Equal(t, float64(broken), killed.one(t, `count_over_time(n{i="3"}[1h])`, at), "what was before is whole")
	for range 7 {
		step()
	}
	require.NoError(t, p.db.Err())
	killed = begin(t, copyDir(t, dir), at)
	require.NoError(t, killed.db.Err())
	require.Equal(t, p.one(t, `count_over_time(n{i="3"}[1h])`, at), killed.one(t, `count_over_time(n{i="3"}[1h])`, at))
}

// TestRestoreAfterClose: it is in memory; the directory may be another's by now.
func TestRestoreAfterClose(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), start)
	p.sample(t, start)
	backup := snapshotOf(t, p.db)
	require.NoError(t, p.db.Close())
	before := names(t, p.dir)
	require.NoError(t, p.db.Restore(t.Context(), backup))
	require.Equal(t, before, names(t, p.dir))
	require.NotEmpty(t, p.query(t, "monitor_history_series", start))
}

// TestErrAfterClose: what comes after it is not on disk.
func TestErrAfterClose(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), start)
	p.sample(t, start)
	require.NoError(t, p.db.Close())
	require.NoError(t, p.db.Err(), "all is there")
	p.sample(t, start.Add(time.Second))
	require.ErrorContains(t, p.db.Err(), "it is closed")
	require.NoError(t, p.db.Close())
}

// TestOthersFiles: what the history did not write is left alone.
func TestOthersFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"7.log", "app.log", "00000000008.log", "+000000009.log", "3.snapshot"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("mine\n"), 0o600))
	}
	p := begin(t, dir, start)
	require.NoError(t, p.db.Err())
	p.sample(t, start)
	require.NoError(t, p.db.Close())
	require.NoError(t, begin(t, dir, start).db.Err())
	kept, err := os.ReadFile(filepath.Join(dir, "7.log"))
	require.NoError(t, err)
	require.Equal(t, "mine\n", string(kept))
}

// A collector may ask whether all is well.
func TestCollectorAsksErr(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), start)
	require.NoError(t, p.m.Registerer().Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "storage_ok", Help: "h"}, func() float64 {
		if p.db.Err() != nil {
			return 0
		}
		return 1
	})))
	p.sample(t, start)
	require.InDelta(t, 1, p.one(t, "storage_ok", start), 0)
}

// The zero time is the present.
func TestQueryWithoutATime(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), start)
	require.InDelta(t, float64(start.Unix()), p.one(t, "time()", time.Time{}), 0)
}

// TestRunKeepsTheDirectory: Run writes what it collects, and a snapshot at the end.
func TestRunKeepsTheDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	m, err := monitor.New(monitor.WithLogger(slog.New(slog.DiscardHandler)))
	require.NoError(t, err)
	db, err := history.New(m, history.WithStoragePath(dir), history.WithInterval(100*time.Millisecond), history.WithFileSizes(2000, 4000))
	require.NoError(t, err)
	r := rig{m, db}
	r.gauge(t, "g").WithLabelValues().Set(1)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- m.Run(ctx, db) }()
	require.Eventually(t, func() bool {
		got, err := db.Query(ctx, `monitor_history_snapshots_total{result="ok"} > 2`, m.Now())
		return err == nil && len(got) == 1
	}, 30*time.Second, 10*time.Millisecond)
	cancel()
	require.NoError(t, <-done)
	require.Equal(t, []string{"log", "snapshot"}, files(t, dir))
	now := m.Now()
	n := r.one(t, "count_over_time(g[1m])", now)
	require.Greater(t, n, 3.)
	m, err = monitor.New()
	require.NoError(t, err)
	db, err = history.New(m, history.WithStoragePath(dir))
	require.NoError(t, err)
	require.Equal(t, n, rig{m, db}.one(t, "count_over_time(g[1m])", now))
	require.NoError(t, db.Close())
}

// TestBackup: of a whole monitor, and back.
func TestBackup(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), start, watched...)
	p.measure(t)
	for range 50 {
		p.step(t, 10*time.Second)
	}
	now := p.clock()
	want := answers(t, p.db, start, now)
	var backup bytes.Buffer
	saved, err := p.m.Backup(t.Context(), &backup)
	require.NoError(t, err)
	require.Equal(t, "history", saved.Parts[0].Name)
	for range 10 {
		p.step(t, 10*time.Second)
	}
	later := answers(t, p.db, start, p.clock())

	tried, err := p.m.Restore(t.Context(), bytes.NewReader(backup.Bytes()), monitor.WithDryRun())
	require.NoError(t, err)
	require.Equal(t, monitor.PartRestorable, tried.Parts[0].Fate)
	var snapshot bytes.Buffer
	require.NoError(t, p.db.Snapshot(t.Context(), &snapshot))
	for range 300 {
		bad := bytes.Clone(snapshot.Bytes())
		bad[p.rng.IntN(len(bad))] ^= 1 << p.rng.IntN(8)
		require.ErrorIs(t, p.db.Verify(t.Context(), bytes.NewReader(bad)), history.ErrDamaged)
		require.ErrorIs(t, p.db.Restore(t.Context(), bytes.NewReader(bad)), history.ErrDamaged)
		require.ErrorIs(t, p.db.Restore(t.Context(), bytes.NewReader(bad[:p.rng.IntN(len(bad))])), history.ErrDamaged)
	}
	require.Equal(t, later, answers(t, p.db, start, p.clock()), "nothing bad replaces anything")

	halfway := copyDir(t, p.dir)
	done, err := p.m.Restore(t.Context(), &backup)
	require.NoError(t, err)
	require.Equal(t, monitor.PartRestored, done.Parts[0].Fate)
	require.Equal(t, want, answers(t, p.db, start, now))
	for _, name := range fileNames(t, p.dir) {
		if strings.HasSuffix(name, ".snapshot") { // it comes first
			data, err := os.ReadFile(filepath.Join(p.dir, name))
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(halfway, name), data, 0o600))
		}
	}
	for _, dir := range []string{copyDir(t, p.dir), halfway} {
		killed := begin(t, dir, now)
		require.NoError(t, killed.db.Err())
		require.Equal(t, want, answers(t, killed.db, start, now))
		require.Equal(t, []string{"log", "snapshot"}, files(t, dir))
	}
	p.step(t, 10*time.Second)
	require.Len(t, p.query(t, "g", p.clock()), 4, "and it goes on")
	require.Equal(t, float64(p.steps), p.one(t, "late", p.clock()))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, p.db.Restore(ctx, &snapshot), context.Canceled)
	require.ErrorIs(t, p.db.Snapshot(ctx, &snapshot), context.Canceled)
}

// TestAllAtOnce: collections, engines that append, queries, files, backups and
// restores do not wait for one another for long, nor race.
func TestAllAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := begin(t, dir, start, append(watched, history.WithFileSizes(5000, 20_000))...)
	p.measure(t)
	p.step(t, time.Second)
	var saved bytes.Buffer
	require.NoError(t, p.db.Snapshot(t.Context(), &saved))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var all sync.WaitGroup
	repeat := func(f func(n int)) {
		all.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				f(n)
			}
		})
	}
	all.Go(func() { p.db.Keep(ctx) })
	repeat(func(n int) {
		_ = p.db.Append(sampleOf(start.Add(time.Duration(n)*time.Second), 1, "__name__", "other", "n", strconv.Itoa(n%50)))
		time.Sleep(100 * time.Microsecond)
	})
	repeat(func(int) { _, _ = p.db.Query(ctx, questions[0], p.clock()); _ = p.db.Err() })
	repeat(func(int) {
		_, _ = p.m.Backup(ctx, io.Discard)
		time.Sleep(5 * time.Millisecond)
	})
	repeat(func(int) {
		_ = p.db.Restore(ctx, bytes.NewReader(saved.Bytes()))
		time.Sleep(20 * time.Millisecond)
	})
	for range 150 {
		p.step(t, time.Second)
	}
	cancel()
	all.Wait()
	require.NoError(t, p.db.Err())
	require.NoError(t, p.db.Close())
	require.NoError(t, begin(t, dir, p.clock()).db.Err())
	require.NotContains(t, p.log.String(), "level=ERROR")
	require.NotContains(t, p.log.String(), "level=WARN")
}

// TestLargeBatch: one that is larger than a record is.
func TestLargeBatch(t *testing.T) {
	t.Parallel()
	if raceEnabled {
		t.Skip("it is large")
	}
	dir := t.TempDir()
	p := begin(t, dir, start, history.WithStorageSize(512<<20))
	rng := rand.New(rand.NewPCG(9, 9))
	const series, each = 2000, 1000
	batch := make([]monitor.Sample, 0, series*each)
	for i := range series {
		l := monitor.Labels{"__name__": "n", "i": strconv.Itoa(i)}
		for j := range each {
			batch = append(batch, monitor.Sample{Labels: l, Point: monitor.Point{Time: start.Add(time.Duration(j) * time.Second), Value: rng.Float64()}})
		}
	}
	at := start.Add(each * time.Second)
	p.set(at)
	require.NoError(t, p.db.Append(batch...))
	want := p.one(t, "sum(sum_over_time(n[1h]))", at)
	killed := begin(t, copyDir(t, dir), at, history.WithStorageSize(512<<20))
	require.NoError(t, killed.db.Err())
	require.Equal(t, float64(series*each), killed.one(t, "sum(count_over_time(n[1h]))", at))
	require.InEpsilon(t, want, killed.one(t, "sum(sum_over_time(n[1h]))", at), 1e-12)
}

func snapshotOf(t testing.TB, db *history.DB) io.Reader {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, db.Snapshot(t.Context(), &b))
	return &b
}
