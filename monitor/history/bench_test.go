package history_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/history"
)

// cpu is the CPU time that the process has used, all threads and the garbage
// collector included: the machine may be busy with other things.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// setupOwn is setup without anything to gather.
func setupOwn(t testing.TB) rig {
	t.Helper()
	reg := prometheus.NewRegistry()
	m, err := monitor.New(monitor.WithLogger(slog.New(slog.DiscardHandler)),
		monitor.WithRegisterer(prometheus.WrapRegistererWith(nil, reg)), monitor.WithLabelLimit(100_000))
	require.NoError(t, err)
	db, err := history.New(m)
	require.NoError(t, err)
	return rig{m, db}
}

// BenchmarkCollect10000 is one collection of 10,000 of the SDK's series: alone;
// with a directory; with the Go runtime's collectors in the monitor's registry; and
// in a registry of the host's, all of which has to be gathered.
func BenchmarkCollect10000(b *testing.B) {
	for name, opt := range map[string]func() monitor.Option{
		"alone": func() monitor.Option {
			return monitor.WithRegisterer(prometheus.WrapRegistererWith(nil, prometheus.NewRegistry()))
		},
		"private": monitor.WithRuntimeMetrics,
		"disk": func() monitor.Option {
			return monitor.WithRegisterer(prometheus.WrapRegistererWith(nil, prometheus.NewRegistry()))
		},
		"hosts": func() monitor.Option { return monitor.WithRegisterer(prometheus.NewRegistry()) },
	} {
		b.Run(name, func(b *testing.B) {
			m, err := monitor.New(opt(), monitor.WithLogger(slog.New(slog.DiscardHandler)), monitor.WithLabelLimit(100_000))
			require.NoError(b, err)
			var opts []history.Option
			if name == "disk" {
				opts = append(opts, history.WithStoragePath(b.TempDir()))
			}
			db, err := history.New(m, opts...)
			require.NoError(b, err)
			benchmarkCollect(b, rig{m, db})
			require.NoError(b, db.Close())
			require.NoError(b, db.Err())
		})
	}
}

func benchmarkCollect(b *testing.B, r rig) {
	b.Helper()
	tr := newTraffic(b, r.m, 10_000/perEndpoint)
	at := start
	for range 300 { // until memory is in use again
		tr.step()
		at = at.Add(time.Second)
		r.sample(b, at)
	}
	var used time.Duration
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		b.StopTimer()
		tr.step()
		at = at.Add(time.Second)
		b.StartTimer()
		began := cpu()
		r.sample(b, at)
		used += cpu() - began
	}
	series := r.one(b, "monitor_history_series", at)
	b.ReportMetric(float64(used.Microseconds())/1000/float64(b.N), "cpu-ms/op")
	b.ReportMetric(float64(used.Nanoseconds())/float64(b.N)/series, "cpu-ns/sample")
	b.ReportMetric(r.one(b, "monitor_history_bytes_per_sample", at), "bytes/sample")
	b.ReportMetric(series, "series")
}

