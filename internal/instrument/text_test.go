package instrument_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
)

// everything fills a set in which every kind of family, label and number
// occurs; what is left to chance depends on the seed.
func everything(t testing.TB, seed uint64, change ...func(*instrument.Config)) requests {
	t.Helper()
	r := setup(t, change...)
	set := r.set
	rng := rand.New(rand.NewPCG(seed, 2))
	var home instrument.Home
	at := time.Date(2026, 3, 4, 5, 6, 7, 89_000_000, time.UTC)
	for i := range 40 {
		c := r.group.Cell("GET", fmt.Sprintf("/stocks/%d", i), strconv.Itoa(200+i%7))
		for range i {
			v := rng.Int64N(1 << (1 + rng.IntN(36)))
			c.Observe(&home, duration, v)
			if i%3 == 0 {
				c.Exemplar(duration, v, fmt.Sprintf("%032x", rng.Uint64()), at.Add(time.Duration(i)*time.Millisecond))
			}
		}
		c.Add(&home, upgraded, uint64(i%2))
	}
	for _, v := range awkward {
		r.group.Cell("PUT", v, awkward[rng.IntN(len(awkward))]).Observe(&home, duration, rng.Int64())
	}
	for _, v := range []int64{0, -5, math.MaxInt64, math.MinInt64, 1} {
		r.group.Cell("POST", "/edge", "500").Observe(&home, duration, v)
	}
	// The bound itself belongs to the bucket.
	for _, b := range catalog.APIRequestDuration.Buckets {
		r.group.Cell("POST", "/bounds", "200").Observe(&home, duration, int64(b*1e9+.5))
	}

	sizes := set.NewGroup(catalog.APIRequestSize.Name, instrument.Spec{
		Labels:     catalog.APIRequestSize.Labels,
		Histograms: []instrument.HistogramSpec{{Bounds: catalog.APIRequestSize.Buckets, Scale: 1}, {Bounds: catalog.APIResponseSize.Buckets, Scale: 1}},
	})
	require.NoError(t, set.Histogram(catalog.APIRequestSize, sizes, 0))
	require.NoError(t, set.Histogram(catalog.APIResponseSize, sizes, 1))
	sizes.Cell("GET", "/a", "200").Observe(&home, 0, 1<<53+1)
	sizes.Cell("GET", "/a", "200").Observe(&home, 1, 12345)
	sizes.Cell("GET", "/b", "200").Observe(&home, 1, 0) // no request size was seen

	for _, m := range []catalog.Metric{catalog.Deployments, catalog.ChangeMarkers, catalog.MonitorEdgeOverflow} {
		g, err := set.Counters(m)
		require.NoError(t, err)
		values := slices.Repeat([]string{"x"}, len(m.Labels))
		g.Cell(values...).Add(&home, 0, 1<<60+1)
	}
	numbers := []float64{
		0, math.Copysign(0, -1), 1, -1, .5, -.25, 1e-9, 1e15, 1e16, 1 << 53, -(1 << 53), 1<<53 + 2, 1e300, 5e-324,
		math.MaxFloat64, math.Inf(1), math.Inf(-1), math.NaN(), math.Pi, 1.0 / 3,
	}
	require.NoError(t, set.Func(catalog.CacheHitRate, func(labels instrument.LabelMaker) instrument.Func {
		var all []*instrument.Labels
		for i := range numbers {
			all = append(all, labels("redis", strconv.Itoa(i)))
		}
		return func(yield instrument.Yield) {
			for i, l := range slices.Backward(all) {
				yield(l, numbers[i])
			}
		}
	}))
	require.NoError(t, set.Func(catalog.DBConnectionPoolUsage, func(instrument.LabelMaker) instrument.Func {
		return func(instrument.Yield) {} // a family without series
	}))
	require.NoError(t, set.Func(catalog.BacktestJobsRunning, func(labels instrument.LabelMaker) instrument.Func {
		l := labels()
		return func(yield instrument.Yield) { yield(l, 3) }
	}))
	return r
}

var variants = map[string][]func(*instrument.Config){
	"design":        nil,
	"chronoretrace": {profiles(catalog.ChronoRetrace)},
	"otel":          {profiles(catalog.OTel)},
	"all":           {profiles(catalog.Profiles()...)},
	"Chinese":       {func(c *instrument.Config) { c.Chinese = true }},
	"few labels":    {labelLimit(3)},
	"native":        {func(c *instrument.Config) { c.NativeFactor = 1.1 }},
}

// TestTextEqualsGathering: what is written directly is, to Prometheus's
// parsers, what client_golang makes of the gathered families: sample for
// sample, exemplars, types and help texts included, in each format.
func TestTextEqualsGathering(t *testing.T) {
	t.Parallel()
	for name, change := range variants {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(2) {
				equalsGathering(t, everything(t, seed, change...), name == "native")
			}
		})
	}
}

func equalsGathering(t *testing.T, r requests, native bool) {
	t.Helper()
	text := parsed(t, write(t, r.set, false), textType)
	requireSame(t, parsed(t, encoded(t, r.reg, expfmt.NewFormat(expfmt.TypeTextPlain)), textType), text, native)

	format, err := expfmt.NewOpenMetricsFormat(expfmt.OpenMetricsVersion_1_0_0)
	require.NoError(t, err)
	om := parsed(t, write(t, r.set, true), omType)
	requireSame(t, parsed(t, encoded(t, r.reg, format), omType), om, native)
	require.NotEmpty(t, om.exemplars)

	proto := parsed(t, encoded(t, r.reg, expfmt.NewFormat(expfmt.TypeProtoDelim)), protoType)
	proto.types, proto.help = om.types, om.help // a counter's family has another name there
	requireSame(t, om, proto, native)
}

