package anomaly_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/anomaly"
	"github.com/chronoretrace/chronomon/monitor"
)

// say returns what a detector says of values that come once a second: '!' is an
// anomaly, '.' none, and '?' not ready.
func say(d anomaly.Detector, values ...float64) string {
	var out []byte
	for i, v := range values {
		s := d.Observe(anomaly.Point{Time: start.Add(time.Duration(i) * time.Second), Value: v})
		switch {
		case !s.Ready:
			out = append(out, '?')
		case s.Anomalous():
			out = append(out, '!')
		default:
			out = append(out, '.')
		}
	}
	return string(out)
}

func TestRules(t *testing.T) {
	t.Parallel()
	nan, inf := math.NaN(), math.Inf(1)
	detector := made[anomaly.Detector](t)
	for _, c := range []struct {
		name   string
		d      anomaly.Detector
		values []float64
		want   string
	}{
		{"bounds", detector(anomaly.NewBounds(1, 3)), []float64{1, 0.9, 2, 3, 3.1, nan, 2}, ".!..!?."},
		{"one bound", detector(anomaly.NewBounds(math.Inf(-1), 3)), []float64{-1e300, 4}, ".!"},
		{"rate of change", detector(anomaly.NewRateOfChange(120, time.Minute)), []float64{5, 7, 9.1, 7.1, 4, nan, 8, 9}, "?.!.!?.."},
		{"flat line", detector(anomaly.NewFlatLine(0.5, 3*time.Second)), []float64{1, 1.5, 0.5, 1, 1.2, 2, 2, 2, 2}, "...!!...!"},
		{"missing", detector(anomaly.NewMissing(2 * time.Second)), []float64{1, nan, nan, inf, 2, 3, nan, 4}, "?..!!..."},
		{
			"all", detector(anomaly.All(detector(anomaly.NewBounds(0, 5)), detector(anomaly.NewRateOfChange(1, time.Second)))),
			[]float64{9, 9, 4, 6, 6.5},
			"?..!.",
		},
		{
			"any", detector(anomaly.Any(detector(anomaly.NewBounds(0, 5)), detector(anomaly.NewRateOfChange(1, time.Second)))),
			[]float64{9, 4, 4.5, 6, 5},
			"!!.!.",
		},
		{
			"two of three", detector(anomaly.AtLeast(2, detector(anomaly.NewBounds(0, 5)), detector(anomaly.NewBounds(0, 6)), detector(anomaly.NewBounds(0, 7)))),
			[]float64{4, 5.5, 6.5, 7.5},
			"..!!",
		},
		{"pattern", made[*anomaly.Pattern](t)(anomaly.NewPattern([]float64{0, 1, 0}, 0.9)), []float64{5, 5, 5, 90, 5, 5, -3, 5}, "??..!..."},
	} {
		require.Equal(t, c.want, say(c.d, c.values...), c.name)
	}
}

// A band says where a rule would have been kept.
func TestRulesHaveBands(t *testing.T) {
	t.Parallel()
	d := made[anomaly.Detector](t)(anomaly.NewRateOfChange(2, time.Second))
	_ = d.Observe(anomaly.Point{Time: start, Value: 10})
	s := d.Observe(anomaly.Point{Time: start.Add(3 * time.Second), Value: 17})
	require.Equal(t, anomaly.Score{Value: 1, Expected: 10, Low: 4, High: 16, Ready: true}, s)
}

func TestRulesRefuse(t *testing.T) {
	t.Parallel()
	bounds := made[anomaly.Detector](t)(anomaly.NewBounds(0, 1))
	for want, err := range map[string]error{
		"bounds 2 to 1: want low to high":                                             second(anomaly.NewBounds(2, 1)),
		"bounds NaN to 1: want low to high":                                           second(anomaly.NewBounds(math.NaN(), 1)),
		"a change of -1 in 1s: want 0 or more in a time above 0":                      second(anomaly.NewRateOfChange(-1, time.Second)),
		"a change of 1 in 0s: want 0 or more in a time above 0":                       second(anomaly.NewRateOfChange(1, 0)),
		"a flat line of NaN for 1s: want a tolerance of 0 or more and a time above 0": second(anomaly.NewFlatLine(math.NaN(), time.Second)),
		"a flat line of 0 for -1s: want a tolerance of 0 or more and a time above 0":  second(anomaly.NewFlatLine(0, -time.Second)),
		"missing for 0s: want a time above 0":                                         second(anomaly.NewMissing(0)),
		"at least 0 of 1 detectors":                                                   second(anomaly.AtLeast(0, bounds)),
		"at least 2 of 1 detectors":                                                   second(anomaly.AtLeast(2, bounds)),
		"at least 0 of 0 detectors":                                                   second(anomaly.All()),
		"detector 2 of 2 is nil":                                                      second(anomaly.Any(bounds, nil)),
		"a shape of 2 values: want 3 to 1024":                                         second(anomaly.NewPattern([]float64{1, 2}, 0.9)),
		"a correlation of 1: want above 0 and below 1":                                second(anomaly.NewPattern([]float64{1, 2, 3}, 1)),
		"value 1 of the shape is NaN":                                                 second(anomaly.NewPattern([]float64{1, math.NaN(), 3}, 0.9)),
		"a shape whose values are all the same":                                       second(anomaly.NewPattern([]float64{4, 4, 4}, 0.9)),
	} {
		require.ErrorIs(t, err, monitor.ErrInvalidOption, want)
		require.EqualError(t, err, "anomaly: invalid option: "+want)
	}
}