// BenchmarkAppend is one sample of one series after another, as an engine writes
// them: the series is found by its labels.
func BenchmarkAppend(b *testing.B) {
	r := setupOwn(b)
	batch := make([]monitor.Sample, 1000)
	for i := range batch {
		batch[i] = sampleOf(start, float64(i), "__name__", "ALERTS", "alertname", endpoint(i), "alertstate", "firing")
	}
	b.ReportAllocs()
	for b.Loop() {
		for i := range batch {
			batch[i].Time = batch[i].Time.Add(time.Second)
		}
		if err := r.db.Append(batch...); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/sample")
}

// filled is 10,000 series of 600 samples at 1 s.
func filled(b testing.TB) (rig, time.Time) {
	b.Helper()
	r := setupOwn(b)
	tr := newTraffic(b, r.m, 10_000/perEndpoint)
	at := start
	for range 600 {
		tr.step()
		at = at.Add(time.Second)
		r.sample(b, at)
	}
	return r, at
}

func BenchmarkQuery(b *testing.B) {
	r, at := filled(b)
	for _, q := range []struct{ name, promql string }{
		{"p95All", `histogram_quantile(0.95, sum by (le, endpoint) (rate(t_duration_seconds_bucket[5m])))`},
		{"errorRatioAll", `sum by (endpoint) (rate(t_errors_total[5m])) / sum by (endpoint) (rate(t_requests_total[5m]))`},
		{"p95One", `histogram_quantile(0.95, sum by (le) (rate(t_duration_seconds_bucket{endpoint="` + endpoint(7) + `"}[5m])))`},
		{"gaugeAll", `t_gauge_1 > 100`},
	} {
		b.Run(q.name, func(b *testing.B) {
			var used time.Duration
			b.ReportAllocs()
			for b.Loop() {
				began := cpu()
				_, err := r.db.Query(b.Context(), q.promql, at)
				used += cpu() - began
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(used.Microseconds())/1000/float64(b.N), "cpu-ms/op")
		})
	}
}

//nolint:paralleltest // memory is the process's
func TestHeapAllocatedPerSeries(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has a heap of its own")
	}
	var before, after runtime.MemStats
	r := setupOwn(t)
	tr := newTraffic(t, r.m, 10_000/perEndpoint)
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&before)
	at := start
	for range 600 {
		tr.step()
		at = at.Add(time.Second)
		r.sample(t, at)
	}
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&after)
	perSeries := float64(after.HeapAlloc-before.HeapAlloc) / r.one(t, "monitor_history_series", at)
	counted := r.one(t, "monitor_history_storage_bytes", at) / r.one(t, "monitor_history_series", at)
	perSample := r.one(t, "monitor_history_bytes_per_sample", at)
	t.Logf("%.0f bytes of heap per series, %.0f counted, %.2f per sample", perSeries, counted, perSample)
	require.LessOrEqual(t, perSeries, 2048.)
	require.LessOrEqual(t, perSample, 1.6)
	runtime.KeepAlive(tr)
}

// BenchmarkLoad is a start with 10,000 series of 600 samples each: from a snapshot,
// as it is after a stop, and from logs, as after a crash before the first one.
func BenchmarkLoad(b *testing.B) {
	dir := b.TempDir()
	m, err := monitor.New(monitor.WithLogger(slog.New(slog.DiscardHandler)), monitor.WithLabelLimit(100_000),
		monitor.WithRegisterer(prometheus.WrapRegistererWith(nil, prometheus.NewRegistry())), monitor.WithClock(func() time.Time { return start }))
	require.NoError(b, err)
	db, err := history.New(m, history.WithStoragePath(dir), history.WithFileSizes(16<<20, 1<<30))
	require.NoError(b, err)
	tr := newTraffic(b, m, 10_000/perEndpoint)
	at := start
	for range 600 {
		tr.step()
		at = at.Add(time.Second)
		require.NoError(b, db.Sample(b.Context(), at))
	}
	logs := copyDir(b, dir)
	samples := rig{m, db}.one(b, "monitor_history_stored_samples", at)
	began := time.Now()
	require.NoError(b, db.Close())
	saved := time.Since(began)
	for _, c := range []struct{ name, dir string }{{"snapshot", dir}, {"logs", logs}} {
		b.Run(c.name, func(b *testing.B) {
			size := int64(0)
			for _, name := range fileNames(b, c.dir) {
				info, err := os.Stat(filepath.Join(c.dir, name))
				require.NoError(b, err)
				size += info.Size()
			}
			var used time.Duration
			for b.Loop() {
				began := cpu()
				p, err := tryBegin(c.dir, at)
				if err != nil {
					b.Fatal(err)
				}
				used += cpu() - began
				b.StopTimer()
				require.NoError(b, p.db.Err())
				require.GreaterOrEqual(b, p.one(b, "count_over_time(t_gauge_1{endpoint=\""+endpoint(7)+"\"}[20m])", at), 600.)
				p.db.Abandon()
				b.StartTimer()
			}
			b.ReportMetric(float64(used.Milliseconds())/float64(b.N), "cpu-ms/op")
			b.ReportMetric(float64(size)/1e6, "MB")
			b.ReportMetric(float64(size)/samples, "bytes/sample")
			b.ReportMetric(float64(saved.Milliseconds()), "close-ms")
		})
	}
}
