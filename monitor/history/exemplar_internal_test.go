package history

import (
	"runtime"
	"strconv"
	"strings"
	"testing"
	"weak"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
)

// TestEvictedSeriesAreFreed: their exemplars do not keep them, but for those that
// are kept themselves.
//
//nolint:paralleltest // it collects garbage
func TestEvictedSeriesAreFreed(t *testing.T) {
	const limit, each = 10, 50
	st := newStore(limits{series: each, bytes: 1 << 30, retention: [tiers]int64{1 << 40, 1 << 40}}, counts{})
	x := newExemplars(limit)
	var all []weak.Pointer[series]
	for round := range int64(20) {
		for i := range each {
			s := st.get(labels.FromStrings("__name__", "n", "i", strconv.FormatInt(round*each+int64(i), 10)), raw, round)
			require.NotNil(t, s)
			st.append(s, 2*round, 1)
			require.NoError(t, x.add(s, 1, round, labels.Label{Name: traceLabel, Value: "a"}))
			st.append(s, 2*round+1, Stale)
			all = append(all, weak.Make(s))
		}
		st.commit(2 * round)
	}
	runtime.GC()
	runtime.GC()
	alive := 0
	for _, p := range all {
		if p.Value() != nil {
			alive++
		}
	}
	require.LessOrEqual(t, alive, each+limit)
	require.Len(t, x.list(), limit)
	runtime.KeepAlive(st)
	runtime.KeepAlive(x)
}

// TestMetadataIsBounded: by number and by size; what is known may change.
func TestMetadataIsBounded(t *testing.T) {
	t.Parallel()
	md := &metadata{families: map[string]Metadata{}}
	help := strings.Repeat("x", maxMetadataBytes/10)
	for i := range 20 {
		md.add(strconv.Itoa(i), "gauge", help)
	}
	require.Len(t, md.families, 9)
	md.add("0", "gauge", "short")
	require.Equal(t, "short", md.families["0"].Help)
	md.add("another", "gauge", help)
	require.Len(t, md.families, 10)
	md = &metadata{families: map[string]Metadata{}}
	for i := range maxMetadata + 10 {
		md.add(strconv.Itoa(i), "gauge", "")
	}
	require.Len(t, md.families, maxMetadata)
	md.add("7", "counter", "now")
	require.Equal(t, Metadata{"counter", "now"}, md.families["7"])
	other := &metadata{families: map[string]Metadata{"7": {}, "new": {}}}
	md.merge(other)
	require.Equal(t, Metadata{"counter", "now"}, md.families["7"])
	require.Len(t, md.families, maxMetadata)
}
