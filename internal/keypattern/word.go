package keypattern

const (
	maxWord       = 24 // letters of a word that may stay
	maxConsonants = 5  // in a row: as in "lengths"
	maxHumps      = 2  // capitals inside a word, as in "stockPriceDaily"
	minHash       = 8  // letters a to f that look like a hash
)

// speakable reports whether the word is plainly a name, or a version such as v2.
func speakable(w []byte) bool {
	if len(w) == 0 || len(w) > maxWord {
		return false
	}
	if isVersion(w) {
		return true
	}
	var lower, humps, consonants int
	hex := true
	for i, c := range w {
		switch {
		case c >= 'a' && c <= 'z':
			lower++
		case c >= 'A' && c <= 'Z':
			if i > 0 {
				humps++
			}
			c += 'a' - 'A'
		default:
			return false
		}
		hex = hex && c <= 'f'
		if isVowel(c) {
			consonants = 0
		} else if consonants++; consonants > maxConsonants {
			return false
		}
	}
	return lower > 0 && humps <= maxHumps && (!hex || len(w) < minHash)
}

func isVowel(c byte) bool {
	switch c {
	case 'a', 'e', 'i', 'o', 'u', 'y':
		return true
	}
	return false
}

// isVersion reports whether the word is v and one or two digits.
func isVersion(w []byte) bool {
	if len(w) < 2 || len(w) > 3 || w[0] != 'v' {
		return false
	}
	for _, c := range w[1:] {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// uuidLen is the length of a UUID as text.
const uuidLen = 36

// isUUID reports whether the segment has the shape of RFC 9562.
func isUUID[T string | []byte](s T) bool {
	if len(s) != uuidLen {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case !isHex(c):
			return false
		}
	}
	return true
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
