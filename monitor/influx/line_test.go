package influx_test

import (
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	lp "github.com/influxdata/line-protocol"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/influx"
	"github.com/chronoretrace/chronomon/monitor/monitortest"
)

// points writes the events through a sink and reads the lines with InfluxData's
// own parser.
func points(t testing.TB, events []monitor.Event, opts ...influx.Option) []lp.Metric {
	t.Helper()
	s := newStandIn(t)
	require.NoError(t, s.sink(t, opts...).Write(t.Context(), events))
	var out []lp.Metric
	for _, line := range s.lines {
		m, err := lp.NewParser(lp.NewMetricHandler()).Parse([]byte(line + "\n"))
		require.NoError(t, err, line)
		require.Len(t, m, 1, line)
		out = append(out, m...)
	}
	return out
}

func tagsOf(m lp.Metric) map[string]string {
	out := map[string]string{}
	for _, tag := range m.TagList() {
		out[tag.Key] = tag.Value
	}
	return out
}

func fieldsOf(m lp.Metric) map[string]any {
	out := map[string]any{}
	for _, f := range m.FieldList() {
		out[f.Key] = f.Value
	}
	return out
}

func TestPoint(t *testing.T) {
	t.Parallel()
	e := monitor.Event{
		Time: time.Unix(1_700_000_000, 7), Kind: monitor.KindRequest, Name: "GET /a b,c=d", Duration: 1500 * time.Millisecond,
		Failed: true, TraceID: "t1", User: "u1",
	}
	e.Add(
		slog.String("source", "sse"), slog.Int("status", 500), slog.Uint64("big", math.MaxUint64), slog.Bool("b", true),
		slog.Duration("wait", time.Second/2), slog.Float64("nan", math.NaN()), slog.String("text", "a \"b\"\\c\nd"),
		slog.Group("g", "x", 1, slog.Group("h", "y", "z")), slog.String("time", "x"), slog.String("user", "y"), slog.String("_field", "z"),
		slog.Int("status", 1), slog.String("", "none"),
	)
	got := points(t, []monitor.Event{e}, influx.WithTags("source", "absent"), influx.WithStaticTag("host", "h 1"))[0]
	require.Equal(t, "request", got.Name())
	require.True(t, e.Time.Equal(got.Time()))
	require.Equal(t, map[string]string{"failed": "true", "host": "h 1", "name": "GET /a b,c=d", "source": "sse"}, tagsOf(got))
	require.Equal(t, map[string]any{
		"duration_seconds": 1.5, "slow": false, "trace_id": "t1", "user": "u1", "status": 500.0, "big": float64(math.MaxUint64), "b": true,
		"wait": .5, "text": "a \"b\"\\c\\nd", "g.x": 1.0, "g.h.y": "z", "attr_time": "x", "attr_user": "y", "attr__field": "z",
		"attr_": "none",
	}, fieldsOf(got))

	got = points(t, []monitor.Event{e}, influx.WithNumbersOnly())[0]
	require.Equal(t, map[string]any{
		"duration_seconds": 1.5, "slow": false, "status": 500.0, "big": float64(math.MaxUint64), "b": true, "wait": .5, "g.x": 1.0,
	}, fieldsOf(got))
}

// A point is bounded in its attributes, their names, their texts and their groups.
func TestBounds(t *testing.T) {
	t.Parallel()
	e := batch(1)[0]
	deep := slog.Int("deep", 1)
	for range 20 {
		deep = slog.Group("g", deep)
	}
	e.Add(slog.String("text", strings.Repeat("é", 20<<10)), slog.Int(strings.Repeat("k", 257), 1), slog.Int(strings.Repeat("k", 256), 1), deep)
	for i := range 200 {
		e.Add(slog.Int(fmt.Sprint("a", i), i))
	}
	got := fieldsOf(points(t, []monitor.Event{e})[0])
	require.Len(t, got, 2+128, "duration_seconds and slow have their place")
	require.Equal(t, strings.Repeat("é", 16<<10), got["text"])
	require.Contains(t, got, strings.Repeat("k", 256))
	require.NotContains(t, got, strings.Repeat("k", 257))
	require.Contains(t, got, strings.Repeat("g.", 8)+"g")
}

// A tag has as many values as it may; the rest is counted and kept as text.
func TestTagLimit(t *testing.T) {
	t.Parallel()
	s := newStandIn(t)
	sink := s.sink(t, influx.WithTagLimit(10), influx.WithTags("symbol"))
	m := monitortest.New(t)
	require.NoError(t, sink.Watch(m))
	events := batch(30)
	for i := range events {
		events[i].Name = fmt.Sprint("n", i)
		events[i].Add(slog.String("symbol", strings.Repeat("s", 300)))
	}
	require.NoError(t, sink.Write(t.Context(), events))
	require.Contains(t, s.lines[9], "name=n9,symbol=other ")
	require.Contains(t, s.lines[9], `,symbol_text="sss`)
	require.Contains(t, s.lines[10], ",name=other,")
	require.Contains(t, s.lines[10], `,name_text="n10"`)
	monitortest.Expect(t, m, `
		# HELP monitor_label_overflow_total Uses of a label value past the label's limit, counted as "other".
		# TYPE monitor_label_overflow_total counter
		monitor_label_overflow_total{label="name",metric="influx"} 20
		monitor_label_overflow_total{label="symbol",metric="influx"} 30
	`, "monitor_label_overflow_total")
}

