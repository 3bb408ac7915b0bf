package sqltext

import (
	"strings"
	"unicode/utf8"
)

// name returns the possibly qualified name at i, or "".
func (p *parser) name(i, stop int) string {
	n, _ := p.qualified(i, stop)
	return n
}

// owner returns the name at i without its last part: the table of a column.
func (p *parser) owner(i, stop int) string {
	var parts [4]string
	n, _ := p.parts(i, stop, &parts)
	if n < 2 {
		return ""
	}
	return join(parts[max(0, n-3) : n-1])
}

// qualified returns the name at i and the position after it. Of a name with a
// database in front, schema and table are returned.
func (p *parser) qualified(i, stop int) (name string, after int) {
	var parts [4]string
	n, after := p.parts(i, stop, &parts)
	return join(parts[max(0, n-2):n]), after
}

func (p *parser) parts(i, stop int, parts *[4]string) (n, after int) {
	for n < len(parts) && p.isName(i, stop) {
		parts[n] = p.identifier(p.tokens[i])
		n++
		i++
		if !p.isPunct(i, stop, '.') {
			break
		}
		i++
	}
	return n, i
}

func join(parts []string) string {
	switch len(parts) {
	case 0:
		return ""
	case 1:
		return parts[0]
	}
	return strings.Join(parts, ".")
}

// identifier returns what an identifier means: without its quotes, or in lower
// case, and no longer than names are.
func (p *parser) identifier(t token) string {
	s := p.src[t.start:t.end]
	if t.capitals {
		return string(appendLower(nil, clip(s)))
	}
	if t.kind == word {
		return clip(s)
	}
	s = s[strings.IndexByte(s, '"')+1:] // U&"…" keeps its escapes
	s = strings.TrimSuffix(s, `"`)
	if strings.Contains(s, `""`) {
		s = strings.ReplaceAll(s, `""`, `"`)
	}
	return clip(s)
}

// longestName is how many bytes of a name PostgreSQL keeps: NAMEDATALEN - 1.
const longestName = 63

// clip cuts a name as PostgreSQL does, not within a character.
func clip(s string) string {
	if len(s) <= longestName {
		return s
	}
	n := longestName
	for n > longestName-utf8.UTFMax && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
