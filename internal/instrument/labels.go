package instrument

import (
	"strings"
)

// Labels is the label values of one series, with its text rendered in advance
// for each way in which the labels are named.
type Labels struct {
	values []string
	text   []string // by naming: `method="GET",endpoint="/x"`
}

// Values returns the values, in the order of the catalogue's label names. The
// caller must not change them.
func (l *Labels) Values() []string { return l.values }

// appendText appends the rendered pairs under one naming. A naming that came
// after the series was born is rendered here.
func (l *Labels) appendText(b []byte, naming int, names []string) []byte {
	if naming < len(l.text) {
		return append(b, l.text[naming]...)
	}
	return appendPairs(b, names, l.values)
}

func newLabels(namings [][]string, values []string) Labels {
	l := Labels{values: values, text: make([]string, len(namings))}
	var b []byte
	for i, names := range namings {
		b = appendPairs(b[:0], names, values)
		l.text[i] = string(b)
	}
	return l
}

func appendPairs(b []byte, names, values []string) []byte {
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, name...)
		b = append(b, '=', '"')
		b = appendEscaped(b, values[i])
		b = append(b, '"')
	}
	return b
}

// appendEscaped appends a label value as the text formats want it.
func appendEscaped(b []byte, s string) []byte {
	for i := range len(s) {
		switch c := s[i]; c {
		case '\\':
			b = append(b, '\\', '\\')
		case '\n':
			b = append(b, '\\', 'n')
		case '"':
			b = append(b, '\\', '"')
		default:
			b = append(b, c)
		}
	}
	return b
}

// clean returns values that an exposition may carry: valid UTF-8, and owned,
// so that a label cut from a request does not keep the request alive.
func clean(values []string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = strings.Clone(strings.ToValidUTF8(v, "\uFFFD"))
	}
	return out
}

// key joins values into a map key. Lengths are part of it, so that no two
// lists of values share one.
func appendKey(b []byte, values []string) []byte {
	for _, v := range values {
		n := len(v)
		for n >= 0x80 {
			b = append(b, byte(n)|0x80)
			n >>= 7
		}
		b = append(b, byte(n))
		b = append(b, v...)
	}
	return b
}
