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
		parts, partsErr := trend.Decompose(points)
		require.Equal(t, err == nil, partsErr == nil)
		if err != nil {
			require.ErrorContains(t, err, "trend: ")
			return
		}
		checkAnalysis(t, got, 1+int(width))
		checkParts(t, parts)
	})
}

// Whatever the options are, there is a reason or a forecast.
func FuzzOptions(f *testing.F) {
	f.Add(uint32(30), 0.95, math.Inf(-1), math.Inf(1), int64(0), int64(24*time.Hour), 0., int64(time.Hour), int64(time.Hour), uint32(0xffffff))
	f.Add(uint32(3), 0.5, 0., 1., int64(time.Minute), int64(7*time.Hour), 2., int64(200*time.Hour), int64(math.MaxInt64), uint32(0x00ff00))
	f.Add(uint32(99_999), 1e-9, -1e300, -1e-300, int64(3*time.Hour), int64(1), 1e300, int64(-time.Hour), int64(24*time.Hour), uint32(1))
	points := series(200, time.Hour, func(i int) float64 { return daily(i) + float64(i*i%7) })
	f.Fuzz(func(t *testing.T, horizon uint32, level, low, high float64, step, season int64, factor float64, from, length int64, open uint32) {
		opts := []trend.Option{
			trend.WithLevel(level), trend.WithBounds(low, high), trend.WithStep(time.Duration(step)), trend.WithSeasons(time.Duration(season)),
			trend.WithEvents(trend.Event{Name: "e", From: monday.Add(time.Duration(from)), To: monday.Add(time.Duration(from)).Add(time.Duration(length)), Factor: factor}),
		}
		if open != 0xffffff { // the hours of a day, by bits
			opts = append(opts, trend.WithCalendar(hours{time.UTC, func(t time.Time) bool { return open>>t.Hour()&1 == 1 }}))
		}
		h := int(horizon % 2000)
		got, err := trend.Predict(points, h, opts...)
		if err != nil {
			require.ErrorContains(t, err, "trend: ")
			return
		}
		checkForecast(t, got, h)
	})
}
