package promapi

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
)

// secrets are the words that nothing of a call may say: the credentials of its
// requests, and what is in the query of the server's URL.
type secrets struct{ words []string }

type secretsKey struct{}

// withSecrets returns a context that knows the secrets of a call.
func (c *config) withSecrets(ctx context.Context) context.Context {
	s := &secrets{}
	for _, values := range c.url.Query() {
		for _, v := range values {
			s.add(v)
		}
	}
	return context.WithValue(ctx, secretsKey{}, s)
}

// add adds a word, unless that is a setting such as ?partial_response=false and
// ?max_source_resolution=5m have.
func (s *secrets) add(word string) {
	if _, err := strconv.ParseBool(word); err != nil && len(word) > 3 {
		s.words = append(s.words, word)
	}
}

// sent adds what a request's Authorization header has.
func sent(ctx context.Context, authorization string) {
	s, ok := ctx.Value(secretsKey{}).(*secrets)
	if !ok {
		return
	}
	scheme, secret, _ := strings.Cut(authorization, " ")
	words := []string{secret}
	if scheme == "Basic" {
		pair, _ := base64.StdEncoding.DecodeString(secret)
		_, password, _ := strings.Cut(string(pair), ":")
		words = append(words, password, url.QueryEscape(password))
	}
	for _, w := range words {
		if w != "" {
			s.words = append(s.words, w)
		}
	}
}

// say is what a server said in a call, for an error or a log line: without
// secrets, should it have said them, in whichever way JSON and Go write them; on
// one line and not too long.
func say(ctx context.Context, text string) string {
	if s, ok := ctx.Value(secretsKey{}).(*secrets); ok {
		for _, word := range s.words {
			quoted := strconv.Quote(word)
			inJSON, _ := json.Marshal(word)
			for _, form := range []string{word, quoted[1 : len(quoted)-1], string(inJSON[1 : len(inJSON)-1])} {
				text = strings.ReplaceAll(text, form, "(hidden)")
			}
		}
	}
	return clip(text)
}
