package capacity_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/anomaly/capacity"
	"github.com/chronoretrace/chronomon/anomaly/trend"
)

// What goes nowhere is seldom said to grow, whatever its days depend on; what does
// is, even if every day goes on from the one before.
func TestGrowth(t *testing.T) {
	t.Parallel()
	each := 300
	if raceEnabled {
		each = 20
	}
	for name, c := range map[string]struct{ phi, slope, most float64 }{
		"noise": {most: 0.06}, "dependent": {phi: 0.6, most: 0.06}, "random walk": {phi: 1, most: 0.07}, "growth": {phi: 0, slope: 0.2},
		"dependent growth": {phi: 0.6, slope: 0.2}, "a walk that grows": {phi: 1, slope: 1},
	} {
		r := rand.New(rand.NewPCG(20, 26))
		not := 0
		for range each {
			var days [91]float64
			last := 0.0
			for d := range days {
				last = c.phi*last + r.NormFloat64()
				days[d] = 500 + c.slope*float64(d) + last
			}
			a, err := capacity.Analyse(hourly(90, func(h int) float64 {
				part := float64(h%24) / 24
				return days[h/24]*(1-part) + days[h/24+1]*part + r.NormFloat64()/10
			}), 1e6)
			require.NoError(t, err)
			if a.Growth.Direction != trend.Steady {
				not++
			}
		}
		share := float64(not) / float64(each)
		t.Logf("%s: %.1f %%", name, 100*share)
		if raceEnabled {
			continue // too few to count
		}
		if c.slope == 0 {
			require.LessOrEqual(t, share, c.most, "%s: 5 %% are due", name)
		} else {
			require.Greater(t, share, 0.9, name)
		}
	}
}
