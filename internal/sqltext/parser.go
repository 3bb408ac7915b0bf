package sqltext

// parser finds a statement's type and main table. It does not judge: on a
// statement that PostgreSQL would refuse it says something, or nothing.
type parser struct {
	src    string
	tokens []token // the last one is end
	ctes   []cte   // common table expressions, the innermost last
	looks  int     // into statements and parentheses, so far
}

// cte is a common table expression with the table that it is about.
type cte struct{ name, table string }

// maxLooks bounds the work: a subquery may be looked into more than once.
const maxLooks = 200

// statements looks at all statements of the text, and picks one.
func (p *parser) statements() (typ, table string) {
	typ = Other
	first := true
	for i := 0; p.tokens[i].kind != end; {
		stop := p.until(i, len(p.tokens)-1, ';')
		if stop > i {
			ty, ta := p.statement(i, stop)
			if first {
				typ, table, first = ty, ta, false
			}
			switch ty {
			case Tx, "SET", "SHOW":
			default:
				return ty, ta
			}
		}
		i = min(stop+1, len(p.tokens)-1)
	}
	return typ, table
}

// until returns the position of the next ch at this level, or stop.
func (p *parser) until(i, stop int, ch byte) int {
	for i < stop {
		switch t := p.tokens[i]; {
		case t.kind != punct:
		case t.ch == ch:
			return i
		case t.ch == '(':
			i = p.closing(i, stop)
			continue
		}
		i++
	}
	return stop
}

// closing returns the position after the parenthesis that closes the one at i.
func (p *parser) closing(i, stop int) int {
	if c := p.tokens[i].closing; c > 0 && c < stop {
		return c + 1
	}
	return stop
}

// inside returns the position of the parenthesis that closes the one at i, or stop.
func (p *parser) inside(i, stop int) int {
	if c := p.tokens[i].closing; c > 0 && c < stop {
		return c
	}
	return stop
}

func (p *parser) is(i, stop int, k keyword) bool {
	return i < stop && p.tokens[i].kind == word && p.tokens[i].keyword == k
}

func (p *parser) isPunct(i, stop int, ch byte) bool {
	return i < stop && p.tokens[i].kind == punct && p.tokens[i].ch == ch
}

// skip passes tokens that are one of the keywords.
func (p *parser) skip(i, stop int, words ...keyword) int {
next:
	for i < stop && p.tokens[i].kind == word {
		for _, k := range words {
			if p.tokens[i].keyword == k {
				i++
				continue next
			}
		}
		break
	}
	return i
}

// find returns the position after the next such keyword at this level, or stop.
func (p *parser) find(i, stop int, k keyword) int {
	for i < stop {
		if p.is(i, stop, k) {
			return i + 1
		}
		if p.isPunct(i, stop, '(') {
			i = p.closing(i, stop)
			continue
		}
		i++
	}
	return stop
}

// statement looks at the tokens from i to before stop.
func (p *parser) statement(i, stop int) (typ, table string) {
	if p.looks++; p.looks > maxLooks {
		return Other, ""
	}
	scope := len(p.ctes)
	defer func() { p.ctes = p.ctes[:scope] }()

	for p.isPunct(i, stop, '(') {
		i++
	}
	if p.is(i, stop, kwWith) {
		i = p.with(i+1, stop)
		for p.isPunct(i, stop, '(') {
			i++
		}
	}
	if i >= stop || p.tokens[i].kind != word {
		return Other, ""
	}
	k := p.tokens[i].keyword
	typ, table = p.verb(k, i+1, stop)
	if table == "" && (k == kwSelect || k == kwValues || k == kwTable) {
		for _, c := range p.ctes[scope:] {
			if c.table != "" {
				return typ, c.table
			}
		}
		table = p.within(i+1, stop)
	}
	return typ, table
}

