package series

import "math"

// CUSUM watches values, one at a time, for a shift of their mean in either
// direction (Page, 1954). The zero values of Slack and Limit stand for 0.5 and 5:
// a shift of one standard deviation is seen after about 10 values, and without
// one there is an alarm in about 465. It is not safe for concurrent use.
type CUSUM struct {
	Mean, Deviation float64 // of the values as they should be
	Slack, Limit    float64 // in standard deviations

	up, down float64
}

// Observe takes the next value and reports 1 if the mean has risen, -1 if it has
// fallen, otherwise 0. After an alarm it begins anew. Values that are not finite
// are passed over; those that differ from a mean that has no deviation alarm.
func (c *CUSUM) Observe(v float64) int {
	z := v - c.Mean
	if c.Deviation > 0 {
		z /= c.Deviation
	} else if z != 0 {
		z *= math.Inf(1)
	}
	if math.IsNaN(z) || math.IsInf(v, 0) {
		return 0
	}
	slack, limit := c.Slack, c.Limit
	if slack == 0 {
		slack = 0.5
	}
	if limit == 0 {
		limit = 5
	}
	c.up = max(0, c.up+z-slack)
	c.down = max(0, c.down-z-slack)
	switch {
	case c.up > limit:
		c.up, c.down = 0, 0
		return 1
	case c.down > limit:
		c.up, c.down = 0, 0
		return -1
	}
	return 0
}
