package history_test

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/testenv"
	"github.com/chronoretrace/chronomon/monitor"
)

// The tests of this file compare over the length of time that rules look back.
// A step is a quarter of a minute, and every sample is exposed with its own
// time, so that a server takes more than an hour at its first scrape.

const (
	platformStep  = 15 * time.Second
	platformSteps = 260
	// A server takes nothing that is an hour old, or that is ten minutes ahead.
	platformAge = 58 * time.Minute
)

// shape says how a series' value moves.
type shape int

const (
	waves  shape = iota // between low and high
	flips               // between 0 and 1
	grows               // a counter, by low to high at each step
	bursts              // the same, but all at once, and with minutes of nothing
)

// platform is what the platform's rules ask for, with values to either side of
// their thresholds. A %d is the number of the series.
var platform = []struct {
	series    string
	n         int
	shape     shape
	low, high float64
}{
	{`up{job="node-exporter",instance="node-%d"}`, 3, flips, 0, 1},
	{`up{job="chronoretrace-backend",instance="api-%d"}`, 3, flips, 0, 1},
	{`node_cpu_seconds_total{mode="idle",cpu="0",instance="node-%d"}`, 3, grows, 0, 15},
	{`node_cpu_seconds_total{mode="idle",cpu="1",instance="node-%d"}`, 3, grows, 0, 2},
	{`node_cpu_seconds_total{mode="iowait",cpu="0",instance="node-%d"}`, 3, grows, 0, 8},
	{`node_memory_MemAvailable_bytes{instance="node-%d"}`, 3, waves, 1e8, 5e9},
	{`node_memory_MemTotal_bytes{instance="node-%d"}`, 3, waves, 7.9e9, 8e9},
	{`node_filesystem_avail_bytes{fstype="ext4",mountpoint="/",instance="node-%d"}`, 3, waves, 1e9, 5e10},
	{`node_filesystem_size_bytes{fstype="ext4",mountpoint="/",instance="node-%d"}`, 3, waves, 9.9e10, 1e11},
	{`node_filesystem_avail_bytes{fstype="tmpfs",mountpoint="/run",instance="node-%d"}`, 3, waves, 0, 1e6},
	{`node_filesystem_size_bytes{fstype="tmpfs",mountpoint="/run",instance="node-%d"}`, 3, waves, 1e8, 1.1e8},
	{`http_requests_total{job="chronoretrace-backend",status="200",source_ip="10.0.0.%d"}`, 4, bursts, 900, 2000},
	{`http_requests_total{job="chronoretrace-backend",status="403",source_ip="10.0.0.%d"}`, 4, bursts, 10, 1500},
	{`http_requests_total{job="chronoretrace-backend",status="500",source_ip="10.0.0.%d"}`, 4, bursts, 0, 900},
	{`http_requests_total{job="other",status="503",source_ip="10.0.0.%d"}`, 2, grows, 0, 100},
	{`process_resident_memory_bytes{job="chronoretrace-backend",instance="api-%d"}`, 3, waves, 5e8, 2e9},
	{`pg_up{instance="db-%d"}`, 2, flips, 0, 1},
	{`pg_stat_activity_count{instance="db-%d"}`, 2, waves, 10, 199},
	{`pg_settings_max_connections{instance="db-%d"}`, 2, waves, 199, 201},
	{`pg_replication_lag_seconds{instance="db-%d"}`, 2, waves, 0, 600},
	{`pg_stat_database_tup_returned{instance="db-%d"}`, 2, grows, 1, 100},
	{`pg_stat_database_tup_fetched{instance="db-%d"}`, 2, grows, 100, 200},
	{`pg_locks_count{mode="AccessExclusiveLock",instance="db-%d"}`, 2, waves, 0, 20},
	{`redis_up{instance="cache-%d"}`, 2, flips, 0, 1},
	{`redis_memory_used_bytes{instance="cache-%d"}`, 2, waves, 1e9, 4e9},
	{`redis_memory_max_bytes{instance="cache-%d"}`, 2, waves, 4e9, 4.01e9},
	{`redis_connected_clients{instance="cache-%d"}`, 2, waves, 10, 3000},
	{`redis_slowlog_length{instance="cache-%d"}`, 2, waves, 0, 300},
	{`nginx_up{instance="edge-%d"}`, 2, flips, 0, 1},
	{`nginx_connections_active{instance="edge-%d"}`, 2, waves, 10, 3000},
	{`haproxy_backend_up{backend="api",server="api-%d"}`, 2, flips, 0, 1},
	{`haproxy_backend_current_queue{backend="api",server="api-%d"}`, 2, waves, 0, 100},
	{`chronoretrace_login_attempts_total{source_ip="10.0.0.%d"}`, 4, grows, 100, 900},
	{`chronoretrace_login_failures_total{source_ip="10.0.0.%d"}`, 4, grows, 0, 500},
	{`chronoretrace_stock_data_lag_seconds{market="a%d"}`, 2, waves, 0, 900},
	{`chronoretrace_backtest_jobs_total{kind="%d"}`, 2, grows, 10, 20},
	{`chronoretrace_backtest_failures_total{kind="%d"}`, 2, grows, 0, 5},
	{`chronoretrace_active_users_total{tier="%d"}`, 2, waves, 0, 50},
	{`chronoretrace_data_quality_score{market="a%d"}`, 2, waves, 0.9, 1},
	{`probe_ssl_earliest_cert_expiry{instance="site-%d"}`, 2, waves, -2 * 86400, 14 * 86400},
	{`kube_pod_container_status_restarts_total{namespace="default",pod="api-%d"}`, 3, grows, 0, 0.2},
	{`kube_pod_status_phase{phase="Pending",pod="api-%d"}`, 3, flips, 0, 1},
	{`kube_node_status_condition{condition="Ready",status="false",node="node-%d"}`, 3, flips, 0, 1},
	{`kubelet_volume_stats_used_bytes{namespace="default",persistentvolumeclaim="data-%d"}`, 2, waves, 5e9, 1e10},
	{`kubelet_volume_stats_capacity_bytes{namespace="default",persistentvolumeclaim="data-%d"}`, 2, waves, 1e10, 1.001e10},
}

