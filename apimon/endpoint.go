package apimon

import (
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/chronoretrace/chronomon/internal/instrument"
)

// endpoint is one value of the endpoint label with its cells at hand.
type endpoint struct {
	name   string
	table  *table
	cells  atomic.Pointer[[]statusCell] // few: grown by copying
	labels *instrument.Labels           // of the in-flight gauge; made by the first scrape
	count  int                          // scratch of a scrape, guarded by running.scrape
}

// maxCells is how many methods and statuses an endpoint has at hand; others are
// looked up.
const maxCells = 128

// statusCell is the cell of one method and status.
type statusCell struct {
	key  int
	cell *instrument.Cell
}

func (e *endpoint) cell(m method, status int) *instrument.Cell {
	key := status<<4 | int(m)
	for _, c := range *e.cells.Load() {
		if c.key == key {
			return c.cell
		}
	}
	return e.newCell(key, m, status)
}

func (e *endpoint) newCell(key int, m method, status int) *instrument.Cell {
	if status < 100 || status > 999 { // no writer of net/http's sends that
		return e.cell(m, http.StatusInternalServerError)
	}
	c := e.table.requests.Cell(m.String(), e.name, strconv.Itoa(status))
	e.table.mu.Lock()
	defer e.table.mu.Unlock()
	old := *e.cells.Load()
	if slices.ContainsFunc(old, func(c statusCell) bool { return c.key == key }) {
		return c
	}
	if len(old) >= maxCells {
		return c
	}
	all := append(slices.Clip(old), statusCell{key, c})
	e.cells.Store(&all)
	return c
}
