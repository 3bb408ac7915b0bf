package sqltext

// class says where a byte may stand. A byte can be of several.
type class uint8

const (
	space     class = 1 << iota
	wordStart       // begins an identifier: letters, _, all that is not ASCII
	wordPart        // goes on with one: digits and $ too
	odd             // in an identifier, but no ASCII letter
	digit
	capital // ASCII only, as PostgreSQL folds where the encoding has several bytes a character; 0x20, which makes it small
	operator
	special // in an operator, of those that SQL's own do not have
)

var classes = func() (classes [256]class) {
	for c := range classes {
		switch {
		case c == ' ' || c >= '\t' && c <= '\r':
			classes[c] = space
		case c >= '0' && c <= '9':
			classes[c] = wordPart | odd | digit
		case c >= 'A' && c <= 'Z':
			classes[c] = wordStart | wordPart | capital
		case c >= 'a' && c <= 'z':
			classes[c] = wordStart | wordPart
		case c == '_', c >= 0x80:
			classes[c] = wordStart | wordPart | odd
		}
	}
	classes['$'] = wordPart | odd
	for _, c := range "+-*/<>=" {
		classes[c] = operator
	}
	for _, c := range "~!@#%^&|`?" {
		classes[c] = operator | special
	}
	return classes
}()

// appendLower appends a word as PostgreSQL folds it.
func appendLower(b []byte, word string) []byte {
	for i := range len(word) {
		b = append(b, word[i]|byte(classes[word[i]]&capital))
	}
	return b
}
