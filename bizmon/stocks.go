package bizmon

import (
	"strconv"
	"strings"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
)

// Stocks counts updates of stocks' data, and finds which stocks are asked for.
type Stocks struct {
	core    *core
	updates lookup[series, *instrument.Cell]
	others  lookup[string, *instrument.Cell] // by source: its updates past the limit
	heat    *heat

	overflowSymbol, overflowSource *instrument.Cell
}

// series is the labels of a series of updates.
type series struct{ source, symbol string }

func newStocks(c *core) *Stocks {
	s := &Stocks{core: c, heat: newHeat(c.config.heat, c.config.halfLife)}
	if !c.m.Off() {
		s.overflowSymbol = c.in.overflowed(catalog.StockDataUpdates, "symbol")
		s.overflowSource = c.in.overflowed(catalog.StockDataUpdates, "data_source")
	}
	return s
}

// tops are the values of the label "top".
var tops = []int{1, 10, 100}

func (s *Stocks) register() error {
	return s.core.in.gauge(catalog.StockQueryTopShare, func(e emit) {
		shares, ok := s.heat.shares(s.core.m.Now(), tops...)
		if !ok {
			return
		}
		for i, n := range tops {
			e(shares[i], strconv.Itoa(n))
		}
	})
}

// Updated counts an update of a symbol's data, from a data source. It allocates
// nothing once the pair is known, nor past the limit: see [WithStockLimit].
func (s *Stocks) Updated(source, symbol string) { s.UpdatedN(source, symbol, 1) }

// UpdatedN counts n updates.
func (s *Stocks) UpdatedN(source, symbol string, n int) {
	if s.core.m.Off() || n <= 0 {
		return
	}
	add(s.cell(source, symbol), 0, uint64(n))
}

func (s *Stocks) cell(source, symbol string) *instrument.Cell {
	most := s.core.config.stocks
	if c, ok := s.updates.get(series{source, symbol}); ok {
		return c
	}
	if !s.updates.full(most) && symbol != instrument.Other && max(len(source), len(symbol)) <= mostName {
		c, ok := s.updates.getOrMake(series{source, symbol}, most, func() (series, *instrument.Cell) {
			k := series{strings.Clone(source), strings.Clone(symbol)}
			return k, s.core.in.updates.Cell(k.source, k.symbol)
		})
		if ok {
			return c
		}
	}
	add(s.overflowSymbol, 0, 1)
	if c, ok := s.others.get(source); ok {
		return c
	}
	if !s.others.full(most) && len(source) <= mostName {
		c, ok := s.others.getOrMake(source, most, func() (string, *instrument.Cell) {
			source = strings.Clone(source)
			return source, s.core.in.updates.Cell(source, instrument.Other)
		})
		if ok {
			return c
		}
	}
	add(s.overflowSource, 0, 1)
	return s.core.in.updates.Cell(instrument.Other, instrument.Other)
}

// Queried says that somebody asked for a symbol's data. It allocates nothing
// while the symbol is one of those that are followed: see [WithHeat].
func (s *Stocks) Queried(symbol string) {
	if s.core.m.Off() {
		return
	}
	add(s.core.in.queries, 0, 1)
	if len(symbol) > mostName {
		symbol = instrument.Other
	}
	s.heat.add(symbol, s.core.m.Now())
}

// Heat is how much a stock is asked for.
type Heat struct {
	Symbol string
	Heat   float64 // queries of late, each counting half after the half-life
	Error  float64 // by which Heat may be too high; it is never too low
}

// Hottest returns the n stocks that are asked for most of late, the hottest
// first. A stock with more than one in [WithHeat]'s number of all queries is
// never missing.
func (s *Stocks) Hottest(n int) []Heat {
	if s.core.m.Off() {
		return nil
	}
	top := s.heat.top(n, s.core.m.Now())
	out := make([]Heat, len(top))
	for i, it := range top {
		out[i] = Heat{it.Key, it.Count, it.Error}
	}
	return out
}
