package capacity_test

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/anomaly/capacity"
	"github.com/chronoretrace/chronomon/monitor"
)

// Whatever the points and the limit are, there is a reason or a plan whose numbers
// are finite and in order.
func FuzzAnalyse(f *testing.F) {
	f.Add([]byte("usage of some days that goes up and down, as text does, and goes on for weeks"), uint8(3), uint16(24), 100.0, uint8(90))
	f.Add([]byte(strings.Repeat("aabcdeffghij", 12)), uint8(1), uint16(6), 110.0, uint8(30))
	f.Add([]byte(strings.Repeat("0", 60)), uint8(1), uint16(24), 0.0, uint8(1))
	f.Add([]byte(strings.Repeat("0000000z", 40)), uint8(1), uint16(24), math.Inf(1), uint8(7))
	f.Add(binary.LittleEndian.AppendUint64([]byte(strings.Repeat("8bytes+ ", 30)), math.Float64bits(1e308)), uint8(8), uint16(24), -1e308, uint8(90))
	f.Fuzz(func(t *testing.T, data []byte, width uint8, hours uint16, limit float64, days uint8) {
		const most = 90
		var points []monitor.Point
		at := start
		for len(data) > 8 && len(points) < most {
			v := float64(data[0])
			if width%2 == 0 { // any bits at all
				v = math.Float64frombits(binary.LittleEndian.Uint64(data))
			}
			at = at.Add(time.Duration(hours) * time.Duration(1+data[0]%2*(width/128)) * time.Hour)
			if data[0] == 'b' && width > 200 { // back in time
				at = at.Add(-3 * time.Duration(hours) * time.Hour)
			}
			points = append(points, monitor.Point{Time: at, Value: v})
			data = data[1+width%8:]
		}
		a, err := capacity.Analyse(points, limit, capacity.WithHorizon(time.Duration(1+days%32)*24*time.Hour), capacity.WithInstances(1))
		if err != nil {
			require.ErrorContains(t, err, "capacity: resource: ")
			return
		}
		sound(t, a)
	})
}

// sound requires a plan to be one: finite numbers in their order, a row, a report
// and a picture.
func sound(t *testing.T, a capacity.Analysis) {
	t.Helper()
	finite := func(what string, values ...float64) {
		for i, v := range values {
			require.False(t, math.IsNaN(v) || math.IsInf(v, 0), "%s is %v", what, values)
			if i > 0 {
				require.LessOrEqual(t, values[i-1], v, "%s is %v", what, values)
			}
		}
	}
	finite("usage", a.Usage.P50, a.Usage.P95, a.Usage.Peak)
	if r := a.Usage.Recent; r != nil {
		finite("recent usage", 0, r.P50, r.P90, r.P95)
	}
	finite("growth", a.Growth.Low, a.Growth.PerDay, a.Growth.High)
	finite("its chance", 0, a.Growth.P, 1)
	before := a.From
	for _, d := range a.Demand {
		finite("demand", d.Low95, d.Low80, d.P50, d.High80, d.High95)
		require.True(t, d.Time.After(before))
		before = d.Time
	}
	last := a.From
	for _, d := range []capacity.Date{a.Limit.P10, a.Limit.P50, a.Limit.P90} {
		if !d.Within {
			require.Zero(t, d.Time)
			last = before.Add(1)
			continue
		}
		require.False(t, d.Time.Before(last), "%+v", a.Limit)
		last = d.Time
	}
	chance := 0.0
	for _, c := range a.Limit.Within {
		finite("chance", chance, c.Probability, 1)
		chance = c.Probability
	}
	if a.Limit.Reached {
		require.Equal(t, a.From, a.Limit.P90.Time)
	}
	finite("size", a.Recommendation.Demand)
	finite("size", a.Recommendation.Size)
	c := a.Confidence
	for _, v := range []float64{c.Score, c.History.Score, c.Accuracy.Score, c.Calibration.Score, c.Stability.Score} {
		finite("confidence", 0, v, 1)
	}
	_, err := a.Row(start)
	require.NoError(t, err)
	var text strings.Builder
	require.NoError(t, a.WriteText(&text))
	require.NotContains(t, text.String(), "NaN")
	wellFormed(t, a)
}
