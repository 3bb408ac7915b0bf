// Package redact replaces secrets before they leave: the values of attributes
// that are secret by their names, and what looks like one within a text.
package redact

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Mark stands where a secret was.
const Mark = "[redacted]"

// secretNames are the ends of names, folded, of what is secret.
var secretNames = []string{
	"password", "passwords", "passwd", "pwd", "passphrase", "secret", "secrets", "token", "authorization", "cookie",
	"credential", "credentials", "apikey", "accesskey", "privatekey", "dsn",
}

// Redactor knows what is secret. It is safe for concurrent use.
type Redactor struct{ names []string }

// New returns a redactor to which further names are secret.
func New(names ...string) *Redactor {
	r := &Redactor{names: slices.Clone(secretNames)}
	for _, name := range names {
		r.names = append(r.names, fold(name))
	}
	return r
}

// Valid reports whether a name has what New looks at: letters or digits.
func Valid(name string) bool { return fold(name) != "" }

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

// Secret reports whether an attribute or a group of that name is: whether the name
// ends in one of those that are, in any case and with any separators.
func (r *Redactor) Secret(name string) bool {
	folded := fold(name)
	for _, end := range r.names {
		if strings.HasSuffix(folded, end) {
			return true
		}
	}
	return false
}

const (
	// name ends in what a secret is called by, in a text.
	name = `[a-z0-9_.-]*(?:passwords?|passwd|pwd|passphrase|secrets?|token|credentials?|api[_-]?key|access[_-]?key|private[_-]?key|dsn)`
	// value is in quotes, which may be escaped, or without spaces.
	value = `(?:\\?"[^"]*"|\\?'[^']*'|[^\s&"']+)`
)

// Secrets within a text.
var (
	// urls are a URL's credentials, and those of MySQL's DSN.
	urls  = regexp.MustCompile(`(://)(?:[^/\s"']+|[^/\s"':@]+:[^\s"'@]*)@`)
	mysql = regexp.MustCompile(`[^\s"'=:@/]+:[^\s"']+@((?:tcp|unix)\()`)
	// headers are what follows a header's name up to the end of the line or quote.
	headers = regexp.MustCompile(`(?i)\b((?:set-)?cookie|(?:proxy-)?authorization)((?:\\?["'])?\s*[=:]\s*(?:\\?["'])?)[^\r\n"']+`)
	schemes = regexp.MustCompile(`(?i)\b(bearer|basic|apikey)(\s+(?:\\?["'])?)[a-z0-9._~+/=-]{6,}`)
	// assigned, flagged and tagged are what is given a secret's name: in code, JSON,
	// forms and queries, on a command line, in XML.
	assigned = regexp.MustCompile(`(?i)\b(` + name + `)((?:\\?["'])?\s*(?:[=:]|%3d|%3a)\s*)` + value)
	flagged  = regexp.MustCompile(`(?i)(--` + name + `)(\s+)` + value)
	tagged   = regexp.MustCompile(`(?i)(<` + name + `)(>)[^<]+`)
)

// Text returns a text with the secrets in it replaced. Most texts have nothing
// that looks like one, and are looked through once.
func (r *Redactor) Text(s string) string {
	if strings.Contains(s, "://") {
		s = urls.ReplaceAllString(s, "${1}"+Mark+"@")
	}
	if strings.Contains(s, "@tcp(") || strings.Contains(s, "@unix(") {
		s = mysql.ReplaceAllString(s, Mark+"@${1}")
	}
	if suspicious(s) {
		for _, secret := range []*regexp.Regexp{headers, schemes, assigned, flagged, tagged} {
			s = secret.ReplaceAllString(s, "${1}${2}"+Mark)
		}
	}
	return s
}

// suspicious reports whether a text has the beginning of a word in it that a
// secret may follow, and something that may stand between them.
func suspicious(s string) bool {
	if !strings.ContainsAny(s, "=: %>") {
		return false
	}
	for i := range len(s) - 2 {
		switch s[i] | 0x20 {
		case 'a': // authorization
			if s[i+1]|0x20 == 'u' && s[i+2]|0x20 == 't' {
				return true
			}
		case 'b': // bearer, basic
			if s[i+1]|0x20 == 'e' && s[i+2]|0x20 == 'a' || s[i+1]|0x20 == 'a' && s[i+2]|0x20 == 's' {
				return true
			}
		case 'c': // cookie, credentials
			if s[i+1]|0x20 == 'o' && s[i+2]|0x20 == 'o' || s[i+1]|0x20 == 'r' && s[i+2]|0x20 == 'e' {
				return true
			}
		case 'd': // dsn
			if s[i+1]|0x20 == 's' && s[i+2]|0x20 == 'n' {
				return true
			}
		case 'k': // api key, access key, private key
			if s[i+1]|0x20 == 'e' && s[i+2]|0x20 == 'y' {
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
		}
	}
	return false
}
