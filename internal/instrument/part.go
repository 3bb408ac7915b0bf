package instrument

import "sync"

// A Part is a share of a cell that is counted under a lock of its own, which
// may guard its owner's numbers too: one lock instead of two. What it counts
// shows in the cell. It is for what is many within a cell, so that its one lock
// is seldom fought for.
type Part struct {
	cell   *Cell
	lane   lane
	closed bool // guarded by lane.mu
	at     int  // in the cell's list; guarded by its mu
}

// parts are those of one cell.
type parts struct {
	mu   sync.Mutex
	list []*Part // guarded by mu
}

// Part returns a new part of the cell, which is open.
func (c *Cell) Part() *Part {
	p := &Part{cell: c, closed: true}
	p.lane.v = make([]uint64, c.group.layout.width)
	if c.parts.Load() == nil {
		c.parts.CompareAndSwap(nil, &parts{})
	}
	p.Open()
	return p
}

// Begin locks the part for a few writes; End releases it. It reports whether
// the part is open: what is written to a closed one shows when it is opened.
func (p *Part) Begin() (b Batch, open bool) {
	p.lane.mu.Lock()
	return Batch{p.cell, &p.lane}, !p.closed
}

// Open makes the cell show what the part counts from now on.
func (p *Part) Open() {
	all := p.cell.parts.Load()
	all.mu.Lock()
	defer all.mu.Unlock()
	p.lane.mu.Lock()
	defer p.lane.mu.Unlock()
	if p.closed {
		p.closed = false
		p.at = len(all.list)
		all.list = append(all.list, p)
	}
}

// Close hands what was counted over to the cell.
func (p *Part) Close() {
	all := p.cell.parts.Load()
	all.mu.Lock() // no reader meanwhile: one would see the numbers twice or not at all
	defer all.mu.Unlock()
	p.lane.mu.Lock()
	defer p.lane.mu.Unlock()
	if p.closed {
		return
	}
	p.closed = true
	last := len(all.list) - 1
	moved := all.list[last]
	all.list[p.at], moved.at = moved, p.at
	all.list[last] = nil
	all.list = all.list[:last]

	first := &p.cell.first
	first.mu.Lock()
	defer first.mu.Unlock()
	p.cell.group.layout.add(first.v, p.lane.v)
	clear(p.lane.v)
}
