package elastic

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// redacted stands where a secret was.
const redacted = "[redacted]"

// secretNames are the ends of names, folded, of what is secret.
var secretNames = []string{
	"password", "passwd", "pwd", "passphrase", "secret", "token", "authorization", "cookie",
	"credential", "credentials", "apikey", "accesskey", "privatekey", "dsn",
}

// redactor knows what is secret. It is safe for concurrent use.
type redactor struct{ names []string }

func newRedactor(more []string) *redactor {
	r := &redactor{names: slices.Clone(secretNames)}
	for _, name := range more {
		r.names = append(r.names, fold(name))
	}
	return r
}

// fold is the letters and digits of a name, in lower case.
func fold(name string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c >= 'A' && c <= 'Z':
			return c + 'a' - 'A'
		case c >= 'a' && c <= 'z', unicode.IsLetter(c), unicode.IsDigit(c):
			return c
		}
		return -1
	}, name)
}

// secret reports whether an attribute of that name is.
func (r *redactor) secret(name string) bool {
	folded := fold(name)
	for _, end := range r.names {
		if strings.HasSuffix(folded, end) {
			return true
		}
	}
	return false
}

// Secrets within a text: a URL's credentials, what follows an authorization
// scheme, and what is assigned to a secret's name.
var (
	urlSecret    = regexp.MustCompile(`(://)(?:[^/\s"']+|[^/\s"':@]+:[^\s"'@]*)@`)
	schemeSecret = regexp.MustCompile(`(?i)\b(bearer|basic|apikey)(\s+)[a-z0-9._~+/=-]{6,}`)
	assigned     = regexp.MustCompile(`(?i)\b([a-z0-9_.-]*(?:password|passwd|pwd|passphrase|secret|token|api[_-]?key|access[_-]?key))((?:\\?["'])?\s*[=:]\s*)(?:\\?"[^"]*"|\\?'[^']*'|[^\s&"']+)`)
)

// scrub replaces the secrets within a text. Most texts have nothing that looks
// like one, and are looked through once.
func (r *redactor) scrub(s string) string {
	if len(s) > mostText {
		s = s[:mostText]
	}
	if strings.Contains(s, "://") {
		s = urlSecret.ReplaceAllString(s, "${1}"+redacted+"@")
	}
	if !strings.ContainsAny(s, "=: ") {
		return s
	}
	if suspicious(s) {
		s = schemeSecret.ReplaceAllString(s, "${1}${2}"+redacted)
		s = assigned.ReplaceAllString(s, "${1}${2}"+redacted)
	}
	return s
}

// suspicious reports whether a text has a word in it that a secret may follow.
func suspicious(s string) bool {
	for i := range len(s) - 2 {
		switch s[i] | 0x20 {
		case 'b': // bearer, basic
			if s[i+1]|0x20 == 'e' && s[i+2]|0x20 == 'a' || s[i+1]|0x20 == 'a' && s[i+2]|0x20 == 's' {
				return true
			}
		case 'p': // password, passwd, pwd, passphrase
			if s[i+1]|0x20 == 'a' && s[i+2]|0x20 == 's' || s[i+1]|0x20 == 'w' && s[i+2]|0x20 == 'd' {
				return true
			}
		case 's': // secret
			if s[i+1]|0x20 == 'e' && s[i+2]|0x20 == 'c' {
				return true
			}
		case 't': // token
			if s[i+1]|0x20 == 'o' && s[i+2]|0x20 == 'k' {
				return true
			}
		case 'k': // api key, access key
			if s[i+1]|0x20 == 'e' && s[i+2]|0x20 == 'y' {
				return true
			}
		}
	}
	return false
}