// verb looks at a statement after its first word.
func (p *parser) verb(k keyword, i, stop int) (typ, table string) {
	switch k {
	case kwSelect:
		return "SELECT", p.read(i, stop)
	case kwValues:
		return "SELECT", ""
	case kwTable:
		return "SELECT", p.known(p.name(p.skip(i, stop, kwOnly), stop))
	case kwTx:
		return Tx, ""
	case kwPrepare:
		if p.is(i, stop, kwTransaction) {
			return Tx, ""
		}
		return typeNames[k], p.inner(p.find(i, stop, kwAs), stop)
	case kwExplain:
		if p.isPunct(i, stop, '(') && !p.startsQuery(i+1, stop) {
			i = p.closing(i, stop)
		}
		return typeNames[k], p.inner(p.skip(i, stop, kwAnalyze, kwNoise), stop)
	case kwDeclare:
		return typeNames[k], p.inner(p.find(i, stop, kwFor), stop)
	}
	if int(k) < len(typeNames) {
		return typeNames[k], p.target(k, i, stop)
	}
	return Other, ""
}

// inner returns the table of a statement within a statement.
func (p *parser) inner(i, stop int) string {
	_, table := p.statement(i, stop)
	return table
}

// target returns the table that a statement which is no query writes to or is
// about.
func (p *parser) target(k keyword, i, stop int) string {
	switch k {
	case kwInsert, kwMerge:
		return p.name(p.skip(i, stop, kwInto, kwOnly), stop)
	case kwUpdate:
		return p.name(p.skip(i, stop, kwOnly), stop)
	case kwDelete:
		return p.name(p.skip(i, stop, kwFrom, kwOnly), stop)
	case kwCopy:
		if p.isPunct(i, stop, '(') {
			return p.inner(i+1, p.inside(i, stop))
		}
		return p.name(p.skip(i, stop, kwNoise), stop)
	case kwTruncate, kwLock:
		return p.name(p.skip(i, stop, kwTable, kwOnly), stop)
	case kwVacuum, kwAnalyze, kwCluster:
		if p.isPunct(i, stop, '(') {
			i = p.closing(i, stop)
		}
		return p.name(p.skip(i, stop, kwNoise, kwAnalyze), stop)
	case kwReindex:
		if p.isPunct(i, stop, '(') {
			i = p.closing(i, stop)
		}
		if p.is(i, stop, kwTable) {
			return p.name(p.skip(i+1, stop, kwConcurrently), stop)
		}
	case kwRefresh:
		return p.name(p.skip(i, stop, kwMaterialized, kwView, kwConcurrently), stop)
	case kwCreate, kwAlter, kwDrop:
		return p.object(i, stop)
	case kwComment:
		return p.object(p.skip(i, stop, kwOn), stop)
	case kwGrant, kwRevoke:
		i = p.find(i, stop, kwOn)
		if !p.is(i, stop, kwNoTable) && !p.is(i, stop, kwForeign) {
			return p.name(p.skip(i, stop, kwTable), stop)
		}
	}
	return ""
}

// object returns the table that a definition is of: CREATE, ALTER, DROP,
// COMMENT ON.
func (p *parser) object(i, stop int) string {
	i = p.skip(i, stop, kwNoise, kwRecursive, kwMaterialized, kwForeign)
	switch {
	case p.is(i, stop, kwTable) || p.is(i, stop, kwView):
		i = p.skip(i+1, stop, kwIf, kwNot, kwExists, kwOnly)
		if !p.is(i, stop, kwNoTable) { // ALTER TABLE ALL IN TABLESPACE
			return p.name(i, stop)
		}
	case p.is(i, stop, kwIndex), p.is(i, stop, kwTrigger):
		return p.name(p.skip(p.find(i, stop, kwOn), stop, kwOnly), stop)
	case p.is(i, stop, kwColumn):
		return p.owner(i+1, stop)
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
			return i
		}
		after := p.closing(i, stop)
		at := len(p.ctes)
		p.ctes = append(p.ctes, cte{name: name}) // known in its own body: it may be recursive
		p.ctes[at].table = p.inner(i+1, p.inside(i, stop))
		i = after
		for i < stop && !p.isPunct(i, stop, ',') && !p.startsStatement(i, stop) { // SEARCH, CYCLE
			if p.isPunct(i, stop, '(') {
				return i // the main statement, in parentheses
			}
			i++
		}
		if !p.isPunct(i, stop, ',') {
			return i
		}
		i++
	}
	return i
}

