package instrument_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/prometheus/common/expfmt"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
)

// awkward are label values that an exposition has to escape, or to mend.
var awkward = []string{
	``, ` `, `"`, `\`, "\n", `\n`, `\"`, `"\`, "a\"b\\c\nd", `{a="b"}`, `# HELP x y`, "\r\n\t", "\x00", "\x7f",
	"行情", "🙂", "\u2028", "\ufeff", "\xff", "a\xc3", "\xed\xa0\x80", "ok\xffok\xfe", strings.Repeat(`\"`+"\n", 200),
}

// mended is what a label value may be exposed as: valid UTF-8.
func mended(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// labelValues collects the values that a label has in an exposition.
func labelValues(r *reading, name, label string) map[string]bool {
	out := map[string]bool{}
	for _, l := range r.labels {
		if l.Get("__name__") == name {
			out[l.Get(label)] = true
		}
	}
	return out
}

// checkEscaping exposes a cell and a computed value with the label in every
// format and wants the label back from Prometheus's parsers.
func checkEscaping(t testing.TB, v string) {
	t.Helper()
	r := setup(t)
	r.group.Cell(v, v, v).Observe(&instrument.Home{}, duration, 1)
	require.NoError(t, r.set.Func(catalog.CacheHitRate, func(labels instrument.LabelMaker) instrument.Func {
		l := labels(v, v)
		return func(yield instrument.Yield) { yield(l, .5) }
	}))
	want := map[string]bool{mended(v): true}
	for contentType, text := range map[string][]byte{
		textType:  write(t, r.set, false),
		omType:    write(t, r.set, true),
		protoType: encoded(t, r.reg, expfmt.NewFormat(expfmt.TypeProtoDelim)),
	} {
		p := parsed(t, text, contentType)
		for _, label := range []string{"method", "endpoint", "status_code"} {
			require.Equal(t, want, labelValues(p, "api_request_total", label), contentType)
			require.Equal(t, want, labelValues(p, "api_request_duration_seconds_bucket", label), contentType)
			require.Equal(t, want, labelValues(p, "api_request_duration_seconds_sum", label), contentType)
		}
		require.Equal(t, want, labelValues(p, "cache_hit_rate", "cache_name"), contentType)
	}
}

func TestLabelsParseBack(t *testing.T) {
	t.Parallel()
	for _, v := range awkward {
		checkEscaping(t, v)
	}
}

// TestMendedLabelsAreOneSeries: values that become the same text are the same
// series, not two lines of one name.
func TestMendedLabelsAreOneSeries(t *testing.T) {
	t.Parallel()
	r := setup(t)
	for _, v := range []string{"a\xff", "a\xfe", "a\uFFFD"} {
		r.group.Cell("GET", v, "200").Observe(&instrument.Home{}, duration, 1)
	}
	p := parsed(t, write(t, r.set, false), textType)
	require.InDelta(t, 3, p.value(t, "{__name__=\"api_request_total\", endpoint=\"a\uFFFD\", method=\"GET\", status_code=\"200\"}"), 0)
}

// TestLabelsAreOwned: a label cut out of a buffer that is used again stays what
// it was.
func TestLabelsAreOwned(t *testing.T) {
	t.Parallel()
	r := setup(t)
	values := []string{"GET", "/a", "200"}
	c := r.group.Cell(values...)
	values[1] = "/b"
	require.Equal(t, []string{"GET", "/a", "200"}, c.Labels().Values())
	require.Same(t, c, r.group.Cell("GET", "/a", "200"))
}

func FuzzLabels(f *testing.F) {
	for _, v := range awkward {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v string) {
		require.True(t, utf8.ValidString(mended(v)))
		checkEscaping(t, v)
	})
}
