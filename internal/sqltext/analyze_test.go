package sqltext_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/sqltext"
)

func TestTypeAndTable(t *testing.T) {
	t.Parallel()
	for _, c := range corpus {
		info := sqltext.Analyze(c.sql)
		require.Equal(t, c.typ, info.Type, c.sql)
		require.Equal(t, c.table, info.Table, c.sql)
	}
}

// TestLayoutMakesNoDifference: neither do letter case, comments, and what
// stands for a value.
func TestLayoutMakesNoDifference(t *testing.T) {
	t.Parallel()
	for _, same := range [][]string{
		{
			"SELECT a, b FROM t WHERE id = 1", "select a,b from t where id=$1", "SELECT\n\ta ,b\nFROM T WHERE ID = 'x'; ",
			"/* c */ SELECT a, b FROM t WHERE id = -1.5e+10 -- d", "select a, b from t where id = @id",
			"select a, b from t where id = E'a\\'b'", "select a, b from t where id = $x$ ' $x$", "select a, b from t where id = 1_000",
			"select a, b from t where id = 'a'\n'b'", "select a, b from t where id = +0xFF", "select a, b from t where id = U&'\\0041'",
		},
		{"select * from t where id in (1)", "select * from t where id in (1, 2, 3)", "select * from t where id IN($1,$2)"},
		{"insert into t (a, b) values (1, 2)", "insert into t(a,b) values (1, -2), ($3, 'x'), (5,6)"},
		{"select array[1]", "select ARRAY [1, 2]"},
		{"select f(a, 1)", "SELECT f ( a , 2 )"},
		{"select a::int - 1", "select a :: int-2"},
	} {
		want := sqltext.Analyze(same[0])
		for _, sql := range same[1:] {
			got := sqltext.Analyze(sql)
			require.Equal(t, want.Text, got.Text, sql)
			require.Equal(t, want.Hash, got.Hash, sql)
		}
	}
	for _, differ := range [][2]string{
		{"select a from t", "select b from t"},
		{`select "A" from t`, `select a from t`},
		{"select a - b from t", "select a + b from t"},
		{"select a from t where b is null", "select a from t where b is not null"},
	} {
		require.NotEqual(t, sqltext.Analyze(differ[0]).Hash, sqltext.Analyze(differ[1]).Hash, "%v", differ)
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"SELECT price FROM stocks WHERE symbol = '600519'":                   "select price from stocks where symbol = ?",
		"select extract(epoch from ts), -1, x-1, (a) - 1 from t where a<>-5": "select extract(epoch from ts), ?, x - ?, (a) - ? from t where a <> ?",
		`INSERT INTO "Order"(a,b) VALUES ($1,now()),($2,now())`:              `insert into "Order"(a, b) values (?, now()), (?, now())`,
		"select a[1], b['x'][2], c[:] from t;;":                              "select a[?], b[?][?], c[:] from t",
		"select data->>'a', tags @> '{x}', n ?| '{y}' from docs":             "select data ->> ?, tags @> ?, n ?| ? from docs",
		"begin; update x set a=1; commit;":                                   "begin; update x set a = ?; commit",
		"":                                                                   "",
	} {
		require.Equal(t, want, sqltext.Analyze(sql).Text, sql)
	}
	info := sqltext.Analyze("SELECT  1")
	sum := sha256.Sum256([]byte("select ?"))
	require.Equal(t, hex.EncodeToString(sum[:])[:16], info.Hash)
}

func TestLongAndDeepStatements(t *testing.T) {
	t.Parallel()
	rows := strings.Repeat("('secret', 1), ", 100_000)
	info := sqltext.Analyze("INSERT INTO t VALUES " + rows + "('secret', 2)")
	require.Equal(t, "INSERT", info.Type)
	require.Equal(t, "t", info.Table)
	require.NotContains(t, info.Text, "secret")
	require.Less(t, len(info.Text), 20<<10)

	const size = 16 << 10 // is looked at
	from := "select" + strings.Repeat(" ", size-len("select * from stocks;")) + " * from stocks"
	for _, whole := range []string{from + ";", from + "; ", " " + from} {
		require.Equal(t, "stocks", sqltext.Analyze(whole).Table)
	}
	for _, cut := range []string{"  " + from, "  " + from + " where a = 'secret'", " " + strings.Replace(from, "stocks", "stocké", 1)} {
		info := sqltext.Analyze(cut)
		require.Empty(t, info.Table, "half a name is none")
		require.Equal(t, "select * from", info.Text)
	}

	require.Equal(t, "select * from t where a = ?", sqltext.Analyze("select * from t where a = '"+strings.Repeat("é", size)+"'").Text)

	for _, deep := range []string{
		strings.Repeat("(", 10_000) + "select 1",
		strings.Repeat("select (", 5000),
		strings.Repeat("select * from (", 5000),
		strings.Repeat("with a as (", 5000),
		strings.Repeat("explain ", 5000),
		strings.Repeat("/*", 8000) + "'secret'",
		strings.Repeat("copy (", 5000) + "select * from t",
	} {
		require.NotContains(t, sqltext.Analyze(deep).Text, "secret")
	}
}

// TestTimeIsLinear: four times the text takes about four times as long, not
// sixteen times.
func TestTimeIsLinear(t *testing.T) {
	t.Parallel()
	quickest := func(sql string) time.Duration {
		best := time.Hour
		for range 10 {
			start := time.Now()
			sqltext.Analyze(sql)
			best = min(best, time.Since(start))
		}
		return best
	}
	for _, piece := range []string{
		";", "(", "[", "(1,", "[1,", "(-", "((1),", "a.", "1;", "/*", "-- \n", "$$", "$a", "'", "set x;", "select (", "select * from (", "from a,", "union table ",
		"with a as (", "with a as (select 1) search by x set ", "explain ", "copy (", "(select 1),", "select * from a, (",
	} {
		sql := strings.Repeat(piece, (16<<10-1)/len(piece)) + "x" // all of it is looked at
		linear := false
		for range 5 { // what else the machine does only adds to the time
			if linear = quickest(sql) < 8*quickest(sql[:len(sql)/4]+"x")+time.Millisecond; linear {
				break
			}
		}
		require.True(t, linear, "%s…", piece)
	}
}

func TestConcurrentAnalysis(t *testing.T) {
	t.Parallel()
	done := make(chan bool)
	for range 4 {
		go func() {
			ok := true
			for range 50 {
				for _, c := range corpus {
					info := sqltext.Analyze(c.sql)
					ok = ok && info.Type == c.typ && info.Table == c.table
				}
			}
			done <- ok
		}()
	}
	for range 4 {
		require.True(t, <-done)
	}
}

func BenchmarkAnalyze(b *testing.B) {
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		sqltext.Analyze(corpus[i%len(corpus)].sql)
		i++
	}
}

// TestOpenMarksHideWhatFollows: a name that never ends may have swallowed
// literals.
func TestOpenMarksHideWhatFollows(t *testing.T) {
	t.Parallel()
	for _, sql := range []string{
		`select * from "users where name = 'secret'`,
		`select "x' , 'secret'`,
		`select * from U&"users where name = 'secret'`,
	} {
		info := sqltext.Analyze(sql)
		require.Equal(t, "SELECT", info.Type, sql)
		require.Empty(t, info.Table, sql)
		require.NotContains(t, info.Text, "secret", sql)
	}
}
