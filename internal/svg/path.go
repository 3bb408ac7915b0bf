package svg

import (
	"math"
	"strconv"
	"strings"
)

// place is a coordinate, to a tenth.
func place(v float64) string { return string(appendPlace(nil, v)) }

func appendPlace(b []byte, v float64) []byte {
	v = math.Round(v*10) / 10
	return strconv.AppendFloat(b, v+0, 'f', -1, 64) // +0: no -0
}

// A dot is a place of a path.
type dot struct{ x, y float64 }

// Curve is a line through places from left to right. Of those in one column of the
// picture it keeps the first, the lowest, the highest and the last, which draws the
// same pixels (M4: Jugel, Jerzak, Hackenbroich, Markl, "M4: A Visualization-Oriented
// Time Series Data Aggregation", VLDB 2014): at most four for a column, however many
// there are. The zero Curve is empty.
type Curve struct {
	path    []byte
	column  float64
	n       int // in the column
	first   dot
	low     dot
	high    dot
	last    dot
	begun   bool // the piece has a place in path
	pieces  int  // places of the piece in path
	lowSeen int  // when low and high were seen, to draw them in order
	hiSeen  int
}

// Add goes on to a place. x must not be less than before; both must be finite.
func (c *Curve) Add(x, y float64) {
	at := dot{x, y}
	if column := math.Floor(x); c.n > 0 && column != c.column {
		c.flush()
	}
	if c.n == 0 {
		c.column = math.Floor(x)
		c.first, c.low, c.high, c.lowSeen, c.hiSeen = at, at, at, 0, 0
	}
	if y < c.low.y {
		c.low, c.lowSeen = at, c.n
	}
	if y > c.high.y {
		c.high, c.hiSeen = at, c.n
	}
	c.last = at
	c.n++
}

// Gap ends a piece: the next place begins another one.
func (c *Curve) Gap() {
	c.flush()
	if c.begun && c.pieces == 1 {
		c.path = append(c.path, "h0"...) // a dot
	}
	c.begun, c.pieces = false, 0
}

// Path returns the whole, and ends the last piece.
func (c *Curve) Path() string {
	c.Gap()
	return string(c.path)
}

// flush writes the column.
func (c *Curve) flush() {
	if c.n == 0 {
		return
	}
	one, other := c.low, c.high
	if c.lowSeen > c.hiSeen {
		one, other = other, one
	}
	previous := c.first
	c.write(c.first)
	for _, d := range []dot{one, other, c.last} {
		if d != previous {
			c.write(d)
			previous = d
		}
	}
	c.n = 0
}

func (c *Curve) write(d dot) {
	command := byte('L')
	if !c.begun {
		command = 'M'
	}
	c.begun = true
	c.pieces++
	c.path = append(c.path, command)
	c.path = appendPlace(c.path, d.x)
	c.path = append(c.path, ' ')
	c.path = appendPlace(c.path, d.y)
}

// Dots are places, of which those in one column of the picture are told apart by
// Rank alone: the highest is drawn.
type Dots struct {
	path   strings.Builder
	any    bool
	column float64
	at     dot
	rank   float64
}

// Add adds a place. x must not be less than before.
func (d *Dots) Add(x, y, rank float64) {
	if column := math.Floor(x); !d.any || column != d.column {
		d.flush()
		d.any, d.column, d.rank = true, column, math.Inf(-1)
	}
	if rank > d.rank {
		d.at, d.rank = dot{x, y}, rank
	}
}

// Path returns them all, for a stroke as wide as they are to be.
func (d *Dots) Path() string {
	d.flush()
	d.any = false
	return d.path.String()
}

func (d *Dots) flush() {
	if d.any {
		d.path.WriteString("M" + place(d.at.x) + " " + place(d.at.y) + "h0")
	}
}

// Area is what lies between two lines from left to right. Of what is in one column
// of the picture it is the whole. The zero Area is empty.
type Area struct {
	path   []byte
	piece  []edge
	column float64
	n      int // in the column
	open   edge
	to     float64 // the last x of the column
}

// edge is what an area is at a place.
type edge struct{ x, one, other float64 }

// Add goes on to a place, where the area is between one and other. x must not be
// less than before; all must be finite.
func (a *Area) Add(x, one, other float64) {
	one, other = min(one, other), max(one, other)
	if column := math.Floor(x); a.n > 0 && column != a.column {
		a.flush()
	}
	if a.n == 0 {
		a.column, a.open = math.Floor(x), edge{x, one, other}
	}
	a.open.one, a.open.other, a.to = min(a.open.one, one), max(a.open.other, other), x
	a.n++
}

// Gap ends a piece.
func (a *Area) Gap() {
	a.flush()
	if len(a.piece) == 1 { // as wide as can be seen
		e := a.piece[0]
		a.piece = []edge{{e.x - .5, e.one, e.other}, {e.x + .5, e.one, e.other}}
	}
	for i, e := range a.piece {
		command := byte('L')
		if i == 0 {
			command = 'M'
		}
		a.write(command, e.x, e.other)
	}
	for i := range a.piece {
		e := a.piece[len(a.piece)-1-i]
		a.write('L', e.x, e.one)
	}
	if len(a.piece) > 0 {
		a.path = append(a.path, 'Z')
	}
	a.piece = a.piece[:0]
}

// Path returns the whole, and ends the last piece.
func (a *Area) Path() string {
	a.Gap()
	return string(a.path)
}

func (a *Area) flush() {
	if a.n == 0 {
		return
	}
	a.piece = append(a.piece, a.open)
	if a.to > a.open.x {
		a.piece = append(a.piece, edge{a.to, a.open.one, a.open.other})
	}
	a.n = 0
}

func (a *Area) write(command byte, x, y float64) {
	a.path = append(a.path, command)
	a.path = appendPlace(a.path, x)
	a.path = append(a.path, ' ')
	a.path = appendPlace(a.path, y)
}
