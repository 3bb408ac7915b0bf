package monitortest_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/monitortest"
)

// served is a monitor with a few metrics of the host's.
func served(t testing.TB) *monitor.Monitor {
	t.Helper()
	m := monitortest.New(t, monitor.WithService("quotes", "v1"))
	uploads := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "uploads_total", Help: "Files uploaded."}, []string{"kind", "by"})
	seconds := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "upload_seconds", Help: "Time of an upload.", Buckets: []float64{1, 10}})
	idle := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "idle", Help: "Has no series."}, []string{"x"})
	m.Registerer().MustRegister(uploads, seconds, idle)
	uploads.WithLabelValues("csv", "a\"b").Add(2)
	uploads.WithLabelValues("xls", "").Add(1)
	seconds.Observe(.5)
	seconds.Observe(5)
	return m
}

func TestExposition(t *testing.T) {
	t.Parallel()
	m := served(t)
	require.Equal(t, `# HELP upload_seconds Time of an upload.
# TYPE upload_seconds histogram
upload_seconds_bucket{le="1"} 1
upload_seconds_bucket{le="10"} 2
upload_seconds_bucket{le="+Inf"} 2
upload_seconds_sum 5.5
upload_seconds_count 2
# HELP uploads_total Files uploaded.
# TYPE uploads_total counter
uploads_total{by="",kind="xls"} 1
uploads_total{by="a\"b",kind="csv"} 2
`, monitortest.Exposition(t, m, "uploads_total", "idle", "upload_seconds", "uploads_total"))
	require.Contains(t, monitortest.Exposition(t, m), "monitor_info{")
	// What it returns is what Expect takes.
	monitortest.Expect(t, m, monitortest.Exposition(t, m))
}

func TestExpect(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		want  string
		names []string
		fails []string // what the failure says; nil for none
	}{
		"in any order, indented": {want: `
			uploads_total{kind="xls",by=""} 1
			uploads_total{kind="csv",by="a\"b"} 2
		`},
		"with types and help": {want: `
			# HELP uploads_total Files uploaded.
			# TYPE uploads_total counter
			uploads_total{by="",kind="xls"} 1
			uploads_total{by="a\"b",kind="csv"} 2
		`},
		"a histogram": {want: `
			upload_seconds_bucket{le="1"} 1
			upload_seconds_bucket{le="10"} 2
			upload_seconds_bucket{le="+Inf"} 2
			upload_seconds_sum 5.5
			upload_seconds_count 2
		`},
		"absent as expected": {names: []string{"idle", "not_there_at_all"}},
		"another value": {
			want: `
				uploads_total{by="",kind="xls"} 1
				uploads_total{by="a\"b",kind="csv"} 3
			`,
			fails: []string{
				"\n  uploads_total{by=\"\",kind=\"xls\"} 1\n",
				"\n- uploads_total{by=\"a\\\"b\",kind=\"csv\"} 3\n", "\n+ uploads_total{by=\"a\\\"b\",kind=\"csv\"} 2\n",
			},
		},
		"a series too few": {
			want:  `uploads_total{by="",kind="xls"} 1`,
			fails: []string{"+ uploads_total{by=\"a\\\"b\",kind=\"csv\"} 2"},
		},
		"a series too many": {
			want: `
				uploads_total{by="",kind="xls"} 1
				uploads_total{by="",kind="pdf"} 1
				uploads_total{by="a\"b",kind="csv"} 2
			`,
			fails: []string{"- uploads_total{by=\"\",kind=\"pdf\"} 1"},
		},
		"a family that is not there": {want: `downloads_total 1`, fails: []string{"- downloads_total 1"}},
		"a family that is there":     {names: []string{"uploads_total"}, fails: []string{"+ uploads_total{by=\"\",kind=\"xls\"} 1"}},
		"another help": {
			want:  "# HELP upload_seconds Time.\nupload_seconds_sum 5.5\nupload_seconds_count 2",
			fails: []string{"- # HELP upload_seconds Time.\n", "+ # HELP upload_seconds Time of an upload.\n"},
		},
		"another type": {
			want:  "# TYPE uploads_total gauge\nuploads_total{by=\"\",kind=\"xls\"} 1",
			fails: []string{"- # TYPE uploads_total gauge\n", "+ # TYPE uploads_total counter\n"},
		},
		"another bucket": {
			want: `
				upload_seconds_bucket{le="1"} 1
				upload_seconds_bucket{le="20"} 2
				upload_seconds_bucket{le="+Inf"} 2
				upload_seconds_sum 5.5
				upload_seconds_count 2
			`,
			fails: []string{"- upload_seconds_bucket{le=\"20\"} 2\n", "+ upload_seconds_bucket{le=\"10\"} 2\n"},
		},
		"no exposition": {want: `uploads_total{`, fails: []string{"not an exposition"}},
		"nothing":       {fails: []string{"nothing"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failed, log := fail(t, func(t testing.TB) { monitortest.Expect(t, served(t), c.want, c.names...) })
			require.Equal(t, c.fails != nil, failed, log)
			for _, s := range c.fails {
				require.Contains(t, log, s)
			}
		})
	}
}
