package sqltext

// cte is a common table expression with the table that it is about.
type cte struct{ name, table string }

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
	begin := i // where TABLE means SELECT * FROM
	for i < stop {
		switch t := &p.tokens[i]; {
		case t.ch == '(':
			i = p.closing(i, stop)
			continue
		case t.keyword == kwFrom && !p.is(i-1, stop, kwDistinct), t.keyword == kwTable && i == begin:
			table, through := p.from(i+1, stop)
			if table != "" {
				return table
			}
			if viaCTE == "" {
				viaCTE = through
			}
		case t.keyword == kwSetOp:
			begin = p.skip(i+1, stop, kwNoTable, kwDistinct) // ALL
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
			} else if c := p.lookup(name); c != nil {
				via = c.table
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
// main statement.
func (p *parser) with(i, stop int) int {
	i = p.skip(i, stop, kwRecursive)
	for i < stop {
		name := p.name(i, stop)
		i = p.find(i, stop, kwAs)
		i = p.skip(i, stop, kwNot, kwMaterialized)
		if !p.isPunct(i, stop, '(') {
			break
		}
		at := len(p.ctes)
		p.ctes = append(p.ctes, cte{name: name}) // known in its own body: it may be recursive
		p.ctes[at].table = p.inner(i+1, p.inside(i, stop))
		i = p.traversal(p.closing(i, stop), stop)
		if !p.isPunct(i, stop, ',') {
			break
		}
		i++
	}
	return i
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

// lookup returns the common table expression of that name, or nil.
func (p *parser) lookup(name string) *cte {
	for i := len(p.ctes) - 1; i >= 0; i-- {
		if p.ctes[i].name == name {
			return &p.ctes[i]
		}
	}
	return nil
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
