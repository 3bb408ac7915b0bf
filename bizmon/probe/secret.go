package probe

import (
	"cmp"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	hidden    = "[hidden]"
	minSecret = 4   // bytes; less would tear ordinary words apart
	minBare   = 8   // bytes; less may come about by chance
	maxDetail = 300 // bytes of a failure's sentence, part of which others wrote
)

// secrets is what a target's sentences must not show: as it is, as URLs, HTML
// and quoted text write it, and bare, to find it in another guise.
type secrets struct {
	written []string // the longest first: one may be part of another
	bare    []string
}

func newSecrets(list []string) (out secrets) {
	for _, s := range list {
		if len(s) < minSecret {
			continue
		}
		out.written = append(out.written, s, url.QueryEscape(s), url.PathEscape(s), html.EscapeString(s),
			unquoted(strconv.Quote(s)), unquoted(strconv.QuoteToASCII(s)))
		if b := bare(s); len(b) >= minBare {
			out.bare = append(out.bare, b)
		}
	}
	slices.SortFunc(out.written, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	out.written = slices.Compact(out.written)
	return out
}

func unquoted(s string) string { return s[1 : len(s)-1] }

// tidy makes a sentence fit for a log line: short, one line, no secrets. One in
// which a secret is left that could not be cut out is hidden as a whole.
func (s secrets) tidy(sentence string) string {
	sentence = s.hide(sentence)
	sentence = strings.Join(strings.Fields(strings.ToValidUTF8(sentence, "\uFFFD")), " ")
	sentence = s.hide(sentence) // one that was broken by a space
	naked := bare(sentence)
	if slices.ContainsFunc(s.bare, func(b string) bool { return strings.Contains(naked, b) }) {
		return hidden
	}
	if len(sentence) > maxDetail {
		cut := maxDetail
		for !utf8.RuneStart(sentence[cut]) {
			cut--
		}
		sentence = sentence[:cut] + "…"
	}
	return sentence
}

func (s secrets) hide(sentence string) string {
	for _, secret := range s.written {
		sentence = strings.ReplaceAll(sentence, secret, hidden)
	}
	return sentence
}

// bare returns s without what quoting, wrapping and URLs add to it.
func bare(s string) string {
	if plain, err := url.PathUnescape(s); err == nil {
		s = plain
	}
	return strings.Map(func(r rune) rune {
		if r == '\\' || unicode.IsSpace(r) || unicode.IsControl(r) {
			return -1
		}
		return r
	}, s)
}

// words returns a header's value, its words, and the values of its parameters:
// the token of "Bearer token", of "session=token; path=/".
func words(value string) []string {
	out := []string{value}
	for _, w := range strings.FieldsFunc(value, func(r rune) bool { return unicode.IsSpace(r) || r == ';' || r == ',' }) {
		out = append(out, w)
		if _, v, ok := strings.Cut(w, "="); ok {
			out = append(out, strings.Trim(v, `"`))
		}
	}
	return out
}