// platformSeries is one of them.
type platformSeries struct {
	metric    monitor.Labels
	shape     shape
	low, high float64
	phase     float64
	value     float64
}

// platformMetrics exposes all of them, and a histogram.
type platformMetrics struct {
	start   time.Time
	rng     *rand.Rand
	series  []*platformSeries
	buckets [3][]uint64 // by endpoint; of a bucket alone
	sums    [3]float64
}

// platformBounds are bounds that are written alike everywhere: no whole numbers.
var platformBounds = []float64{0.1, 0.25, 0.5, 1.5, 2.5, 5.5, 10.5}

// A counter is far from zero: there versions extrapolate rates in different ways.
const platformBase = 1e5

func newPlatform(t testing.TB, start time.Time) *platformMetrics {
	t.Helper()
	p := &platformMetrics{start: start, rng: rand.New(rand.NewPCG(4, 5))}
	for _, d := range platform {
		for i := range d.n {
			// What a server would add to those that have none.
			l := monitor.Labels{"job": "platform", "instance": "local"}
			maps.Copy(l, parsed(t, strings.Replace(d.series, "%d", strconv.Itoa(i), 1)))
			s := &platformSeries{metric: l, shape: d.shape, low: d.low, high: d.high, phase: p.rng.Float64()}
			if d.shape == grows || d.shape == bursts {
				s.value = platformBase
			}
			p.series = append(p.series, s)
		}
	}
	for i := range p.buckets {
		p.buckets[i] = make([]uint64, len(platformBounds)+1)
		for j := range p.buckets[i] {
			p.buckets[i][j] = platformBase
		}
	}
	return p
}

// move makes a step.
func (p *platformMetrics) move(step int) {
	const period = 80 // steps, 20 min
	busy := max(0, math.Sin(2*math.Pi*float64(step)/period))
	for _, s := range p.series {
		at := (0.5 + 0.5*math.Sin(2*math.Pi*(float64(step)/period+s.phase))) * (0.95 + 0.05*p.rng.Float64())
		between := s.low + (s.high-s.low)*at
		switch s.shape {
		case waves:
			s.value = between
			if s.metric[monitor.MetricName] == "probe_ssl_earliest_cert_expiry" {
				s.value += float64(p.start.Unix())
			}
		case flips:
			if p.rng.IntN(20) == 0 {
				s.value = 1 - s.value
			}
		case grows:
			s.value += between
			if p.rng.IntN(500) == 0 {
				s.value = platformBase / 2 // a restart
			}
		case bursts:
			s.value += busy * between
		}
	}
	if busy == 0 {
		return
	}
	for i := range p.buckets {
		slow := 1 + int(200*math.Abs(math.Sin(2*math.Pi*(float64(step)/(1.7*period)+float64(i)/7))))
		for j := range p.buckets[i] { // none stays empty: no quantile jumps
			n := 1 + p.rng.IntN(200)
			if j >= 3 {
				n = 1 + p.rng.IntN(slow)
			}
			p.buckets[i][j] += uint64(n)
			p.sums[i] += float64(n) * p.rng.Float64() * float64(j+1)
		}
	}
}

