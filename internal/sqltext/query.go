package sqltext

import "slices"

// cte is a common table expression with the table that it is about.
type cte struct {
	name, table string
	body, stop  int // its parentheses, while it is to be looked into
}

// query returns the table that a SELECT, VALUES or TABLE at i is about, whose
// own common table expressions are given.
func (p *parser) query(i, stop int, ctes []cte) string {
	if table := p.read(i, stop); table != "" {
		return table
	}
	for _, c := range ctes {
		if c.table != "" {
			return c.table
		}
	}
	return p.within(i+1, stop)
}

// read returns the first table that a query reads at its own level.
func (p *parser) read(i, stop int) string {
	into := ""
	viaCTE := ""
	start := i
	begin := i // where TABLE means SELECT * FROM
	for i < stop {
		switch t := &p.tokens[i]; {
		case t.ch == '(':
			i = p.closing(i, stop)
			continue
		case t.keyword == none:
		case i > start && p.is(i-1, stop, kwAs): // a column's name, whatever it is
		case t.keyword == kwFrom && !p.is(i-1, stop, kwDistinct), t.keyword == kwTable && i == begin:
			table, through := p.from(i+1, stop)
			if table != "" {
				return table
			}
			if viaCTE == "" {
				viaCTE = through
			}
		case t.keyword == kwSetOp:
			begin = p.skip(i+1, stop, kwAll, kwDistinct)
		case t.keyword == kwInto && into == "":
			into = p.name(p.skip(i+1, stop, kwNoise, kwTable), stop)
		}
		i++
	}
	if viaCTE != "" {
		return viaCTE
	}
	return into
}

// from returns the first table of a FROM clause, its subqueries included, and
// in case that there is none, the table behind the first common table expression.
func (p *parser) from(i, stop int) (table, through string) {
	if !p.look() {
		return "", ""
	}
	for i >= 0 && i < stop {
		via := ""
		i = p.skip(i, stop, kwOnly, kwLateral)
		switch {
		case p.isPunct(i, stop, '('):
			inner := p.inside(i, stop)
			if p.startsQuery(p.open(i, stop), inner) {
				table = p.inner(i+1, inner)
			} else {
				table, via = p.from(i+1, inner)
			}
			i = p.closing(i, stop)
		case p.is(i, stop, kwRows) && p.is(i+1, stop, kwFrom):
			i += 2
		case p.isName(i, stop):
			name, after := p.qualified(i, stop)
			if p.isPunct(after, stop, '(') { // a function
				after = p.closing(after, stop)
			} else if n := p.lookup(name); n >= 0 {
				via = p.about(n)
			} else {
				table = name
			}
			i = after
		}
		if table != "" {
			return table, ""
		}
		if through == "" {
			through = via
		}
		i = p.nextItem(i, stop)
	}
	return "", through
}

// nextItem returns the position of the next item of a FROM clause, or -1.
func (p *parser) nextItem(i, stop int) int {
	for i < stop {
		switch t := &p.tokens[i]; {
		case t.ch == '(':
			i = p.closing(i, stop)
			continue
		case t.ch == ',', t.keyword == kwJoin:
			return i + 1
		case t.keyword == kwStop, t.keyword == kwSetOp, t.keyword == kwFor, t.keyword == kwFetch:
			return -1
		}
		i++
	}
	return -1
}

// within returns the table of the first subquery that has one, wherever it stands.
func (p *parser) within(i, stop int) string {
	for i < stop && p.looks <= maxLooks {
		if p.isPunct(i, stop, '(') && p.startsStatement(i+1, stop) {
			if t := p.inner(i+1, p.inside(i, stop)); t != "" {
				return t
			}
			i = p.closing(i, stop)
			continue
		}
		i++
	}
	return ""
}

// with notes the common table expressions, and returns the position of the
// main statement. Only RECURSIVE ones know themselves and those behind them.
func (p *parser) with(i, stop int) int {
	recursive := p.is(i, stop, kwRecursive)
	if recursive {
		i++
	}
	first := len(p.ctes)
	for i < stop {
		c := cte{name: p.name(i, stop)}
		i = p.find(i, stop, kwAs)
		i = p.skip(i, stop, kwNot, kwMaterialized)
		if !p.isPunct(i, stop, '(') {
			break
		}
		if recursive {
			c.body, c.stop = i+1, p.inside(i, stop)
		} else {
			c.table = p.inner(i+1, p.inside(i, stop))
		}
		p.ctes = append(p.ctes, c)
		i = p.traversal(p.closing(i, stop), stop)
		if !p.isPunct(i, stop, ',') {
			break
		}
		i++
	}
	for n := first; n < len(p.ctes); n++ {
		p.about(n)
	}
	return i
}

// about returns the table that the n-th common table expression is about, none
// within its own body.
func (p *parser) about(n int) string {
	if c := p.ctes[n]; c.body > 0 {
		p.ctes[n].body = 0
		table := p.inner(c.body, c.stop)
		p.ctes[n].table = table // the list may have moved
	}
	return p.ctes[n].table
}

// traversal passes what may follow a recursive common table expression:
// SEARCH … SET column, CYCLE … SET column [TO value DEFAULT value] USING column.
func (p *parser) traversal(i, stop int) int {
	for i < stop && p.tokens[i].kind == word && !p.startsStatement(i, stop) {
		i = p.find(i, stop, kwSet) + 1
		if p.is(i, stop, kwTo) || p.is(i, stop, kwUsing) {
			i = p.find(i, stop, kwUsing) + 1
		}
	}
	return i
}

// lookup returns the place of the common table expression of that name, or -1.
func (p *parser) lookup(name string) int {
	for i, c := range slices.Backward(p.ctes) {
		if c.name == name {
			return i
		}
	}
	return -1
}

// isQuery reports whether a query begins with the keyword.
func (k keyword) isQuery() bool { return k == kwSelect || k == kwValues || k == kwTable }

// startsQuery reports whether a query begins at i.
func (p *parser) startsQuery(i, stop int) bool {
	return i < stop && (p.tokens[i].keyword.isQuery() || p.tokens[i].keyword == kwWith)
}

// startsStatement reports whether a statement that may be part of another
// begins at i.
func (p *parser) startsStatement(i, stop int) bool {
	if i >= stop {
		return false
	}
	switch p.tokens[i].keyword {
	case kwInsert, kwUpdate, kwDelete, kwMerge:
		return true
	}
	return p.startsQuery(i, stop)
}
