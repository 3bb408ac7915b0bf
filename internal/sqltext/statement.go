package sqltext

// statements looks at all statements of the text, and picks one.
func (p *parser) statements() (typ, table string) {
	typ = Other
	first := true
	for i, last := 0, len(p.tokens)-1; i < last; {
		stop := p.until(i, last, ';')
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
		i = stop + 1
	}
	return typ, table
}

// statement looks at the tokens from i to before stop.
func (p *parser) statement(i, stop int) (typ, table string) {
	if !p.look() {
		return Other, ""
	}
	scope := len(p.ctes)
	i = p.open(i, stop)
	if p.is(i, stop, kwWith) {
		i = p.open(p.with(i+1, stop), stop)
	}
	var k keyword
	if i < stop {
		k = p.tokens[i].keyword
	}
	if k.isQuery() {
		typ, table = "SELECT", p.query(i, stop, p.ctes[scope:])
	} else {
		typ, table = p.command(k, i+1, stop)
	}
	p.ctes = p.ctes[:scope]
	return typ, table
}

// inner returns the table of a statement within a statement.
func (p *parser) inner(i, stop int) string {
	_, table := p.statement(i, stop)
	return table
}

// command looks at a statement that is no query, after its first word.
func (p *parser) command(k keyword, i, stop int) (typ, table string) {
	switch {
	case k == kwTx, k == kwPrepare && p.is(i, stop, kwTransaction):
		return Tx, ""
	case int(k) < len(typeNames):
		return typeNames[k], p.target(k, i, stop)
	}
	return Other, ""
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
		return p.name(p.skip(i, stop, kwOption), stop)
	case kwTruncate, kwLock:
		return p.name(p.skip(i, stop, kwTable, kwOnly), stop)
	case kwVacuum, kwAnalyze:
		return p.name(p.skip(p.options(i, stop), stop, kwOption, kwAnalyze), stop)
	case kwCluster:
		name, after := p.qualified(p.skip(p.options(i, stop), stop, kwOption), stop)
		if p.is(after, stop, kwOn) { // CLUSTER index ON table
			name = p.name(after+1, stop)
		}
		return name
	case kwReindex:
		if i = p.options(i, stop); p.is(i, stop, kwTable) {
			return p.name(p.skip(i+1, stop, kwConcurrently), stop)
		}
	case kwRefresh:
		return p.name(p.skip(i, stop, kwMaterialized, kwView, kwConcurrently), stop)
	case kwCreate, kwAlter, kwDrop:
		return p.object(i, stop)
	case kwComment:
		return p.object(p.skip(i, stop, kwOn), stop)
	case kwGrant, kwRevoke:
		if i = p.find(i, stop, kwOn); !p.isOther(i, stop) {
			return p.name(p.skip(i, stop, kwTable), stop)
		}
	case kwPrepare:
		return p.inner(p.find(i, stop, kwAs), stop)
	case kwDeclare:
		return p.inner(p.find(i, stop, kwFor), stop)
	case kwExplain:
		if !p.startsQuery(p.open(i, stop), stop) {
			i = p.options(i, stop)
		}
		return p.inner(p.skip(i, stop, kwAnalyze, kwOption), stop)
	}
	return ""
}

// isOther reports whether the object of a GRANT or REVOKE at i is something
// else than a table. Most of the words for such things may be a table's name.
func (p *parser) isOther(i, stop int) bool {
	switch {
	case p.is(i, stop, kwAll):
		return true
	case p.is(i, stop, kwNoTable), p.is(i, stop, kwDomain), p.is(i, stop, kwForeign):
		return p.isName(i+1, stop) && !p.is(i+1, stop, kwTo) && !p.is(i+1, stop, kwFrom)
	}
	return false
}

// options passes options in parentheses.
func (p *parser) options(i, stop int) int {
	if p.isPunct(i, stop, '(') {
		return p.closing(i, stop)
	}
	return i
}

// object returns the table that a definition is of: CREATE, ALTER, DROP,
// COMMENT ON.
func (p *parser) object(i, stop int) string {
	i = p.skip(i, stop, kwNoise, kwRecursive, kwMaterialized, kwForeign)
	switch {
	case p.is(i, stop, kwTable) || p.is(i, stop, kwView):
		i = p.skip(i+1, stop, kwIf, kwNot, kwExists, kwOnly)
		if !p.is(i, stop, kwAll) { // ALTER TABLE ALL IN TABLESPACE
			return p.name(i, stop)
		}
	case p.is(i, stop, kwRule) && p.is(i+2, stop, kwAs): // CREATE RULE name AS ON event TO table
		return p.name(p.find(i, stop, kwTo), stop)
	case p.is(i, stop, kwConstraint) && p.is(i+3, stop, kwDomain): // COMMENT ON CONSTRAINT name ON DOMAIN domain
	case p.is(i, stop, kwIndex), p.is(i, stop, kwTrigger), p.is(i, stop, kwConstraint), p.is(i, stop, kwRule):
		return p.name(p.skip(p.find(i, stop, kwOn), stop, kwOnly), stop)
	case p.is(i, stop, kwColumn):
		return p.owner(i+1, stop)
	}
	return ""
}
