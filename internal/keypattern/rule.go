package keypattern

import (
	"bytes"
	"fmt"
	"strings"
)

// rule is a pattern that a key may match.
type rule struct {
	parts   [][]byte // what stands between the stars
	open    bool     // ends in a star
	pattern *Pattern
}

func parseRule(text string) (rule, error) {
	switch {
	case text == "" || len(text) > maxPattern:
		return rule{}, fmt.Errorf("rule %q: want 1 to %d bytes", text, maxPattern)
	case strings.Contains(text, "**"):
		return rule{}, fmt.Errorf("rule %q: two stars in a row", text)
	case text == Other:
		return rule{}, fmt.Errorf("rule %q: that name stands for keys past the limit", text)
	}
	for _, c := range text {
		if c < ' ' || c == 0x7f || c == '\uFFFD' {
			return rule{}, fmt.Errorf("rule %q: want printable text", text)
		}
	}
	var r rule
	for p := range strings.SplitSeq(text, "*") {
		r.parts = append(r.parts, []byte(p))
	}
	r.open = strings.HasSuffix(text, "*")
	if r.open {
		r.parts = r.parts[:len(r.parts)-1]
	}
	return r, nil
}

// matches reports whether the key has the rule's parts in its stars' places.
func (r *rule) matches(key []byte) bool {
	if !bytes.HasPrefix(key, r.parts[0]) {
		return false
	}
	key = key[len(r.parts[0]):]
	for i, part := range r.parts[1:] {
		if i == len(r.parts)-2 && !r.open { // nothing follows: it has to be the end
			n := len(key) - len(part)
			return n > 0 && bytes.HasSuffix(key, part) && bytes.IndexByte(key[:n], ':') < 0
		}
		n := starEnd(key, part)
		if n < 0 {
			return false
		}
		key = key[n+len(part):]
	}
	return len(key) == 0 != r.open
}

// starEnd is how many bytes a star takes before the part, -1 if it cannot be.
func starEnd(key, part []byte) int {
	for i, c := range key {
		if i > 0 && bytes.HasPrefix(key[i:], part) {
			return i
		}
		if c == ':' {
			return -1
		}
	}
	return -1
}
