package trend_test

import (
	"encoding/binary"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/anomaly/trend"
	"github.com/chronoretrace/chronomon/monitor"
)

// Whatever the points are, there is a reason or a forecast that is finite and
// inside its interval.
func FuzzAnalyse(f *testing.F) {
	f.Add([]byte("a series of a few bytes that go up and down, as text does"), uint8(3), uint16(60))
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255}, uint8(1), uint16(1))
	f.Add(binary.LittleEndian.AppendUint64(make([]byte, 72), math.Float64bits(1e308)), uint8(8), uint16(9000))
	f.Fuzz(func(t *testing.T, data []byte, width uint8, step uint16) {
		const most = 300
		var points []monitor.Point
		at := monday
		for len(data) > 8 && len(points) < most {
			v := float64(data[0])
			if width%2 == 0 { // any bits at all
				v = math.Float64frombits(binary.LittleEndian.Uint64(data))
			}
			at = at.Add(time.Duration(step) * time.Duration(1+data[0]%2*(width/128)) * time.Second)
			points = append(points, monitor.Point{Time: at, Value: v})
			data = data[1+width%8:]
		}
		got, err := trend.Analyse(points, 1+int(width))
		if err != nil {
			require.ErrorContains(t, err, "trend: ")
			return
		}
		require.Len(t, got.Forecast.Points, 1+int(width))
		for _, p := range got.Forecast.Points {
			require.False(t, math.IsNaN(p.Value) || math.IsInf(p.Value, 0) || math.IsNaN(p.Low+p.High), "%v", p)
			require.LessOrEqual(t, p.Low, p.Value)
			require.GreaterOrEqual(t, p.High, p.Value)
		}
		require.False(t, math.IsNaN(got.Trend.P) || got.Trend.P < 0 || got.Trend.P > 1)
	})
}
