package keypattern

const (
	maxKey     = 256 // bytes of a key that are looked at
	maxPattern = 120 // bytes of a pattern
	maxTokens  = 8   // words and stars of a pattern
	maxSeps    = 2   // minor separators in a row
	maxRun     = 32  // bytes of a word whose segment may have words that stay
)

// What a byte of a key is.
const (
	foreign = iota // makes its segment a "*"
	inWord
	minor // separates words within a segment
	major // separates segments
)

var classes = func() (t [256]uint8) {
	for c := range t {
		switch b := byte(c); {
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9':
			t[c] = inWord
		case b == '.' || b == '_' || b == '-':
			t[c] = minor
		case b == ':' || b == '/' || b == '|' || b == '{' || b == '}':
			t[c] = major
		}
	}
	return t
}()

// writer builds one pattern.
type writer struct {
	x      *Extractor
	state  *state
	dst    []byte
	tokens int
	stars  int
	word   int // where the last word that stayed begins
}

// normalise appends the pattern of the key, without rules and bound.
func (x *Extractor) normalise(s *state, dst, key []byte) []byte {
	w := writer{x: x, state: s, dst: dst, word: -1}
	cut := len(key) > maxKey
	if cut {
		key = key[:maxKey]
	}
	for i := 0; i < len(key); {
		if classes[key[i]] == major && len(w.dst) < maxPattern {
			w.dst = append(w.dst, key[i])
			i++
			continue
		}
		end, plain := segment(key[i:])
		end += i
		if w.tokens >= maxTokens || len(w.dst) >= maxPattern {
			w.star()
			return w.dst
		}
		if !plain || (cut && end == len(key)) || isUUID(key[i:end]) {
			w.star()
		} else {
			w.segment(key[i:end])
		}
		i = end
	}
	if w.stars == 0 { // everything would stay
		if w.word >= 0 {
			w.dst = w.dst[:w.word]
		}
		w.star()
	}
	return w.dst
}

// segment is how far a segment goes and whether it is made of words. One word
// that is too long, a token's part, spoils it.
func segment(key []byte) (end int, plain bool) {
	plain = true
	run := 0
	for i, c := range key {
		switch classes[c] {
		case major:
			return i, plain
		case inWord:
			run++
			plain = plain && run <= maxRun
		case minor:
			run = 0
		default:
			plain = false
		}
	}
	return len(key), plain
}

// segment writes a segment word by word. Stars that only minor separators keep
// apart are one: a date is.
func (w *writer) segment(seg []byte) {
	starred := false // the last thing written is a star of this segment
	for i := 0; i < len(seg); {
		begin := i
		for begin < len(seg) && classes[seg[begin]] == minor {
			begin++
		}
		end := begin
		for end < len(seg) && classes[seg[end]] == inWord {
			end++
		}
		seps, word := seg[i:begin], seg[begin:end]
		i = end
		mark := len(w.dst)
		w.dst = append(w.dst, seps[:min(len(seps), maxSeps)]...)
		switch {
		case len(word) > 0 && w.keeps(word):
			starred = false
		case starred:
			w.dst = w.dst[:mark]
		case len(word) > 0:
			w.star()
			starred = true
		}
	}
}

// keeps writes the word if it may stay.
func (w *writer) keeps(word []byte) bool {
	if w.tokens >= maxTokens || len(w.dst)+len(word) > maxPattern {
		return false
	}
	if w.x.words != nil {
		if _, ok := w.x.words[string(word)]; !ok {
			return false
		}
	} else if !speakable(word) {
		return false
	}
	at := len(w.dst)
	_, crowded := w.state.crowded[string(w.dst)]
	w.dst = append(w.dst, word...)
	if crowded {
		if _, known := w.state.known[string(w.dst)]; !known {
			w.dst = w.dst[:at]
			return false
		}
	}
	w.word = at
	w.tokens++
	return true
}

func (w *writer) star() {
	if len(w.dst) > maxPattern {
		w.dst = w.dst[:maxPattern]
	}
	w.dst = append(w.dst, '*')
	w.stars++
	w.tokens++
}
