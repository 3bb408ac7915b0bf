package keypattern_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/keypattern"
)

func TestFind(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"stock:daily:600519":                           "stock:daily:*",
		"stock:daily:600519.SH":                        "stock:daily:*",
		"stock:daily:AAPL":                             "stock:daily:*",
		"stock:daily:BRK.B":                            "stock:daily:*",
		"stock_daily_600519":                           "stock_daily_*",
		"stock/daily/600519":                           "stock/daily/*",
		"user:1001:profile":                            "user:*:profile",
		"user:1001:1002":                               "user:*:*",
		"{user:1001}:cart":                             "{user:*}:cart",
		"kline:2024-01-02":                             "kline:*",
		"kline:2024-01-02T15:04:05Z:1m":                "kline:*:*:*:*",
		"kline:20240102:minute":                        "kline:*:minute",
		"session:550e8400-e29b-41d4-a716-446655440000": "session:*",
		"session:deadbeef-cafe-babe-dead-beefdeadbeef": "session:*",
		"file:d41d8cd98f00b204e9800998ecf8427e":        "file:*",
		"file:deadbeefdeadbeef:meta":                   "file:*:meta",
		"cache:v2:quote:1":                             "cache:v2:quote:*",
		"userProfile:7":                                "userProfile:*",
		"real-time:600519":                             "real-time:*",
		"session:alice":                                "session:*",
		"session:alice:":                               "session:*",
		"leaderboard":                                  "*",
		"alice@example.com":                            "*",
		"mail:alice@example.com:inbox":                 "mail:*:inbox",
		"mail:alice.smith@example.com":                 "mail:*",
		"token:eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozj": "token:*",
		"股票:600519":                            "*:*",
		"":                                     "*",
		":":                                    ":*",
		"a:b:c:d:e:f:g:h:i:j":                  "a:b:c:d:e:f:g:h:*",
		"0" + strings.Repeat("}", 200):         "*" + strings.Repeat("}", 119) + "*",
		"a" + strings.Repeat("-", 200) + "b:1": "a--b:*",
		"x:\x00\xff":                           "x:*",
		strings.Repeat("longword", 10) + ":1":  "*:*",
		"q:" + strings.Repeat("9", 5000) + ":tail": "q:*",
	} {
		require.Equal(t, want, find(extractor(t, nil), key), "%q", key)
	}
}

func TestRulesComeFirst(t *testing.T) {
	t.Parallel()
	x := extractor(t, func(c *keypattern.Config) {
		c.Rules = []string{"leaderboard", "user:*:profile", "tenant:*", "a*b", "day:*-*:x"}
	})
	for key, want := range map[string]string{
		"leaderboard":        "leaderboard",
		"leaderboards":       "*",
		"user:alice:profile": "user:*:profile",
		"user::profile":      "user:*",
		"user:a:b:profile":   "user:a:b:*",
		"tenant:acme:cart":   "tenant:*",
		"tenant:":            "*",
		"axbxb":              "a*b",
		"ab":                 "*",
		"day:1-2:x":          "day:*-*:x",
	} {
		got := find(x, key)
		if want == "*" || want == "user:*" {
			require.Contains(t, got, "*", key)
			require.NotContains(t, []string{"leaderboard", "user:*:profile", "tenant:*", "a*b"}, got, key)
			continue
		}
		require.Equal(t, want, got, key)
	}
}

func TestWordsAreTheOnlyOnesThatStay(t *testing.T) {
	t.Parallel()
	x := extractor(t, func(c *keypattern.Config) { c.Words = []string{"user", "profile", "K1"} })
	require.Equal(t, "user:*:profile", find(x, "user:alice:profile"))
	require.Equal(t, "*:*", find(x, "stock:daily"))
	require.Equal(t, "K1:*", find(x, "K1:7"))
}

