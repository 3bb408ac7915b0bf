package keypattern

import (
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
)

// Other is the pattern of keys past the bound.
const Other = "other"

// OtherID is Other's number.
const OtherID = 0

// Config says which patterns there are.
type Config struct {
	// Rules are patterns that come first, in order. A "*" stands for one or
	// more bytes other than ":", and at the end for all that follows.
	Rules []string
	// Words are the only words that stay, if there are any.
	Words []string
	// Limit is how many patterns there may be besides Other.
	Limit int
	// Crowd is how many words may follow one prefix.
	Crowd int
	// Overflow is called for each key that is past the limit. It must be quick.
	Overflow func()
}

// A Pattern is what some keys have in common.
type Pattern struct {
	Name string
	ID   int // 1 to Limit, OtherID for Other
}

// Extractor finds the patterns of keys. It is safe for concurrent use.
type Extractor struct {
	rules    []rule
	words    map[string]struct{}
	limit    int
	crowd    int
	overflow func()
	other    *Pattern

	state atomic.Pointer[state]

	mu       sync.Mutex
	children map[string]int // guarded by mu; how many words follow a prefix
}

// state is what has been seen. It is replaced, never changed.
type state struct {
	patterns map[string]*Pattern
	heads    map[string]*Pattern // those that are a literal head and a star, by the head
	known    map[string]struct{} // prefixes that end in a word
	crowded  map[string]struct{} // prefixes that take no further words
}

// New returns an extractor, or an error that says what is wrong with which rule
// or number.
func New(c Config) (*Extractor, error) {
	x := &Extractor{limit: c.Limit, crowd: c.Crowd, overflow: c.Overflow, other: &Pattern{Name: Other, ID: OtherID}, children: map[string]int{}}
	if c.Limit < len(c.Rules) || c.Limit < 1 {
		return nil, fmt.Errorf("limit %d: want at least 1, and one for each rule", c.Limit)
	}
	if c.Crowd < 1 {
		return nil, fmt.Errorf("crowd %d: want at least 1", c.Crowd)
	}
	if x.overflow == nil {
		x.overflow = func() {}
	}
	s := &state{patterns: map[string]*Pattern{}, heads: map[string]*Pattern{}, known: map[string]struct{}{}, crowded: map[string]struct{}{}}
	for _, text := range c.Rules {
		r, err := parseRule(text)
		if err != nil {
			return nil, err
		}
		p := s.patterns[text]
		if p == nil {
			p = &Pattern{Name: text, ID: len(s.patterns) + 1}
			s.patterns[text] = p
		}
		r.pattern = p
		x.rules = append(x.rules, r)
	}
	if len(c.Words) > 0 {
		x.words = map[string]struct{}{}
		for _, w := range c.Words {
			x.words[w] = struct{}{}
		}
	}
	x.state.Store(s)
	return x, nil
}

// Scratch is what finding a pattern needs room for.
type Scratch struct {
	key     [maxKey + 1]byte
	pattern [2 * maxPattern]byte
}

// Find returns the pattern of the key. The scratch must not be in use by
// another goroutine.
func (x *Extractor) Find(sc *Scratch, key string) *Pattern {
	if i := tail(x, key); i > 0 {
		if p := x.state.Load().heads[key[:i]]; p != nil {
			return p
		}
	}
	return x.find(sc, sc.key[:copy(sc.key[:], key)])
}

// FindBytes is Find for a key in bytes, which are only read.
func (x *Extractor) FindBytes(sc *Scratch, key []byte) *Pattern {
	if i := tail(x, key); i > 0 {
		if p := x.state.Load().heads[string(key[:i])]; p != nil {
			return p
		}
	}
	return x.find(sc, key)
}

// tail is the short cut for most keys: where the last segment begins, if that
// is sure to become a single star, and 0 if it is not: a segment without small
// letters has no word that stays, unless words are listed.
func tail[K string | []byte](x *Extractor, key K) int {
	if x.words != nil || len(x.rules) > 0 || len(key) > maxKey {
		return 0
	}
	if n := len(key) - uuidLen; n > 0 && classes[key[n-1]] == major && isUUID(key[n:]) {
		return n
	}
	for i := len(key) - 1; i >= 0; i-- {
		c := key[i]
		switch {
		case c >= 'a' && c <= 'z', classes[c] == foreign:
			return 0
		case classes[c] == major:
			if i+1 == len(key) || classes[key[i+1]] != inWord {
				return 0
			}
			return i + 1
		}
	}
	return 0
}

func (x *Extractor) find(sc *Scratch, key []byte) *Pattern {
	for i := range x.rules {
		if x.rules[i].matches(key) {
			return x.rules[i].pattern
		}
	}
	s := x.state.Load()
	name := x.normalise(s, sc.pattern[:0], key)
	if p := s.patterns[string(name)]; p != nil {
		return p
	}
	if len(s.patterns) >= x.limit {
		x.overflow()
		return x.other
	}
	return x.learn(name, key)
}

// isHead reports whether text is what a key may begin with: it has no star, and
// ends where a segment does.
func isHead(text string) bool {
	return text != "" && strings.IndexByte(text, '*') < 0 && classes[text[len(text)-1]] == major
}

// Patterns returns how many patterns there are besides Other.
func (x *Extractor) Patterns() int { return len(x.state.Load().patterns) }

// learn adds a pattern. A prefix that has its crowd of words already takes no
// more: the key is then looked at anew.
func (x *Extractor) learn(name, key []byte) *Pattern {
	x.mu.Lock()
	defer x.mu.Unlock()
	for {
		s := x.state.Load()
		if p := s.patterns[string(name)]; p != nil {
			return p
		}
		if len(s.patterns) >= x.limit {
			x.overflow()
			return x.other
		}
		next := &state{patterns: s.patterns, heads: s.heads, known: maps.Clone(s.known), crowded: s.crowded}
		prefix, full := x.admit(next, name)
		if full {
			next = &state{patterns: s.patterns, heads: s.heads, known: s.known, crowded: maps.Clone(s.crowded)}
			next.crowded[string(prefix)] = struct{}{}
			x.state.Store(next)
			name = x.normalise(next, name[:0], key)
			continue
		}
		p := &Pattern{Name: string(name), ID: len(s.patterns) + 1}
		next.patterns = maps.Clone(s.patterns)
		next.patterns[p.Name] = p
		if head, ok := strings.CutSuffix(p.Name, "*"); ok && isHead(head) {
			next.heads = maps.Clone(s.heads)
			next.heads[head] = p
		}
		x.state.Store(next)
		return p
	}
}

// admit notes the words of a pattern in s. It returns the first prefix that
// takes no more words, and then has noted nothing that counts. mu is held.
func (x *Extractor) admit(s *state, name []byte) (prefix []byte, full bool) {
	type child struct{ prefix, word []byte }
	var fresh [maxTokens + 1]child
	n := 0
	for i := 0; i < len(name); {
		j := i
		for j < len(name) && classes[name[j]] == inWord {
			j++
		}
		if j == i {
			i++
			continue
		}
		if _, ok := s.known[string(name[:j])]; !ok {
			if x.children[string(name[:i])] >= x.crowd {
				return name[:i], true
			}
			if n < len(fresh) {
				fresh[n] = child{name[:i], name[:j]}
				n++
			}
		}
		i = j
	}
	for _, c := range fresh[:n] {
		x.children[string(c.prefix)]++
		s.known[string(c.word)] = struct{}{}
	}
	return nil, false
}
