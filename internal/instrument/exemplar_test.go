package instrument_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/instrument"
)

// exemplarOf returns the exemplar of /a's bucket.
func exemplarOf(t testing.TB, r requests, le string) exemplar.Exemplar {
	t.Helper()
	p := parsed(t, write(t, r.set, true), omType)
	e, ok := p.exemplars[`{__name__="api_request_duration_seconds_bucket", endpoint="/a", le="`+le+`", method="GET", status_code="200"}`]
	require.True(t, ok, "no exemplar in le=%s: %v", le, p.exemplars)
	return e
}

func TestExemplarIsKeptForASecond(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.group.Cell("GET", "/a", "200")
	at := time.UnixMilli(1_700_000_000_000)
	offer := func(v time.Duration, trace string, at time.Time) {
		c.Observe(&instrument.Home{}, duration, int64(v))
		c.Exemplar(duration, int64(v), trace, at)
	}
	offer(3*time.Millisecond, "first", at)
	offer(4*time.Millisecond, "too soon", at.Add(instrument.ExemplarEvery-1))
	offer(time.Minute, "another bucket", at)
	e := exemplarOf(t, r, "0.005")
	require.Equal(t, "first", e.Labels.Get("trace_id"))
	require.InDelta(t, .003, e.Value, 0)
	require.True(t, e.HasTs)
	require.InDelta(t, at.UnixMilli(), e.Ts, 1)
	require.Equal(t, "another bucket", exemplarOf(t, r, "+Inf").Labels.Get("trace_id"))

	offer(5*time.Millisecond, "second", at.Add(instrument.ExemplarEvery))
	e = exemplarOf(t, r, "0.005")
	require.Equal(t, "second", e.Labels.Get("trace_id"))
	require.InDelta(t, .005, e.Value, 0)
}

// TestExemplarsRace: writers and scrapes at once; an exemplar is always whole.
func TestExemplarsRace(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.group.Cell("GET", "/a", "200")
	c.Observe(&instrument.Home{}, duration, 0)
	at := time.Unix(1_700_000_000, 0)
	c.Exemplar(duration, 0, "0", at)
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			var home instrument.Home
			for i := range 2000 {
				c.Observe(&home, duration, int64(w))
				c.Exemplar(duration, int64(w), strings.Repeat(string(rune('0'+w)), 1+w), at.Add(time.Duration(i)*time.Second))
			}
		})
	}
	for range 50 {
		e := exemplarOf(t, r, "0.005")
		w := e.Labels.Get("trace_id")
		require.Equal(t, strings.Repeat(w[:1], len(w)), w)
		require.InDelta(t, float64(w[0]-'0')*1e-9, e.Value, 1e-18, "the value is that of the trace")
	}
	writers.Wait()
}

var escaper = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// TestAwkwardTraceIDs: a trace id comes from the host. Whatever it is, the
// scrape has to stay readable for Prometheus in every format; an id that
// cannot be shown may be left out.
func TestAwkwardTraceIDs(t *testing.T) {
	t.Parallel()
	for _, id := range append([]string{strings.Repeat("f", 121), strings.Repeat("f", 5000)}, awkward...) {
		r := setup(t)
		c := r.group.Cell("GET", "/a", "200")
		c.Observe(&instrument.Home{}, duration, 1)
		c.Exemplar(duration, 1, id, time.Unix(1_700_000_000, 0))
		om := write(t, r.set, true)
		p, err := read(om, omType)
		require.NoError(t, err, "%.40q", id)
		for _, e := range p.exemplars {
			// Prometheus's parser leaves an exemplar's labels escaped.
			require.Contains(t, []string{id, escaper.Replace(id), mended(id)}, e.Labels.Get("trace_id"))
			// OpenMetrics 1.0, "Exemplars": "The combined length of the label names and
			// values of an Exemplar's LabelSet MUST NOT exceed 128 UTF-8 character code points."
			require.LessOrEqual(t, len([]rune("trace_id"+e.Labels.Get("trace_id"))), 128)
		}
		families, err := r.reg.Gather()
		require.NoError(t, err)
		for _, format := range []expfmt.FormatType{expfmt.TypeProtoDelim, expfmt.TypeTextPlain, expfmt.TypeOpenMetrics} {
			enc := expfmt.NewEncoder(new(strings.Builder), expfmt.NewFormat(format))
			for _, f := range families {
				require.NoError(t, enc.Encode(f), "%.40q", id)
			}
		}
	}
}
