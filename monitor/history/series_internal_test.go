package history

import (
	"math/rand/v2"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
)

// BenchmarkAppendSample is one sample for each of 10,000 series that are at hand,
// as a collection appends them.
func BenchmarkAppendSample(b *testing.B) {
	const n = 10_000
	st := newStore(limits{series: n, bytes: 1 << 40, retention: [tiers]int64{1 << 40, 1 << 40}}, counts{})
	rng := rand.New(rand.NewPCG(1, 1))
	all, values, grow := make([]*series, n), make([]float64, n), make([]float64, 1<<12)
	for i := range all {
		builder := labels.NewScratchBuilder(1)
		builder.Add("n", string(rune('a'+i)))
		all[i] = st.get(builder.Labels(), raw, 0)
	}
	for i := range grow {
		grow[i] = float64(rng.IntN(10))
	}
	var t int64
	b.ReportAllocs()
	for b.Loop() {
		t += 1000
		for i, s := range all {
			values[i] += grow[(i+int(t/1000))%len(grow)]
			st.append(s, t, values[i])
		}
		st.commit(t)
		if t%600_000 == 0 { // ten minutes are kept
			b.StopTimer()
			for _, s := range all {
				s.trim(t-600_000, &st.total)
			}
			b.StartTimer()
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/sample")
}
