package sqltext

import "slices"

// appendText appends a statement's tokens in one form, whatever its layout and
// literals: each of these is a question mark, as parameters are. Unquoted words
// are in lower case, which is what they mean.
func appendText(b []byte, src string, tokens []token) []byte {
	b = slices.Grow(b, 2*len(src)) // a space per token is all that comes on top
	stop := len(tokens) - 1        // the last token is end
	for stop > 0 && tokens[stop-1].ch == ';' {
		stop--
	}
	var last mark
	for i := 0; i < stop; i++ {
		t := tokens[i]
		list := 0
		switch {
		case t.kind == value && last.kind == value:
			continue // a string that goes on
		case t.isSign() && tokens[i+1].kind == value && !last.isOperand():
			continue // the sign of a number
		case t.ch == '(', t.ch == '[':
			list = valueList(tokens[i:])
		}
		if len(b) > 0 && spaced(last, t.mark) {
			b = append(b, ' ')
		}
		if list == 0 {
			b = appendToken(b, src, t)
			last = t.mark
			continue
		}
		i += list - 1
		last = tokens[i].mark
		b = append(b, t.ch, '?', last.ch)
		i += sameLists(tokens[i+1:], t.ch)
	}
	return b
}

func appendToken(b []byte, src string, t token) []byte {
	switch s := src[t.start:t.end]; {
	case t.kind == value:
		return append(b, '?')
	case t.capitals:
		return appendLower(b, s)
	default:
		return append(b, s...)
	}
}

// spaced reports whether a space stands between two tokens.
func spaced(last, next mark) bool {
	switch next.ch {
	case ')', ']', ',', ';', '.', '[':
		return false
	case '(':
		if last.isCallable() {
			return false
		}
	}
	return last.ch != '(' && last.ch != '[' && last.ch != '.' && !last.isTight() && !next.isTight()
}

// valueList is the number of tokens in a bracketed list of nothing but values
// at the start of tokens, or 0.
func valueList(tokens []token) int {
	values := 0
	for i := 1; i < len(tokens); i++ {
		switch t := tokens[i]; {
		case t.kind == value:
			values++
		case t.ch == ',', t.isSign():
		case (t.ch == ')' || t.ch == ']') && values > 0:
			return i + 1
		default:
			return 0
		}
	}
	return 0
}

// sameLists is the number of tokens in further lists of values, after commas:
// the rows of VALUES.
func sameLists(tokens []token, open byte) int {
	n := 0
	for n+1 < len(tokens) && tokens[n].ch == ',' && tokens[n+1].ch == open {
		l := valueList(tokens[n+1:])
		if l == 0 {
			break
		}
		n += 1 + l
	}
	return n
}

func (m mark) isSign() bool { return m.ch == '-' || m.ch == '+' }

// isTight reports whether the token is "::" or ":=".
func (m mark) isTight() bool { return m.kind == op && m.ch == ':' }

// isCallable reports whether the token may be a function's name.
func (m mark) isCallable() bool { return m.kind == quoted || m.kind == word && m.keyword == none }

// isOperand reports whether the token is something that an operator may follow.
func (m mark) isOperand() bool {
	return m.isCallable() || m.kind == value || m.ch == ')' || m.ch == ']'
}