// Events that coincide are points of their own, and the same ones when they are
// sent again.
func TestCoincidence(t *testing.T) {
	t.Parallel()
	s := newStandIn(t)
	var first []string
	s.answer = func(lines []string) (int, string, string) {
		if first == nil {
			first = lines
			return 500, "internal error", ""
		}
		return 0, "", ""
	}
	sink := s.sink(t)
	one := batch(1)[0]
	require.Error(t, sink.Write(t.Context(), []monitor.Event{one, one, one}))
	require.NoError(t, sink.Write(t.Context(), []monitor.Event{one, one, one, one}))
	require.Equal(t, first, s.lines[:3])
	for i, line := range s.lines {
		require.True(t, strings.HasSuffix(line, fmt.Sprint(" ", 1_700_000_000_000_000_000+i)), line)
	}
	other := one
	other.Name = "another series"
	require.NoError(t, sink.Write(t.Context(), []monitor.Event{other}))
	require.True(t, strings.HasSuffix(s.lines[4], " 1700000000000000000"))
}

// An event that InfluxDB has no time for is counted, and costs no other.
func TestTimes(t *testing.T) {
	t.Parallel()
	s := newStandIn(t)
	sink := s.sink(t)
	bad := monitor.Event{Time: time.Date(1500, 1, 1, 0, 0, 0, 0, time.UTC), Kind: monitor.KindMark}
	late := bad
	late.Time = time.Date(2263, 1, 1, 0, 0, 0, 0, time.UTC)
	require.NoError(t, sink.Write(t.Context(), append(batch(1), bad, late)))
	require.Len(t, s.lines, 1)
	require.Error(t, sink.Write(t.Context(), []monitor.Event{bad}))
	require.NoError(t, sink.Write(t.Context(), nil))
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for name, opt := range map[string]influx.Option{
		"WithName":            influx.WithName(""),
		"WithHTTPClient":      influx.WithHTTPClient(nil),
		"WithTagLimit":        influx.WithTagLimit(0),
		"WithStaticTag":       influx.WithStaticTag("time", "x"),
		"WithStaticTag host":  influx.WithStaticTag("host", ""),
		"WithTags":            influx.WithTags("failed"),
		"WithSpill directory": influx.WithSpill("", 1<<20),
		"WithSpill bytes":     influx.WithSpill(t.TempDir(), 1),
		"WithSpillAge":        influx.WithSpillAge(-1),
	} {
		_, err := influx.New("http://127.0.0.1:1", "b", opt)
		require.ErrorIs(t, err, monitor.ErrInvalidOption, name)
		require.ErrorContains(t, err, name+" =")
	}
	_, err := influx.New("127.0.0.1:8086", "")
	require.ErrorContains(t, err, "New URL")
	require.ErrorContains(t, err, "New bucket")
	dir := t.TempDir()
	s := newSink(t, "http://127.0.0.1:1", "b", influx.WithSpill(dir, 1<<20))
	_, err = influx.New("http://127.0.0.1:1", "b", influx.WithSpill(dir, 1<<20))
	require.Error(t, err)
	require.ErrorIs(t, s.Watch(nil), monitor.ErrInvalidOption)
	_, err = s.FluxTask(influx.Downsampling{})
	require.ErrorIs(t, err, monitor.ErrInvalidOption)
	_, err = s.ContinuousQueries(influx.Downsampling{Into: "x", Every: time.Millisecond})
	require.ErrorIs(t, err, monitor.ErrInvalidOption)
}

// FuzzLine makes events of anything: InfluxData's parser reads one point back.
func FuzzLine(f *testing.F) {
	f.Add("name", "key", "value", 1.5, int64(0))
	f.Add(`a\`, `b\`, `c\`, math.Inf(1), int64(math.MaxInt64))
	f.Add("a,b=c d\n", "x y,=\"", "\"\\\r\n\x00\xff", math.NaN(), int64(-1))
	s := newStandIn(f)
	sink := s.sink(f, influx.WithTags("tag"))
	f.Fuzz(func(t *testing.T, name, key, value string, number float64, at int64) {
		e := monitor.Event{Time: time.Unix(0, at), Kind: monitor.KindUser, Name: name}
		e.Add(slog.String(key, value), slog.Float64(key+"2", number), slog.String("tag", value), slog.String("after", "x"))
		s.lines = nil
		if err := sink.Write(t.Context(), []monitor.Event{e}); err != nil {
			require.ErrorContains(t, err, "1677")
			return
		}
		require.Len(t, s.lines, 1)
		m, err := lp.NewParser(lp.NewMetricHandler()).Parse([]byte(s.lines[0] + "\n"))
		require.NoError(t, err, s.lines[0])
		require.Len(t, m, 1)
		require.Equal(t, "user", m[0].Name())
		if key != "after" && key+"2" != "after" {
			require.Equal(t, "x", fieldsOf(m[0])["after"], s.lines[0])
		}
	})
}