// TestTextIsOrdered by name, families of others between.
func TestTextIsOrdered(t *testing.T) {
	t.Parallel()
	r := everything(t, 1)
	var foreign []instrument.Block
	for _, name := range []string{"a", "api_request_totals", "cache", "monitor_x", "zebra"} {
		foreign = append(foreign, instrument.Block{Name: name, Text: []byte("# TYPE " + name + " gauge\n" + name + " 1\n")})
	}
	for _, om := range []bool{false, true} {
		text := string(write(t, r.set, om, foreign...))
		var names []string
		for line := range strings.Lines(text) {
			if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
				name, typ, _ := strings.Cut(rest, " ")
				if om && strings.HasPrefix(typ, "counter") {
					name += "_total"
				}
				names = append(names, name)
			}
		}
		require.True(t, slices.IsSorted(names), "%v", names)
		require.Len(t, slices.Compact(slices.Clone(names)), len(names))
		for _, b := range foreign {
			require.Contains(t, names, b.Name)
		}
	}
}

// TestFamilyWithoutSeriesIsAbsent: no HELP and TYPE of nothing.
func TestFamilyWithoutSeriesIsAbsent(t *testing.T) {
	t.Parallel()
	r := setup(t)
	require.Empty(t, write(t, r.set, false))
	require.Equal(t, "# EOF\n", string(write(t, r.set, true)))
	r.group.Cell("GET", "/ws", "101").Add(&instrument.Home{}, upgraded, 1)
	p := parsed(t, write(t, r.set, false), textType)
	require.Equal(t, map[string]string{"api_request_total": "counter"}, p.types, "a histogram that has seen nothing has no series")
}

// TestTextLine pins the bytes of a few lines: what a person reads.
func TestTextLine(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.group.Cell("GET", `/a"b`, "200")
	c.Observe(&instrument.Home{}, duration, int64(3*time.Millisecond))
	c.Exemplar(duration, int64(3*time.Millisecond), "abc", time.Unix(1700000000, 5e8))
	text := string(write(t, r.set, false))
	require.Contains(t, text, "# HELP api_request_total API requests answered, upgraded connections included.\n# TYPE api_request_total counter\n")
	require.Contains(t, text, `api_request_duration_seconds_bucket{method="GET",endpoint="/a\"b",status_code="200",le="0.005"} 1`+"\n")
	require.Contains(t, text, `api_request_duration_seconds_sum{method="GET",endpoint="/a\"b",status_code="200"} 0.003`+"\n")
	require.NotContains(t, text, "trace_id")
	om := string(write(t, r.set, true))
	require.Contains(t, om, "# TYPE api_request counter\n")
	require.Regexp(t, `,le="0\.005"\} 1 # \{trace_id="abc"\} 0\.003 1\.7000000005e\+09\n`, om)
	require.Contains(t, om, `,le="1.0"} 1`+"\n")
}

// TestComputedValuesAddUp: functions that yield the same labels are one series,
// and nothing is shown that is not yielded.
func TestComputedValuesAddUp(t *testing.T) {
	t.Parallel()
	r := setup(t)
	for i := range 3 {
		require.NoError(t, r.set.Func(catalog.APIConcurrentRequests, func(labels instrument.LabelMaker) instrument.Func {
			common, own := labels("/a"), labels(fmt.Sprint("/", i))
			return func(yield instrument.Yield) {
				yield(own, 1)
				yield(common, float64(i))
				yield(common, 10)
			}
		}))
	}
	p := parsed(t, write(t, r.set, false), textType)
	require.Equal(t, map[string]string{
		`{__name__="api_concurrent_requests", endpoint="/0"}`: "1",
		`{__name__="api_concurrent_requests", endpoint="/1"}`: "1",
		`{__name__="api_concurrent_requests", endpoint="/2"}`: "1",
		`{__name__="api_concurrent_requests", endpoint="/a"}`: "33",
	}, p.samples)
	require.Equal(t, p.samples, parsed(t, encoded(t, r.reg, expfmt.NewFormat(expfmt.TypeTextPlain)), textType).samples)
}

type failingWriter struct{ after int }

var errFull = errors.New("full")

func (w *failingWriter) Write(b []byte) (int, error) {
	if w.after -= len(b); w.after < 0 {
		return 0, errFull
	}
	return len(b), nil
}

// TestWriteTextReportsAWriterThatFails and is whole again the next time.
func TestWriteTextReportsAWriterThatFails(t *testing.T) {
	t.Parallel()
	r := setup(t)
	for i := range 300 {
		r.group.Cell("GET", fmt.Sprint("/", i), "200").Observe(&instrument.Home{}, duration, 1)
	}
	whole := write(t, r.set, false)
	require.Greater(t, len(whole), 4<<16, "several chunks")
	for _, after := range []int{0, 100_000, len(whole) - 1} {
		require.ErrorIs(t, r.set.WriteText(&failingWriter{after}, false, nil), errFull)
		require.True(t, bytes.Equal(whole, write(t, r.set, false)))
	}
}

// TestHelpIsEscaped: a help text may hold what the formats escape.
func TestHelpIsEscaped(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewPedanticRegistry()
	set, err := instrument.Open(instrument.Config{Registerer: reg, Profiles: []catalog.Profile{catalog.Design}, LabelLimit: 10})
	require.NoError(t, err)
	g, err := set.Counters(catalog.Metric{Name: "x_total", Type: catalog.Counter, Help: "a \"b\" \\c\nd"})
	require.NoError(t, err)
	g.Cell().Add(&instrument.Home{}, 0, 1)
	require.Equal(t, "a \"b\" \\c\nd", parsed(t, write(t, set, false), textType).help["x_total"])
	require.Equal(t, "a \"b\" \\c\nd", parsed(t, write(t, set, true), omType).help["x"])
}
