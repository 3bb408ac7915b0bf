package sqltext_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/sqltext"
)

// check holds what is true of every analysis.
func check(t *testing.T, sql string) sqltext.Info {
	t.Helper()
	info := sqltext.Analyze(sql)
	require.Len(t, info.Hash, 16)
	require.NotEmpty(t, info.Type)
	require.LessOrEqual(t, len(info.Type), 16)
	require.Equal(t, strings.ToUpper(info.Type), info.Type)
	require.LessOrEqual(t, len(info.Text), 3*len(sql)+3)
	again := sqltext.Analyze(sql)
	require.Equal(t, info, again)
	return info
}

func FuzzAnalyze(f *testing.F) {
	for _, c := range corpus {
		f.Add(c.sql)
	}
	for _, sql := range []string{"$", "$$", "$a", "'", "e'\\", "u&'", "\"", "/*", "--", "a.", "1e", "@", "::", "\x00", "\xff", "'\xff\xfe"} {
		f.Add(sql)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		info := check(t, sql)
		if utf8.ValidString(sql) && len(sql) < 16<<10 {
			require.True(t, utf8.ValidString(info.Text))
			require.True(t, utf8.ValidString(info.Table))
		}
	})
}

// secret is in the literals, and nowhere else.
const secret = "s3cr3t"

// literals are ways to write a value, with a place for its text.
var literals = []string{
	"'%s'", "'it''s %s'", "'%s\\'", "E'\\'%s'", "e'\\\\%s'", "N'%s'", "U&'%s'", "B'%s'", "$$%s ' \" $$", "$tag$%s $other$ ' $tag$",
	"'%s' \n '%s'", "'-- %s'", "'/* %s'", "'$$ %s'", "'\"%s'", "/* it's %s */ 1", "/* a /* b */ '%s */ 1", "1 -- it's %s\n",
	"1/* %s' */", "$été$%s$été$", "''/**/'%s'",
}

// glue is what may stand right before a literal.
var glue = []string{" ", "=", "= ", "(", ",", "||", "<", "/", "/*x*/", "--x'\n", "a/", "!=", "->", "@>", "#>", "?", "::text=", "\n"}

func leakless(t *testing.T, sql string) {
	t.Helper()
	info := check(t, sql)
	require.NotContains(t, info.Text, secret, sql)
	require.NotContains(t, info.Table, secret, sql)
	require.NotContains(t, info.Type, strings.ToUpper(secret), sql)
}

// TestNoLiteralSurvives puts literals of all kinds into all statements, in
// place of their own and after their ends.
func TestNoLiteralSurvives(t *testing.T) {
	t.Parallel()
	for _, c := range corpus {
		if strings.ContainsAny(c.sql, "'$") || strings.HasSuffix(c.sql, "-- ping") || strings.Contains(c.sql, "the end") {
			continue // the place may be within a literal or comment, where it turns things around
		}
		for _, g := range glue {
			for _, l := range literals {
				leakless(t, c.sql+g+strings.ReplaceAll(l, "%s", secret)+" , a")
			}
		}
	}
}

// FuzzLeak strings literals and fragments together as the fuzzer says.
func FuzzLeak(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3})
	f.Add([]byte{200, 3, 100, 7, 9, 250})
	f.Fuzz(func(t *testing.T, choices []byte) {
		if len(choices) > 64 {
			return
		}
		var sql strings.Builder
		sql.WriteString("SELECT a FROM t WHERE b ")
		for i, c := range choices {
			n := int(c)
			if i%2 == 0 {
				sql.WriteString(glue[n%len(glue)])
			} else {
				sql.WriteString(strings.ReplaceAll(literals[n%len(literals)], "%s", secret))
			}
		}
		leakless(t, sql.String())
	})
}

// TestAMillionRandomStatementsStayBounded: neither what is kept nor what a
// statement turns into has no end.
func TestAMillionRandomStatementsStayBounded(t *testing.T) {
	t.Parallel()
	n := 1_000_000
	if testing.Short() || raceEnabled {
		n = 50_000
	}
	const count, bytes = 256, 64 << 10
	c := sqltext.NewCache(count, bytes, sqltext.Analyze)
	random := rand.New(rand.NewPCG(1, 2))
	words := strings.Fields("select from where with as ( ) , ; ' \" $$ $1 /* */ -- insert into t update set values 1 = || union \x00 \xff 股票")
	var sql []byte
	for i := range n {
		sql = sql[:0]
		for range 1 + random.IntN(12) {
			sql = append(append(sql, words[random.IntN(len(words))]...), ' ')
		}
		sql = fmt.Appendf(sql, "%d", i)
		info := c.Get(string(sql))
		if len(info.Hash) != 16 || info.Type == "" {
			t.Fatalf("%q: %+v", sql, info)
		}
		if i%10_000 == 0 {
			kept, size := c.Len()
			require.LessOrEqual(t, kept, count)
			require.LessOrEqual(t, size, bytes)
		}
	}
	types := map[string]bool{}
	for _, e := range corpus {
		types[sqltext.Analyze(e.sql).Type] = true
	}
	require.LessOrEqual(t, len(types), 45, "%v", slices.Collect(func(yield func(string) bool) {
		for k := range types {
			if !yield(k) {
				return
			}
		}
	}))
}