func TestNamesOfThingsAreNotKept(t *testing.T) {
	t.Parallel()
	x := extractor(t, func(c *keypattern.Config) { c.Crowd = 3 })
	names := []string{"alice", "bob", "carol", "dave", "erin"}
	var got []string
	for _, n := range names {
		got = append(got, find(x, "user:"+n+":profile"))
	}
	require.Equal(t, []string{"user:alice:*", "user:bob:*", "user:carol:*", "user:*:profile", "user:*:profile"}, got)
	require.Equal(t, "user:alice:*", find(x, "user:alice:x"), "known ones keep their pattern")
	require.Equal(t, "stock:daily:*", find(x, "stock:daily:1"), "other prefixes are as they were")
}

func TestNewSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]keypattern.Config{
		"limit 0":       {Crowd: 1},
		"limit 1: want": {Limit: 1, Crowd: 1, Rules: []string{"a", "b"}},
		"crowd 0":       {Limit: 1},
		`rule ""`:       {Limit: 1, Crowd: 1, Rules: []string{""}},
		"two stars":     {Limit: 1, Crowd: 1, Rules: []string{"a**"}},
		"printable":     {Limit: 1, Crowd: 1, Rules: []string{"a\n"}},
		"stands for":    {Limit: 1, Crowd: 1, Rules: []string{"other"}},
	} {
		_, err := keypattern.New(c)
		require.ErrorContains(t, err, want)
	}
}

// TestBounded: a million random keys give no more patterns than the limit, and
// the same ones to all goroutines.
func TestBounded(t *testing.T) {
	t.Parallel()
	const limit, keys, workers = 50, 1_000_000, 4
	var overflow sync.Map
	var mu sync.Mutex
	var overflows int
	x := extractor(t, func(c *keypattern.Config) {
		c.Limit = limit
		c.Overflow = func() { mu.Lock(); overflows++; mu.Unlock() }
	})
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(w)))
			var sc keypattern.Scratch
			for range keys / workers {
				p := x.Find(&sc, randomKey(r))
				if p.ID < 0 || p.ID > limit {
					panic(fmt.Sprint("ID ", p.ID))
				}
				overflow.LoadOrStore(p.ID, p.Name)
			}
		})
	}
	all.Wait()
	require.Equal(t, limit, x.Patterns())
	require.Positive(t, overflows)
	n := 0
	overflow.Range(func(_, _ any) bool { n++; return true })
	require.LessOrEqual(t, n, limit+1)
}

// TestShortCut: the way that most keys take gives what the long one gives, which
// an extractor with a rule takes.
func TestShortCut(t *testing.T) {
	t.Parallel()
	short := extractor(t, func(c *keypattern.Config) { c.Limit, c.Crowd = 500, 5 })
	long := extractor(t, func(c *keypattern.Config) { c.Limit, c.Crowd, c.Rules = 501, 5, []string{"no such key"} })
	r := rand.New(rand.NewPCG(2, 2))
	heads := []string{"stock:", "stock:daily:", "{user:1}:", "a_b:", "x/y/", "alice:bob:", "v2:", "A:", "é:", "a:b:c:d:e:f:g:h:i:", ":", "c:"}
	tails := []string{"1", "600519.SH", "AAPL", "_1", "1_", "-", "", "daily", "550e8400-e29b-41d4-a716-446655440000", "x1", "\x00", "2024-01-02"}
	for range 200_000 {
		key := randomKey(r)
		if r.IntN(2) == 0 {
			key = heads[r.IntN(len(heads))] + tails[r.IntN(len(tails))]
		}
		var sc keypattern.Scratch
		want := find(long, key)
		require.Equal(t, want, find(short, key), "%q", key)
		require.Equal(t, want, short.FindBytes(&sc, []byte(key)).Name, "%q", key)
	}
}

func randomKey(r *rand.Rand) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABC0123456789:::_-./|{}@ \x00\xff"
	b := make([]byte, r.IntN(40))
	for i := range b {
		b[i] = letters[r.IntN(len(letters))]
	}
	return string(b)
}
