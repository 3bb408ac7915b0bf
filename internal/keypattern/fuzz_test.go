package keypattern_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/chronoretrace/chronomon/internal/keypattern"
)

// separators are the bytes of a key that may come through as they are.
var (
	separators = regexp.MustCompile(`[:/|{}._*-]+`)
	version    = regexp.MustCompile(`^v\d{1,2}$`)
	letters    = regexp.MustCompile(`^[A-Za-z]{1,24}$`)
	lower      = regexp.MustCompile(`[a-z]`)
)

// FuzzFind: whatever the key, its pattern is bounded, has a star, and holds
// nothing of the key but separators and words of few letters.
func FuzzFind(f *testing.F) {
	for _, s := range []string{
		"stock:daily:600519", "user:alice:profile", "", ":", "*", "a*b", "x:\xff", "{a}.b-c_d|e/f",
		"550e8400-e29b-41d4-a716-446655440000", strings.Repeat("a:", 200), strings.Repeat("é", 300),
	} {
		f.Add(s)
	}
	x := extractor(f, func(c *keypattern.Config) { c.Limit = 1000; c.Crowd = 5 })
	f.Fuzz(func(t *testing.T, key string) {
		var sc keypattern.Scratch
		p := x.Find(&sc, key)
		if again := x.FindBytes(&sc, []byte(key)); again != p && again.ID != keypattern.OtherID {
			t.Fatalf("%q gives %q and then %q", key, p.Name, again.Name)
		}
		if p.ID == keypattern.OtherID {
			return
		}
		if len(p.Name) > 130 || !strings.Contains(p.Name, "*") || p.ID > 1000 {
			t.Fatalf("%q gives %q, number %d", key, p.Name, p.ID)
		}
		for _, w := range separators.Split(p.Name, -1) {
			if w == "" || version.MatchString(w) {
				continue
			}
			if !letters.MatchString(w) || !lower.MatchString(w) || !strings.Contains(key, w) {
				t.Fatalf("%q gives %q: %q should not be there", key, p.Name, w)
			}
		}
	})
}
