package instrument

// GrowAfter is the number of collisions after which a cell grows.
const GrowAfter = growAfter

// ExemplarEvery is the least time between two exemplars of a bucket.
const ExemplarEvery = exemplarEvery

// Lanes is how many copies of its numbers a cell has.
func (c *Cell) Lanes() int {
	more := c.more.Load()
	if more == nil {
		return 1
	}
	n := 1
	for i := range *more {
		if (*more)[i].Load() != nil {
			n++
		}
	}
	return n
}

// Grown reports whether the cell has a table of lanes.
func (c *Cell) Grown() bool { return c.more.Load() != nil }

// Collisions is how many collisions of writers were counted before growing.
func (c *Cell) Collisions() int { return int(c.collisions.Load()) }

// Lane is the lane the writer prefers.
func (h *Home) Lane() int { return int(h.lane) }