// Describe implements prometheus.Collector: it says nothing, so that nothing is checked.
func (*platformMetrics) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (p *platformMetrics) Collect(out chan<- prometheus.Metric) {
	for _, s := range p.series {
		typ := prometheus.GaugeValue
		if s.shape == grows || s.shape == bursts {
			typ = prometheus.CounterValue
		}
		constant := prometheus.Labels(maps.Clone(s.metric))
		delete(constant, monitor.MetricName)
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc(s.metric[monitor.MetricName], "h", nil, constant), typ, s.value)
	}
	for i, counts := range p.buckets {
		cumulative, n := map[float64]uint64{}, uint64(0)
		for j, c := range counts {
			if n += c; j < len(platformBounds) {
				cumulative[platformBounds[j]] = n
			}
		}
		desc := prometheus.NewDesc("http_request_duration_seconds", "h", nil, prometheus.Labels{"job": "chronoretrace-backend", "instance": "api-0", "endpoint": strconv.Itoa(i)})
		out <- prometheus.MustNewConstHistogram(desc, n, p.sums[i], cumulative)
	}
}

// platformExpressions are asked beside the rules.
var platformExpressions = []string{
	`sum without (source_ip) (rate(http_requests_total[2m]))`,
	`histogram_quantile(0.99, sum by (le, endpoint) (rate(http_request_duration_seconds_bucket[10m])))`,
	`rate(http_request_duration_seconds_sum[5m]) / rate(http_request_duration_seconds_count[5m])`,
	`http_request_duration_seconds_bucket{le=~"0.5|\\+Inf"}`,
	`quantile_over_time(0.9, pg_replication_lag_seconds[30m])`,
	`predict_linear(node_filesystem_avail_bytes{fstype="ext4"}[20m], 4 * 3600) < 0`,
	`max_over_time(deriv(redis_memory_used_bytes[5m])[20m:1m])`,
	`resets(pg_stat_database_tup_fetched[45m]) + changes(pg_up[45m])`,
	`avg_over_time(up[40m]) < 0.6007`,
	`sum_over_time(pg_up[2m:1s])`,
	`sum(increase(chronoretrace_login_attempts_total[30m])) by (source_ip) / ignoring (source_ip) group_left sum(increase(chronoretrace_login_attempts_total[30m]))`,
	`topk(2, node_memory_MemAvailable_bytes offset 10m)`,
	`(node_memory_MemAvailable_bytes > 4e9 and on (instance) up{job="node-exporter"} == 1) or absent(nothing)`,
	`stddev_over_time(chronoretrace_data_quality_score[15m]) * on (market) group_left chronoretrace_stock_data_lag_seconds`,
	`clamp_max(irate(node_cpu_seconds_total[1m]), 0.5)`,
	`count by (job) (up == 0)`,
}

// platformRules returns the expressions of the platform's own rules.
func platformRules(t *testing.T) (exprs []string) {
	t.Helper()
	groups, errs := rulefmt.ParseFile(testenv.Shared(t, "data", "chronoretrace", "alert-rules.yml"), false, model.UTF8Validation)
	require.NoError(t, errors.Join(errs...))
	for _, g := range groups.Groups {
		for _, r := range g.Rules {
			exprs = append(exprs, r.Expr)
		}
	}
	require.Len(t, exprs, 45)
	return exprs
}

// platformPair is a real server that has scraped the process, and our history
// of the same moments.
type platformPair struct {
	start        time.Time
	server, ours string // base URLs
}