// startsStatement reports whether a main statement begins at i. SEARCH … SET
// and CYCLE … SET are no statements.
func (p *parser) startsStatement(i, stop int) bool {
	if i >= stop || p.tokens[i].kind != word {
		return false
	}
	switch p.tokens[i].keyword {
	case kwSelect, kwInsert, kwUpdate, kwDelete, kwMerge, kwValues, kwTable, kwWith:
		return true
	}
	return false
}

// startsQuery reports whether a query begins at i.
func (p *parser) startsQuery(i, stop int) bool {
	for p.isPunct(i, stop, '(') {
		i++
	}
	return p.is(i, stop, kwSelect) || p.is(i, stop, kwWith) || p.is(i, stop, kwValues) || p.is(i, stop, kwTable)
}

// read returns the first table that a SELECT reads at its own level.
func (p *parser) read(i, stop int) string {
	into := ""
	viaCTE := ""
	for i < stop {
		switch {
		case p.isPunct(i, stop, '('):
			i = p.closing(i, stop)
		case p.is(i, stop, kwFrom) && !p.is(i-1, stop, kwDistinct):
			table, through := p.from(i+1, stop)
			if table != "" {
				return table
			}
			if viaCTE == "" {
				viaCTE = through
			}
			i++
		case p.is(i, stop, kwInto) && into == "":
			into = p.name(p.skip(i+1, stop, kwNoise, kwTable), stop)
			i++
		default:
			i++
		}
	}
	if viaCTE != "" {
		return viaCTE
	}
	return into
}

// from returns the first table of a FROM clause, its subqueries included, and
// in case that there is none, the table behind the first common table expression.
func (p *parser) from(i, stop int) (table, through string) {
	if p.looks++; p.looks > maxLooks {
		return "", ""
	}
	for i < stop {
		i = p.skip(i, stop, kwOnly, kwLateral)
		switch {
		case p.isPunct(i, stop, '('):
			after, inner := p.closing(i, stop), p.inside(i, stop)
			var t, via string
			if p.startsQuery(i+1, inner) {
				t = p.inner(i+1, inner)
			} else {
				t, via = p.from(i+1, inner)
			}
			if t != "" {
				return t, ""
			}
			if through == "" {
				through = via
			}
			i = after
		case p.is(i, stop, kwRows) && p.is(i+1, stop, kwFrom):
			i += 2
		case i < stop && (p.tokens[i].kind == word || p.tokens[i].kind == quoted):
			name, after := p.qualified(i, stop)
			if p.isPunct(after, stop, '(') {
				i = p.closing(after, stop) // a function
				break
			}
			if c := p.lookup(name); c == nil {
				return name, ""
			} else if through == "" {
				through = c.table
			}
			i = after
		}
		if i = p.nextItem(i, stop); i < 0 {
			break
		}
	}
	return "", through
}

// nextItem returns the position of the next item of a FROM clause, or -1.
func (p *parser) nextItem(i, stop int) int {
	for i < stop {
		switch t := p.tokens[i]; {
		case p.isPunct(i, stop, '('):
			i = p.closing(i, stop)
			continue
		case p.isPunct(i, stop, ','), p.is(i, stop, kwJoin):
			return i + 1
		case t.kind == word && (t.keyword == kwStop || t.keyword == kwSetOp || t.keyword == kwFor || t.keyword == kwFetch):
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

// lookup returns the common table expression of that name, or nil.
func (p *parser) lookup(name string) *cte {
	for i := len(p.ctes) - 1; i >= 0; i-- {
		if p.ctes[i].name == name {
			return &p.ctes[i]
		}
	}
	return nil
}

// known returns a table's name, or the table behind a common table expression.
func (p *parser) known(name string) string {
	if c := p.lookup(name); c != nil {
		return c.table
	}
	return name
}
