package correlation_test

import (
	"encoding/binary"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/anomaly/correlation"
	"github.com/chronoretrace/chronomon/monitor"
)

// Whatever the points are, there is a reason or numbers that are what they say.
func FuzzCoMoving(f *testing.F) {
	f.Add([]byte("a series of some bytes that go up and down, as text does, and another one that does"), uint8(1), uint16(60), uint8(3))
	f.Add(make([]byte, 100), uint8(1), uint16(1), uint8(0))
	f.Add(binary.LittleEndian.AppendUint64([]byte("8bytes+ 8bytes- 8bytes+ 8bytes* 8bytes+ "), math.Float64bits(1e308)), uint8(0), uint16(3600), uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, width uint8, seconds uint16, lag uint8) {
		const most = 120
		step := time.Duration(seconds) * time.Second
		var both [2][]monitor.Point
		for i := 0; len(data) > 8 && i < most; i++ {
			v := float64(data[0])
			if width%2 == 0 { // any bits at all
				v = math.Float64frombits(binary.LittleEndian.Uint64(data))
			}
			both[data[0]%2] = append(both[data[0]%2], monitor.Point{Time: start.Add(time.Duration(i) * step), Value: v})
			data = data[1+width%8:]
		}
		res, err := correlation.CoMoving(both[0], []monitor.Series{named("y", both[1]), named("x", both[0])}, monitor.Range{},
			correlation.WithLag(time.Duration(lag)*step/2), correlation.WithRate(1))
		if err != nil {
			require.ErrorContains(t, err, "correlation: ")
			return
		}
		require.Equal(t, 2, res.Judged+len(res.Skipped))
		require.Len(t, res.Relations, res.Judged)
		for _, rel := range res.Relations {
			require.LessOrEqual(t, rel.Lag.Abs(), res.Lag)
			for _, v := range []float64{rel.R * rel.R, rel.Raw * rel.Raw, rel.P, rel.Q} {
				require.True(t, v >= 0 && v <= 1+1e-12, "%+v", rel)
			}
		}
		for _, s := range res.Skipped {
			require.ErrorContains(t, s.Err, "correlation: ")
		}
	})
}
