package sqltext

// writer writes a statement's tokens in one form, whatever its layout and
// literals.
type writer struct {
	b    []byte
	src  string
	last token
	call bool // the last word may be a function's name
}

// appendText appends the statement without literals: each is a question mark,
// as parameters are. Unquoted words are in lower case, which is what they mean.
func appendText(b []byte, src string, tokens []token) []byte {
	w := writer{b: b, src: src}
	for i := 0; i < len(tokens); i++ {
		t := tokens[i]
		switch {
		case t.kind == end:
		case t.kind == punct && t.ch == ';' && restIsEmpty(tokens[i:]):
			return w.b
		case t.kind == punct && (t.ch == '(' || t.ch == '['):
			if n := valueList(src, tokens[i:]); n > 0 {
				w.list(t)
				i += n - 1
				w.last = tokens[i]
				w.call = false
				i += sameLists(src, tokens[i+1:], t.ch)
				continue
			}
			w.write(t)
		case t.kind == op && isSign(src, t) && i+1 < len(tokens) && tokens[i+1].kind == value && !w.operand():
			// the sign of a number
		case t.kind == value && w.last.kind == value:
			// a string that goes on
		default:
			w.write(t)
		}
	}
	return w.b
}

func restIsEmpty(tokens []token) bool {
	for _, t := range tokens {
		if t.kind != end && (t.kind != punct || t.ch != ';') {
			return false
		}
	}
	return true
}

// valueList is the number of tokens in a bracketed list of nothing but values
// at the start of tokens, or 0.
func valueList(src string, tokens []token) int {
	values := 0
	for i := 1; i < len(tokens); i++ {
		switch t := tokens[i]; {
		case t.kind == value:
			values++
		case t.kind == punct && t.ch == ',', t.kind == op && isSign(src, t):
		case t.kind == punct && (t.ch == ')' || t.ch == ']') && values > 0:
			return i + 1
		default:
			return 0
		}
	}
	return 0
}

// sameLists is the number of tokens in further lists of values, after commas:
// the rows of VALUES.
func sameLists(src string, tokens []token, open byte) int {
	n := 0
	for n+1 < len(tokens) && tokens[n].kind == punct && tokens[n].ch == ',' &&
		tokens[n+1].kind == punct && tokens[n+1].ch == open {
		l := valueList(src, tokens[n+1:])
		if l == 0 {
			break
		}
		n += 1 + l
	}
	return n
}

func isSign(src string, t token) bool {
	return t.end-t.start == 1 && (src[t.start] == '-' || src[t.start] == '+')
}

// operand reports whether the last token is something that an operator may
// follow.
func (w *writer) operand() bool {
	switch w.last.kind {
	case word:
		return w.last.keyword == none
	case quoted, value:
		return true
	case punct:
		return w.last.ch == ')' || w.last.ch == ']'
	}
	return false
}

func (w *writer) list(open token) {
	w.space(open)
	w.b = append(w.b, open.ch, '?')
	if open.ch == '(' {
		w.b = append(w.b, ')')
	} else {
		w.b = append(w.b, ']')
	}
}

func (w *writer) write(t token) {
	w.space(t)
	switch t.kind {
	case value:
		w.b = append(w.b, '?')
	case word:
		for i := t.start; i < t.end; i++ {
			w.b = append(w.b, lower(w.src[i]))
		}
	default:
		w.b = append(w.b, w.src[t.start:t.end]...)
	}
	w.call = t.kind == quoted || t.kind == word && t.keyword == none
	w.last = t
}

// space writes the space that stands before a token.
func (w *writer) space(t token) {
	if len(w.b) == 0 {
		return
	}
	if w.last.kind == punct {
		switch w.last.ch {
		case '(', '[', '.':
			return
		}
	}
	if w.last.kind == op && w.cast(w.last) {
		return
	}
	switch {
	case t.kind == punct:
		switch t.ch {
		case ')', ']', ',', ';', '.', '[':
			return
		case '(':
			if w.call {
				return
			}
		}
	case t.kind == op && w.cast(t):
		return
	}
	w.b = append(w.b, ' ')
}

// cast reports whether the operator is "::".
func (w *writer) cast(t token) bool { return w.src[t.start] == ':' && t.end-t.start == 2 }