func newPlatformPair(t *testing.T) *platformPair {
	t.Helper()
	// Not on a full minute, where a subquery has its steps.
	pair := &platformPair{start: time.Now().Add(-platformAge).Truncate(time.Minute).Add(4 * time.Second)}
	r := setup(t)
	metrics := newPlatform(t, pair.start)
	require.NoError(t, r.m.Registerer().Register(metrics))
	var exposition strings.Builder
	for step := range platformSteps {
		metrics.move(step)
		at := pair.at(step)
		r.sample(t, at)
		families, err := r.m.Gatherer().Gather()
		require.NoError(t, err)
		for _, f := range families {
			for _, m := range f.GetMetric() {
				ms := at.UnixMilli()
				m.TimestampMs = &ms
			}
			_, err := expfmt.MetricFamilyToText(&exposition, f)
			require.NoError(t, err)
		}
	}
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", string(expfmt.NewFormat(expfmt.TypeTextPlain)))
		_, _ = w.Write([]byte(exposition.String()))
	}))
	t.Cleanup(target.Close)
	api := httptest.NewServer(r.db.Handler())
	t.Cleanup(api.Close)
	pair.ours = api.URL
	pair.server = testenv.Prometheus(t, fmt.Sprintf(`
global: {scrape_interval: 1s}
scrape_configs:
  - job_name: chronomon
    honor_labels: true
    static_configs: [{targets: ["%s"]}]
`, strings.TrimPrefix(target.URL, "http://"))).URL()
	complete := url.Values{"query": {`count_over_time(pg_up[2h])`}, "time": {seconds(pair.at(platformSteps).UnixMilli())}}
	require.Eventually(t, func() bool {
		all := ask(t, pair.server, "query", complete).points(t)
		for _, points := range all {
			if points[0][1] != platformSteps {
				return false
			}
		}
		return len(all) == 2
	}, 60*time.Second, 100*time.Millisecond, "the server does not scrape")
	return pair
}

// at is when a step was.
func (p *platformPair) at(step int) time.Time {
	return p.start.Add(time.Duration(step) * platformStep)
}

// compare asks both for each expression at the instants, and requires that
// every expression has an answer at one of them at least.
func (p *platformPair) compare(t *testing.T, exprs []string, instants []time.Time) {
	t.Helper()
	total := 0
	for _, q := range exprs {
		compared := 0
		for _, at := range instants {
			form := url.Values{"query": {q}, "time": {seconds(at.UnixMilli())}}
			compared += alike(t, fmt.Sprintf("%s at %v", q, at), ask(t, p.server, "query", form), ask(t, p.ours, "query", form))
		}
		require.Positive(t, compared, "%s has no answer at any time", q)
		total += compared
	}
	t.Logf("%d points of %d expressions at %d instants compared", total, len(exprs), len(instants))
}

// alike requires two answers to have the same series and values, but for the
// last digits, and returns how many.
func alike(t *testing.T, what string, want, got reply) int {
	t.Helper()
	require.Equal(t, want.Data.ResultType, got.Data.ResultType, what)
	w, g := want.points(t), got.points(t)
	require.Equal(t, slices.Sorted(maps.Keys(w)), slices.Sorted(maps.Keys(g)), what)
	for k := range w {
		require.Len(t, w[k], 1, what)
		require.Len(t, g[k], 1, what)
		require.Equal(t, w[k][0][0], g[k][0][0], what)
		if a, b := w[k][0][1], g[k][0][1]; a != b && !(math.IsNaN(a) && math.IsNaN(b)) {
			require.InDelta(t, a, b, 1e-9*max(1, math.Abs(a)), "%s: %s", what, k)
		}
	}
	return len(w)
}

// between returns instants none of which is a sample's, nor a whole number of
// seconds from one: a range that ends there begins between samples too.
func (p *platformPair) between(n int) (out []time.Time) {
	const first = 20 // the 5 min of most ranges
	for i := range n {
		step := first + i*(platformSteps-first)/n
		out = append(out, p.at(step).Add(time.Duration(1+i%14)*time.Second+311*time.Millisecond))
	}
	return out
}

// TestPlatformRulesAgreeWithPrometheus: the platform's rules give what a real
// server of another major version says. That one includes both ends of a range,
// so the instants keep off the samples.
func TestPlatformRulesAgreeWithPrometheus(t *testing.T) {
	t.Parallel()
	rules := platformRules(t)
	pair := newPlatformPair(t)
	pair.compare(t, rules, pair.between(100))
}

