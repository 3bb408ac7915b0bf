package sqltext

import "slices"

// parser finds a statement's type and main table. It does not judge: on a
// statement that PostgreSQL would refuse it says something, or nothing.
type parser struct {
	src    string
	tokens []token // the last one is end
	ctes   []cte   // common table expressions, the innermost last
	looks  int     // into statements and parentheses, so far
}

// maxLooks bounds the work: a subquery may be looked into more than once.
const maxLooks = 200

// look counts one, and reports whether it is allowed.
func (p *parser) look() bool {
	p.looks++
	return p.looks <= maxLooks
}

// until returns the position of the next ch at this level, or stop.
func (p *parser) until(i, stop int, ch byte) int {
	for i < stop {
		switch p.tokens[i].ch {
		case ch:
			return i
		case '(':
			i = p.closing(i, stop)
		default:
			i++
		}
	}
	return stop
}

// closing returns the position after the parenthesis that closes the one at i.
func (p *parser) closing(i, stop int) int {
	return min(p.inside(i, stop)+1, stop)
}

// inside returns the position of the parenthesis that closes the one at i, or stop.
func (p *parser) inside(i, stop int) int {
	if c := int(p.tokens[i].closing); c > 0 && c < stop {
		return c
	}
	return stop
}

func (p *parser) is(i, stop int, k keyword) bool {
	return i < stop && p.tokens[i].keyword == k
}

func (p *parser) isPunct(i, stop int, ch byte) bool {
	return i < stop && p.tokens[i].ch == ch
}

// isName reports whether an identifier is at i. Keywords may be some.
func (p *parser) isName(i, stop int) bool {
	return i < stop && (p.tokens[i].kind == word || p.tokens[i].kind == quoted)
}

// skip passes tokens that are one of the keywords.
func (p *parser) skip(i, stop int, words ...keyword) int {
	for i < stop && slices.Contains(words, p.tokens[i].keyword) {
		i++
	}
	return i
}

// open passes opening parentheses.
func (p *parser) open(i, stop int) int {
	for p.isPunct(i, stop, '(') {
		i++
	}
	return i
}

// find returns the position after the next such keyword at this level, or stop.
func (p *parser) find(i, stop int, k keyword) int {
	for i < stop {
		switch t := &p.tokens[i]; {
		case t.keyword == k:
			return i + 1
		case t.ch == '(':
			i = p.closing(i, stop)
		default:
			i++
		}
	}
	return stop
}
