package sqltext_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/sqltext"
)

// counted is a cache that counts how often a value is made.
func counted(count, bytes int) (*sqltext.Cache[string], *atomic.Int64) {
	made := &atomic.Int64{}
	return sqltext.NewCache(count, bytes, func(sql string) string {
		made.Add(1)
		return "value of " + sql
	}), made
}

func TestEachStatementIsMadeOnce(t *testing.T) {
	t.Parallel()
	c, made := counted(1024, 1<<20)
	for range 20 {
		for i := range 400 {
			sql := fmt.Sprintf("select %d", i)
			require.Equal(t, "value of "+sql, c.Get(sql))
		}
	}
	require.EqualValues(t, 400, made.Load())
	n, bytes := c.Len()
	require.Equal(t, 400, n)
	require.Equal(t, 10*len("select 1")+90*len("select 10")+300*len("select 100"), bytes)
}

// TestHotStatementsStay: a stream of new statements does not push out those
// that are in use.
func TestHotStatementsStay(t *testing.T) {
	t.Parallel()
	c, made := counted(100, 1<<20)
	hot := strings.Repeat("select hot from t ", 40)
	for i := range 10_000 {
		c.Get(hot)
		c.Get(fmt.Sprintf("select %d", i))
		n, _ := c.Len()
		require.LessOrEqual(t, n, 100)
	}
	require.EqualValues(t, 10_001, made.Load())
}

func TestCacheBytesAreBounded(t *testing.T) {
	t.Parallel()
	c, made := counted(1000, 16<<10)
	for i := range 1000 {
		c.Get(strings.Repeat("x", 500) + strconv.Itoa(i))
		_, bytes := c.Len()
		require.LessOrEqual(t, bytes, 16<<10)
	}
	before, _ := c.Len()
	long := strings.Repeat("y", 2<<10)
	for range 3 {
		require.Equal(t, "value of "+long, c.Get(long))
	}
	after, _ := c.Len()
	require.Equal(t, before, after, "too long to be kept")
	require.EqualValues(t, 1003, made.Load())
}

func TestCacheIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	c, _ := counted(64, 1<<20)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 3000 {
				sql := fmt.Sprintf("select %d", (i*(w+1))%200)
				if got := c.Get(sql); got != "value of "+sql {
					t.Errorf("%s for %s", got, sql)
				}
			}
		})
	}
	wg.Wait()
	n, _ := c.Len()
	require.LessOrEqual(t, n, 64)
}

func TestCacheAllocs(t *testing.T) {
	if raceEnabled {
		t.Skip("allocations are counted without the race detector")
	}
	c, _ := counted(1024, 1<<20)
	texts := make([]string, 300)
	for i := range texts {
		texts[i] = fmt.Sprintf("select %d from t", i)
	}
	for range 50 {
		for _, s := range texts {
			c.Get(s)
		}
	}
	i := 0
	require.Zero(t, testing.AllocsPerRun(3000, func() { i++; c.Get(texts[i%len(texts)]) }))
}

func BenchmarkCacheHit(b *testing.B) {
	c, _ := counted(1024, 1<<20)
	for range 50 {
		for _, e := range corpus {
			c.Get(e.sql)
		}
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if i++; i == len(corpus) {
			i = 0
		}
		c.Get(corpus[i].sql)
	}
}