// TestLongRangesAgreeWithPrometheus: so do expressions of our own.
func TestLongRangesAgreeWithPrometheus(t *testing.T) {
	t.Parallel()
	pair := newPlatformPair(t)
	pair.compare(t, platformExpressions, pair.between(100))
}

// TestPlatformRulesAgreeWithEnginesPrometheus: a server of the engine's own
// version agrees at every instant, those of samples included.
func TestPlatformRulesAgreeWithEnginesPrometheus(t *testing.T) {
	rules := platformRules(t)
	useServerOfEngine(t)
	pair := newPlatformPair(t)
	pair.compare(t, rules, pair.all())
}

// TestLongRangesAgreeWithEnginesPrometheus: so it does about expressions of our own.
func TestLongRangesAgreeWithEnginesPrometheus(t *testing.T) {
	useServerOfEngine(t)
	pair := newPlatformPair(t)
	pair.compare(t, platformExpressions, pair.all())
}

// all returns the instants between samples, those of samples, and some beside these.
func (p *platformPair) all() []time.Time {
	out := p.between(100)
	for step := range platformSteps {
		at := p.at(step)
		out = append(out, at)
		if step%4 == 0 {
			out = append(out, at.Add(-time.Millisecond), at.Add(time.Millisecond))
		}
	}
	return out
}

// useServerOfEngine makes the server that testenv finds the one that was built
// from the module our engine comes from.
func useServerOfEngine(t *testing.T) {
	t.Helper()
	mod, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	require.NoError(t, err)
	found := regexp.MustCompile(`github\.com/prometheus/prometheus (v\S+)`).FindSubmatch(mod)
	require.NotNil(t, found)
	name := "prometheus-" + string(found[1])
	server, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not in PATH (make test-full builds it into .bin/servers)", name)
	}
	dir := t.TempDir()
	require.NoError(t, os.Symlink(server, filepath.Join(dir, "prometheus")))
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// TestCycleAgreesWithQueries: what rules share in a cycle is what each gets alone.
func TestCycleAgreesWithQueries(t *testing.T) {
	t.Parallel()
	r := setup(t)
	metrics := newPlatform(t, start)
	require.NoError(t, r.m.Registerer().Register(metrics))
	at := start
	for step := range platformSteps {
		metrics.move(step)
		at = start.Add(time.Duration(step) * platformStep)
		r.sample(t, at)
	}
	exprs := slices.Clone(platformExpressions)
	for _, of := range []string{
		`pg_up`, `pg_replication_lag_seconds`, `sum by (job) (rate(http_requests_total[5m]))`, `(redis_up)`, `pg_up or redis_up`,
		`rate(pg_stat_database_tup_returned[5m]) / rate(pg_stat_database_tup_fetched[5m]) / 0`, `time() - pg_up`, `-pg_up`,
	} {
		for _, op := range []string{">", ">=", "<", "<=", "==", "!=", "> bool", "+"} {
			for _, to := range []string{"0", "1", "-1", "100.5", "NaN", "+Inf", "1 + 1", "scalar(pg_up)"} {
				exprs = append(exprs, fmt.Sprintf("%s %s %s", of, op, to), fmt.Sprintf("%s %s (%s)", to, op, of))
			}
		}
	}
	for _, when := range []time.Time{at, at.Add(-20*time.Minute - time.Second)} {
		cycle := r.db.At(when)
		for _, q := range slices.Concat(exprs, exprs) {
			want, errWant := r.db.Query(t.Context(), q, when)
			got, err := cycle.Query(t.Context(), q, when)
			if errWant != nil {
				require.ErrorIs(t, err, monitor.ErrQueryInvalid, q)
				continue
			}
			require.NoError(t, err, q)
			require.Len(t, got, len(want), q)
			inOrder := func(a, b monitor.Sample) int { return strings.Compare(a.Labels.String(), b.Labels.String()) }
			slices.SortFunc(want, inOrder)
			slices.SortFunc(got, inOrder)
			for i := range want {
				require.Equal(t, want[i].Labels, got[i].Labels, q)
				require.Equal(t, want[i].Time, got[i].Time, q)
				require.Equal(t, math.Float64bits(want[i].Value), math.Float64bits(got[i].Value), q)
			}
		}
	}
}
