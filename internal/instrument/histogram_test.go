package instrument_test

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
)

// same feeds the values to a cell and to client_golang's histogram with the
// same bounds and wants the same counts. Scale is the exposed unit per integer
// unit; perUnit is its inverse, by which client_golang's values are made, since
// a division is rounded correctly where a product with 1e-9 is not.
func same(t testing.TB, bounds []float64, scale, perUnit float64, values []int64) {
	t.Helper()
	r := setup(t)
	g := r.set.NewGroup("x", instrument.Spec{Histograms: []instrument.HistogramSpec{{Bounds: bounds, Scale: scale}}})
	require.NoError(t, r.set.Histogram(catalog.Metric{Name: "x", Type: catalog.Histogram, Help: "x"}, g, 0))
	theirs := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "x", Help: "x", Buckets: slices.Clone(bounds)})
	c := g.Cell()
	var home instrument.Home
	for _, v := range values {
		c.Observe(&home, 0, v)
		theirs.Observe(float64(v) / perUnit)
	}
	if len(values) == 0 {
		families, err := r.reg.Gather()
		require.NoError(t, err)
		require.Empty(t, families)
		return
	}
	ours := find(t, r.reg, "x").Histogram
	var want dto.Metric
	require.NoError(t, theirs.Write(&want))
	require.Equal(t, perBucket(want.Histogram), perBucket(ours), "%v into %v", values, bounds)
	for i, b := range want.Histogram.Bucket {
		require.Equal(t, b.GetUpperBound(), ours.Bucket[i].GetUpperBound())
	}
	require.Equal(t, uint64(len(values)), ours.GetSampleCount())
	var size float64
	for _, v := range values {
		size += math.Abs(float64(v) / perUnit)
	}
	require.InDelta(t, want.Histogram.GetSampleSum(), ours.GetSampleSum(), 1e-12*size)
}

// TestHistogramsAreClientGolangs: on the bounds, a nanosecond beside them and
// in between, for every histogram of the catalogue.
func TestHistogramsAreClientGolangs(t *testing.T) {
	t.Parallel()
	for _, m := range catalog.All() {
		if m.Type != catalog.Histogram {
			continue
		}
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			scale, perUnit := 1e-9, 1e9
			if m.Unit == "By" {
				scale, perUnit = 1, 1
			}
			values := []int64{0, 1, -1, math.MaxInt64, math.MinInt64}
			for _, b := range m.Buckets {
				at := int64(math.Round(b * perUnit))
				values = append(values, at-1, at, at+1, at/3, at*7/5)
			}
			same(t, m.Buckets, scale, perUnit, values)
		})
	}
}

func TestHistogramWithoutBounds(t *testing.T) {
	t.Parallel()
	r := setup(t)
	g := r.set.NewGroup("x", instrument.Spec{Histograms: []instrument.HistogramSpec{{Scale: 1}}})
	require.NoError(t, r.set.Histogram(catalog.Metric{Name: "x", Type: catalog.Histogram, Help: "x"}, g, 0))
	g.Cell().Observe(&instrument.Home{}, 0, 5)
	p := parsed(t, write(t, r.set, false), textType)
	require.Equal(t, map[string]string{
		`{__name__="x_bucket", le="+Inf"}`: "1", `{__name__="x_count"}`: "1", `{__name__="x_sum"}`: "5",
	}, p.samples)
}

// FuzzHistogram: any durations, and those around the bounds, into any bounds up
// to the 104 days whose nanoseconds a float tells apart.
func FuzzHistogram(f *testing.F) {
	f.Add([]byte{}, []byte{})
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7}, []byte{7, 6, 5, 4, 3, 2, 1, 0})
	seconds := func(all ...float64) (out []byte) {
		for _, s := range all {
			out = binary.BigEndian.AppendUint64(out, uint64(s*1e9))
		}
		return out
	}
	f.Add(seconds(catalog.APIRequestDuration.Buckets...), seconds(.005, .0050000001, 2, 1.999999999, 30, 31, 86400))
	f.Fuzz(func(t *testing.T, rawBounds, rawValues []byte) {
		const most = 1 << 53
		var bounds []float64
		for ; len(rawBounds) >= 8 && len(bounds) < 100; rawBounds = rawBounds[8:] {
			if b := int64(binary.BigEndian.Uint64(rawBounds)) % most; b > 0 {
				bounds = append(bounds, float64(b)/1e9)
			}
		}
		slices.Sort(bounds)
		bounds = slices.Compact(bounds)
		if len(bounds) == 0 {
			bounds = []float64{1} // client_golang has bounds of its own then
		}
		var values []int64
		for ; len(rawValues) >= 8 && len(values) < 1000; rawValues = rawValues[8:] {
			values = append(values, int64(binary.BigEndian.Uint64(rawValues)))
		}
		for _, b := range bounds {
			at := int64(b * 1e9)
			values = append(values, at-1, at, at+1)
		}
		same(t, bounds, 1e-9, 1e9, values)
	})
}

// TestBoundBeyondTheRange: a bound that no integer reaches is like +Inf, and is
// found to be so at once.
func TestBoundBeyondTheRange(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		same(t, []float64{1, 9e9, 1e10, 1e300}, 1e-9, 1e9, []int64{math.MinInt64, -1, 0, 1, math.MaxInt64})
		same(t, []float64{1, 1 << 62, 1 << 63, math.MaxFloat64}, 1, 1, []int64{math.MinInt64, 0, 1, 1 << 61, math.MaxInt64})
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		require.Fail(t, "still looking for the integer below the bound")
	}
}
