package instrument_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The content types under which Prometheus's parsers are asked for.
const (
	textType  = "text/plain; version=0.0.4; charset=utf-8"
	omType    = "application/openmetrics-text; version=1.0.0; charset=utf-8"
	protoType = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
)

// requests is a group like the API middleware's, with its two families.
type requests struct {
	reg   *prometheus.Registry
	set   *instrument.Set
	group *instrument.Group
}

// Where a value stands in a cell of requests.
const (
	duration = 0 // histogram, in nanoseconds
	upgraded = 0 // counter
)

func setup(t testing.TB, change ...func(*instrument.Config)) requests {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	c := instrument.Config{Registerer: reg, Profiles: []catalog.Profile{catalog.Design}, LabelLimit: 100_000}
	for _, f := range change {
		f(&c)
	}
	set, err := instrument.Open(c)
	require.NoError(t, err)
	g := set.NewGroup(catalog.APIRequestTotal.Name, instrument.Spec{
		Labels:     catalog.APIRequestTotal.Labels,
		Histograms: []instrument.HistogramSpec{{Bounds: catalog.APIRequestDuration.Buckets, Scale: 1e-9}},
		Counters:   1,
	})
	require.NoError(t, set.Histogram(catalog.APIRequestDuration, g, duration))
	require.NoError(t, set.Count(catalog.APIRequestTotal, g, []int{duration}, []int{upgraded}))
	return requests{reg, set, g}
}

func profiles(p ...catalog.Profile) func(*instrument.Config) {
	return func(c *instrument.Config) { c.Profiles = p }
}

func labelLimit(n int) func(*instrument.Config) {
	return func(c *instrument.Config) { c.LabelLimit = n }
}

// write returns the set's text.
func write(t testing.TB, set *instrument.Set, om bool, foreign ...instrument.Block) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, set.WriteText(&b, om, foreign))
	if om {
		b.WriteString("# EOF\n")
	}
	return b.Bytes()
}

// encoded returns what client_golang writes of a registry.
func encoded(t testing.TB, reg prometheus.Gatherer, format expfmt.Format) []byte {
	t.Helper()
	families, err := reg.Gather()
	require.NoError(t, err)
	var b bytes.Buffer
	enc := expfmt.NewEncoder(&b, format)
	for _, f := range families {
		require.NoError(t, enc.Encode(f))
	}
	if c, ok := enc.(expfmt.Closer); ok {
		require.NoError(t, c.Close())
	}
	return b.Bytes()
}

// reading is an exposition as Prometheus reads it.
type reading struct {
	samples   map[string]string            // value by series, as Prometheus writes them
	labels    map[string]labels.Labels     // by series
	exemplars map[string]exemplar.Exemplar // by series
	natives   map[string]*histogram.Histogram
	types     map[string]string // by family
	help      map[string]string // by family
}

// read parses an exposition with Prometheus's own parser for the content type.
// A series that comes twice is an error.
func read(text []byte, contentType string) (*reading, error) {
	p, err := textparse.New(text, contentType, labels.NewSymbolTable(),
		textparse.ParserOptions{KeepClassicOnClassicAndNativeHistograms: true})
	if err != nil {
		return nil, err
	}
	r := &reading{
		map[string]string{},
		map[string]labels.Labels{},
		map[string]exemplar.Exemplar{},
		map[string]*histogram.Histogram{},
		map[string]string{},
		map[string]string{},
	}
	for {
		entry, err := p.Next()
		if errors.Is(err, io.EOF) {
			return r, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w in\n%s", err, text)
		}
		switch entry {
		case textparse.EntryType:
			name, typ := p.Type()
			r.types[string(name)] = string(typ)
		case textparse.EntryHelp:
			name, help := p.Help()
			r.help[string(name)] = string(help)
		case textparse.EntrySeries:
			_, at, v := p.Series()
			var l labels.Labels
			p.Labels(&l)
			if at != nil {
				return nil, fmt.Errorf("%s has a timestamp", l)
			}
			if _, dup := r.samples[l.String()]; dup {
				return nil, fmt.Errorf("%s comes twice", l)
			}
			r.labels[l.String()] = l
			r.samples[l.String()] = strconv.FormatFloat(v+0, 'g', -1, 64) // -0 is 0
			var e exemplar.Exemplar
			if p.Exemplar(&e) {
				r.exemplars[l.String()] = e
			}
		case textparse.EntryHistogram:
			_, _, h, _ := p.Histogram()
			var l labels.Labels
			p.Labels(&l)
			r.natives[l.String()] = h
		}
	}
}

func parsed(t testing.TB, text []byte, contentType string) *reading {
	t.Helper()
	r, err := read(text, contentType)
	require.NoError(t, err)
	return r
}

// requireSame wants two expositions to say the same. Sums may differ by a few
// roundings if so is said; the time of an exemplar may by a millisecond, since
// it crosses the text formats as a binary fraction.
func requireSame(t testing.TB, want, got *reading, roundedSums bool) {
	t.Helper()
	require.Equal(t, want.types, got.types)
	require.Equal(t, want.help, got.help)
	require.Equal(t, slices.Sorted(maps.Keys(want.samples)), slices.Sorted(maps.Keys(got.samples)))
	for series, v := range want.samples {
		if roundedSums && strings.Contains(series, `_sum"`) {
			w := want.value(t, series)
			require.InDelta(t, w, got.value(t, series), 1e-12*math.Abs(w), series)
			continue
		}
		require.Equal(t, v, got.samples[series], series)
	}
	require.Equal(t, slices.Sorted(maps.Keys(want.exemplars)), slices.Sorted(maps.Keys(got.exemplars)))
	for series, e := range want.exemplars {
		g := got.exemplars[series]
		require.Equal(t, e.Labels, g.Labels, series)
		require.Equal(t, e.Value, g.Value, series)
		require.Equal(t, e.HasTs, g.HasTs, series)
		require.InDelta(t, e.Ts, g.Ts, 1, series)
	}
}

// value returns the value of a series, given as Prometheus writes it.
func (r *reading) value(t testing.TB, series string) float64 {
	t.Helper()
	s, ok := r.samples[series]
	require.True(t, ok, "no %s in %v", series, r.samples)
	v, err := strconv.ParseFloat(s, 64)
	require.NoError(t, err)
	return v
}

// find returns the gathered metric of a family with those label values, given
// in the order of the labels' names.
func find(t testing.TB, reg prometheus.Gatherer, family string, values ...string) *dto.Metric {
	t.Helper()
	families, err := reg.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() != family {
			continue
		}
	metrics:
		for _, m := range f.Metric {
			for i, l := range m.Label {
				if l.GetValue() != values[i] {
					continue metrics
				}
			}
			return m
		}
	}
	require.Fail(t, "not gathered", "%s %v", family, values)
	return nil
}

// perBucket turns cumulative counts into counts per bucket, the last one +Inf's.
func perBucket(h *dto.Histogram) []uint64 {
	var out []uint64
	var before uint64
	for _, b := range h.Bucket {
		if math.IsInf(b.GetUpperBound(), 1) {
			break
		}
		out = append(out, b.GetCumulativeCount()-before)
		before = b.GetCumulativeCount()
	}
	return append(out, h.GetSampleCount()-before)
}
