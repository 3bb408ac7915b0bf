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
	mark
	start, end int32
	closing    int32 // of an opening parenthesis: the position of its closing token, 0 without one
}

// mark is a token without its place.
type mark struct {
	kind     kind
	keyword  keyword // of a word
	capitals bool    // a word has some
	ch       byte    // the character that a punct or op is, the first of "::" and ":="
}

// scanner cuts a statement into tokens, after PostgreSQL's scan.l. Comments
// and white space are left out.
type scanner struct {
	src string
	pos int
}

// next makes of an empty token the next one.
func (s *scanner) next(t *token) {
	s.skip()
	t.start = int32(s.pos)
	if s.pos < len(s.src) {
		t.kind = s.pass(t)
	}
	t.end = int32(s.pos)
}

// pass passes a token and returns its kind. The rest of its mark it notes.
func (s *scanner) pass(t *token) kind {
	c := s.src[s.pos]
	switch class := classes[c]; {
	case class&wordStart != 0:
		return s.word(t)
	case class&digit != 0 || c == '.' && s.sees(digit, 1):
		return s.number()
	case c == '\'':
		return s.quote(value, c, false)
	case c == '"':
		return s.quote(quoted, c, false)
	case c == '$':
		return s.dollar()
	case c == '@' && s.sees(wordStart, 1): // a named argument of pgx
		s.pos++
		s.run(wordPart)
		return value
	case class&operator != 0:
		return s.operator(t)
	case c == ':' && (s.at(1) == ':' || s.at(1) == '='):
		s.pos += 2
		t.ch = c
		return op
	}
	s.pos++
	t.ch = c
	return punct
}

// at returns the byte n after the position, 0 past the end.
func (s *scanner) at(n int) byte {
	if s.pos+n < len(s.src) {
		return s.src[s.pos+n]
	}
	return 0
}

// sees reports whether the byte n after the position is of one of the classes.
func (s *scanner) sees(c class, n int) bool { return classes[s.at(n)]&c != 0 }

// run passes all bytes of one of the classes.
func (s *scanner) run(c class) {
	i := s.pos
	for i < len(s.src) && classes[s.src[i]]&c != 0 {
		i++
	}
	s.pos = i
}

// skip passes white space and comments. A comment in /* */ may hold others.
func (s *scanner) skip() {
	for {
		s.run(space)
		switch c := s.at(0); {
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

// quote passes what stands between two marks, which is of that kind; a doubled
// mark stands for one. Without the closing mark it is a value.
func (s *scanner) quote(k kind, mark byte, escapes bool) kind {
	for s.pos++; s.pos < len(s.src); s.pos++ {
		switch s.src[s.pos] {
		case '\\':
			if escapes {
				s.pos++
			}
		case mark:
			if s.at(1) != mark {
				s.pos++
				return k
			}
			s.pos++
		}
	}
	s.pos = len(s.src)
	return value // an open mark: literals may have come behind it
}

// dollar passes $1, $$text$$, $tag$text$tag$.
func (s *scanner) dollar() kind {
	start := s.pos
	s.pos++
	if !s.sees(digit, 0) {
		s.run(wordStart | digit)
	}
	if s.at(0) != '$' { // a parameter, or a character that means nothing in SQL
		s.run(wordPart)
		return value
	}
	s.pos++
	tag := s.src[start:s.pos]
	if i := strings.Index(s.src[s.pos:], tag); i >= 0 {
		s.pos += i + len(tag)
	} else {
		s.pos = len(s.src)
	}
	return value
}

// number passes a number with whatever junk is glued to it: 1_000, 0xff, 1e-5.
func (s *scanner) number() kind {
	hex := s.src[s.pos] == '0' && (s.at(1)|0x20 == 'x')
	for s.sees(wordPart, 0) || s.at(0) == '.' {
		c := s.src[s.pos]
		s.pos++
		if c|0x20 == 'e' && !hex && (s.at(0) == '-' || s.at(0) == '+') && s.sees(digit, 1) {
			s.pos++
		}
	}
	return value
}

// word passes an identifier, or a string or quoted identifier with a prefix:
// E”, B”, X”, N”, U&”, U&"".
func (s *scanner) word(t *token) kind {
	start, i := s.pos, s.pos
	var spelled code
	var seen class
	for ; i < len(s.src); i++ {
		c := s.src[i]
		is := classes[c]
		if is&wordPart == 0 {
			break
		}
		seen |= is
		spelled = spelled.with(c)
	}
	s.pos = i
	if i == start+1 {
		if k := s.prefixed(s.src[start] | 0x20); k != word {
			return k
		}
	}
	if seen&odd == 0 && i-start <= longestKeyword && (start == 0 || s.src[start-1] != '.') { // t.from is a column
		t.keyword = spelled.keyword()
	}
	t.capitals = seen&capital != 0
	return word
}

// prefixed passes what is quoted right after a word of one letter, if it
// belongs together.
func (s *scanner) prefixed(letter byte) kind {
	switch next := s.at(0); {
	case next == '\'' && letter == 'e':
		return s.quote(value, next, true)
	case next == '\'' && (letter == 'b' || letter == 'x' || letter == 'n'):
		return s.quote(value, next, false)
	case next == '&' && letter == 'u' && s.at(1) == '\'':
		s.pos++
		return s.quote(value, '\'', false)
	case next == '&' && letter == 'u' && s.at(1) == '"':
		s.pos++
		return s.quote(quoted, '"', false)
	}
	return word
}

// operator passes an operator. It ends where a comment begins, and ends in a
// sign only if it has a character that standard operators do not have: "<>-5"
// is three tokens, "@-" one.
func (s *scanner) operator(t *token) kind {
	start := s.pos
	var seen class
	for s.sees(operator, 0) {
		c := s.src[s.pos]
		if c == '-' && s.at(1) == '-' || c == '/' && s.at(1) == '*' || c == '@' && s.pos > start && s.sees(wordStart, 1) {
			break
		}
		seen |= classes[c]
		s.pos++
	}
	for seen&special == 0 && s.pos > start+1 && (s.src[s.pos-1] == '-' || s.src[s.pos-1] == '+') {
		s.pos--
	}
	if s.pos == start+1 {
		t.ch = s.src[start]
	}
	return op
}
