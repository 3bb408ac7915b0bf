package influx

import "hash/maphash"

// recentSize is how many points are remembered at least; twice as many at most.
const recentSize = 1 << 15

var recentSeed = maphash.MakeSeed()

// recent remembers the series and times of the last points.
type recent struct{ now, before map[uint64]struct{} }

// place returns the time, or the first one after it that no recent point of the
// series has, and remembers it.
func (r *recent) place(series []byte, stamp int64) int64 {
	if len(r.now) >= recentSize || r.now == nil {
		r.before, r.now = r.now, make(map[uint64]struct{}, recentSize/8)
	}
	h := maphash.Bytes(recentSeed, series)
	for ; ; stamp++ {
		key := h ^ uint64(stamp)*0x9e3779b97f4a7c15
		_, taken := r.now[key]
		if !taken {
			_, taken = r.before[key]
		}
		if !taken {
			r.now[key] = struct{}{}
			return stamp
		}
	}
}
