package instrument_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
)

// TestReadIsGather: what is read straight from the cells is what the registry
// gathers, in the same order.
func TestReadIsGather(t *testing.T) {
	t.Parallel()
	r := setup(t, func(c *instrument.Config) { c.NativeFactor = 1.1 })
	var home instrument.Home
	at := time.Unix(1_700_000_000, 0)
	for i, e := range []string{"/c", "/a", "/b"} {
		cell := r.group.Cell("GET", e, "200")
		for n := range 5 + i {
			cell.Observe(&home, duration, int64(n)*int64(300*time.Millisecond))
		}
		cell.Exemplar(duration, int64(300*time.Millisecond), "trace"+e, at)
	}
	r.group.Cell("GET", "/silent", "200")
	require.NoError(t, r.set.Func(catalog.CacheHitRate, func(labels instrument.LabelMaker) instrument.Func {
		b, a := labels("b", "x"), labels("a", "x")
		return func(yield instrument.Yield) { yield(b, .2); yield(a, .1) }
	}))
	families, err := r.reg.Gather()
	require.NoError(t, err)
	seen := 0
	r.set.Read(func(f *instrument.Family, rows *instrument.Rows) {
		if rows.Len() == 0 {
			return // not gathered either
		}
		want := families[seen]
		seen++
		require.Equal(t, want.GetName(), f.Name())
		require.Equal(t, want.GetHelp(), f.Help())
		n := 0
		for i := range rows.Len() {
			if !rows.Shown(i) {
				require.Equal(t, "/silent", rows.Labels(i).Values()[1])
				continue
			}
			m := want.Metric[n]
			n++
			for _, p := range m.Label {
				at := slices.Index(f.LabelNames(), p.GetName())
				require.Equal(t, p.GetValue(), rows.Labels(i).Values()[at])
			}
			switch f.Type() {
			case catalog.Counter:
				require.Equal(t, m.Counter.GetValue(), rows.Value(i))
			case catalog.Gauge:
				require.Equal(t, m.Gauge.GetValue(), rows.Value(i))
			case catalog.Histogram:
				buckets, sum := rows.Histogram(i)
				require.Equal(t, m.Histogram.GetSampleSum(), sum)
				require.Equal(t, perBucket(m.Histogram), buckets)
				require.Len(t, f.Bounds(), len(buckets)-1)
				native, err := rows.Native(i)
				require.NoError(t, err)
				require.Equal(t, m.Histogram.GetPositiveDelta(), native.GetPositiveDelta())
				require.Equal(t, m.Histogram.GetSampleCount(), native.GetSampleCount())
				var traces []string
				rows.Exemplars(i, func(bucket int, trace string, v float64, when time.Time) {
					require.Equal(t, m.Histogram.Bucket[bucket].Exemplar.Label[0].GetValue(), trace)
					require.InDelta(t, .3, v, 0)
					require.Equal(t, at, when)
					traces = append(traces, trace)
				})
				require.Equal(t, []string{"trace" + rows.Labels(i).Values()[1]}, traces)
			}
		}
		require.Len(t, want.Metric, n)
	})
	require.Len(t, families, seen)
}
