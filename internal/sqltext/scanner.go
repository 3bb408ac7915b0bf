package sqltext

import "strings"

// kind is what a token is.
type kind uint8

const (
	end    kind = iota
	word        // unquoted identifier or keyword
	quoted      // "identifier"
	value       // string, number, dollar quote, parameter
	op          // operator
	punct       // one of ( ) [ ] , ; . and whatever else stands alone
)

// token is a piece of the statement.
type token struct {
	kind       kind
	keyword    keyword // of a word
	ch         byte    // of a punct
	start, end int
	closing    int // of an opening parenthesis: the position of its closing token, 0 without one
}

// scanner cuts a statement into tokens, after PostgreSQL's scan.l. Comments
// and white space are left out.
type scanner struct {
	src string
	pos int
}

// next returns the next token.
func (s *scanner) next() token {
	s.skip()
	start := s.pos
	if start >= len(s.src) {
		return token{kind: end, start: start, end: start}
	}
	c := s.src[start]
	switch {
	case c == '\'':
		s.quote('\'', false)
		return s.token(value, start)
	case c == '"':
		s.quote('"', false)
		return s.token(quoted, start)
	case c == '$':
		return s.dollar()
	case isDigit(c) || c == '.' && isDigit(s.at(1)):
		s.number()
		return s.token(value, start)
	case isWordStart(c):
		return s.word()
	case c == '@' && isWordStart(s.at(1)): // a named argument of pgx
		s.pos++
		s.run(isWordPart)
		return s.token(value, start)
	case isOperator(c):
		s.operator()
		return s.token(op, start)
	case c == ':' && (s.at(1) == ':' || s.at(1) == '='):
		s.pos += 2
		return s.token(op, start)
	}
	s.pos++
	t := s.token(punct, start)
	t.ch = c
	return t
}

func (s *scanner) token(k kind, start int) token {
	return token{kind: k, start: start, end: s.pos}
}

// at returns the byte n after the position, 0 past the end.
func (s *scanner) at(n int) byte {
	if s.pos+n < len(s.src) {
		return s.src[s.pos+n]
	}
	return 0
}

func (s *scanner) run(f func(byte) bool) {
	for s.pos < len(s.src) && f(s.src[s.pos]) {
		s.pos++
	}
}

// skip passes white space and comments. A comment in /* */ may hold others.
func (s *scanner) skip() {
	for s.pos < len(s.src) {
		switch c := s.src[s.pos]; {
		case isSpace(c):
			s.pos++
		case c == '-' && s.at(1) == '-':
			if i := strings.IndexAny(s.src[s.pos:], "\n\r"); i >= 0 {
				s.pos += i
			} else {
				s.pos = len(s.src)
			}
		case c == '/' && s.at(1) == '*':
			s.comment()
		default:
			return
		}
	}
}

func (s *scanner) comment() {
	for depth := 0; s.pos < len(s.src); {
		switch {
		case s.src[s.pos] == '/' && s.at(1) == '*':
			depth++
			s.pos += 2
		case s.src[s.pos] == '*' && s.at(1) == '/':
			depth--
			s.pos += 2
		default:
			s.pos++
		}
		if depth == 0 {
			return
		}
	}
}

// quote passes what stands between two marks; a doubled mark stands for one.
func (s *scanner) quote(mark byte, escapes bool) {
	for s.pos++; s.pos < len(s.src); s.pos++ {
		switch s.src[s.pos] {
		case '\\':
			if escapes {
				s.pos++
			}
		case mark:
			if s.at(1) != mark {
				s.pos++
				return
			}
			s.pos++
		}
	}
	s.pos = len(s.src)
}

// dollar passes $1, $$text$$, $tag$text$tag$.
func (s *scanner) dollar() token {
	start := s.pos
	s.pos++
	if isDigit(s.at(0)) {
		s.run(isWordPart)
		return s.token(value, start)
	}
	if isWordStart(s.at(0)) {
		s.run(func(c byte) bool { return isWordPart(c) && c != '$' })
	}
	if s.at(0) != '$' { // no tag: a character that means nothing in SQL
		s.run(isWordPart)
		return s.token(value, start)
	}
	s.pos++
	tag := s.src[start:s.pos]
	if i := strings.Index(s.src[s.pos:], tag); i >= 0 {
		s.pos += i + len(tag)
	} else {
		s.pos = len(s.src)
	}
	return s.token(value, start)
}

// number passes a number with whatever junk is glued to it: 1_000, 0xff, 1e-5.
func (s *scanner) number() {
	hex := s.src[s.pos] == '0' && (s.at(1)|0x20 == 'x')
	for s.pos < len(s.src) {
		c := s.src[s.pos]
		switch {
		case isWordPart(c) || c == '.':
			s.pos++
			if c|0x20 == 'e' && !hex && (s.at(0) == '-' || s.at(0) == '+') && isDigit(s.at(1)) {
				s.pos++
			}
		default:
			return
		}
	}
}

// word passes an identifier, or a string or quoted identifier with a prefix:
// E”, B”, X”, N”, U&”, U&"".
func (s *scanner) word() token {
	start := s.pos
	s.run(isWordPart)
	switch n := s.pos - start; {
	case n == 1 && s.at(0) == '\'':
		switch s.src[start] | 0x20 {
		case 'e':
			s.quote('\'', true)
			return s.token(value, start)
		case 'b', 'x', 'n':
			s.quote('\'', false)
			return s.token(value, start)
		}
	case n == 1 && s.src[start]|0x20 == 'u' && s.at(0) == '&' && (s.at(1) == '\'' || s.at(1) == '"'):
		s.pos++
		if s.src[s.pos] == '"' {
			s.quote('"', false)
			return s.token(quoted, start)
		}
		s.quote('\'', false)
		return s.token(value, start)
	}
	t := s.token(word, start)
	t.keyword = keywordOf(s.src[start:s.pos])
	return t
}

// operator passes an operator. It ends where a comment begins, and ends in a
// sign only if it has a character that standard operators do not have: "<>-5"
// is three tokens, "@-" one.
func (s *scanner) operator() {
	start, special := s.pos, false
	for s.pos < len(s.src) && isOperator(s.src[s.pos]) {
		c := s.src[s.pos]
		if c == '-' && s.at(1) == '-' || c == '/' && s.at(1) == '*' || c == '@' && s.pos > start && isWordStart(s.at(1)) {
			break
		}
		special = special || strings.IndexByte("~!@#%^&|`?", c) >= 0
		s.pos++
	}
	for !special && s.pos > start+1 && (s.src[s.pos-1] == '-' || s.src[s.pos-1] == '+') {
		s.pos--
	}
}

func isSpace(c byte) bool {
	return c == ' ' || c >= '\t' && c <= '\r'
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isWordStart(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c >= 0x80
}

func isWordPart(c byte) bool { return isWordStart(c) || isDigit(c) || c == '$' }

func isOperator(c byte) bool {
	switch c {
	case '~', '!', '@', '#', '^', '&', '|', '`', '?', '+', '-', '*', '/', '%', '<', '>', '=':
		return true
	}
	return false
}
