package history

import (
	"bytes"
	"math"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/recordfile"
	"github.com/chronoretrace/chronomon/monitor"
)

// xor is a chunk of ones at times.
func xor(t testing.TB, times ...int64) []byte {
	t.Helper()
	c := chunkenc.NewXORChunk()
	app, err := c.Appender()
	require.NoError(t, err)
	for _, at := range times {
		app.Append(0, at, 1)
	}
	return c.Bytes()
}

func closedChunk(t testing.TB, times ...int64) chunk {
	t.Helper()
	return chunk{from: times[0], span: uint32(times[len(times)-1] - times[0]), enc: chunkenc.EncXOR, data: xor(t, times...)}
}

// loadSnapshot writes series to a snapshot, and loads it.
func loadSnapshot(t testing.TB, l limits, write func(c *capture)) (*contents, []recordfile.Damage) {
	t.Helper()
	c := &capture{committed: 1e6}
	write(c)
	var b bytes.Buffer
	require.NoError(t, c.write(&b, 7))
	into := newContents(l, 10)
	got, _, err := into.load(&b, recordfile.Snapshot, 7, false)
	require.NoError(t, err)
	return into, got.Damage
}

func (c *capture) add(l labels.Labels, head []byte, sealed ...chunk) {
	c.heads = append(c.heads, head...)
	c.series = append(c.series, captured{&series{labels: l}, 0, chunkenc.EncXOR, sealed, len(c.heads)})
}

var wide = limits{series: 1000, bytes: 1 << 30, retention: [tiers]int64{1e9, 1e9}}

// TestLoadChecks: what has a right checksum may be wrong all the same. It is damage,
// and other series are loaded.
func TestLoadChecks(t *testing.T) {
	t.Parallel()
	twice := labels.FromStrings("__name__", "n", "a", "1", "a", "2")
	for name, write := range map[string]func(c *capture){
		"chunks overlap":       func(c *capture) { c.add(named1("n"), xor(t, 50), closedChunk(t, 10, 20), closedChunk(t, 20, 30)) },
		"chunks in no order":   func(c *capture) { c.add(named1("n"), xor(t, 50), closedChunk(t, 30, 40), closedChunk(t, 10, 20)) },
		"head before chunks":   func(c *capture) { c.add(named1("n"), xor(t, 5, 8), closedChunk(t, 10, 20)) },
		"chunk of no time":     func(c *capture) { c.add(named1("n"), xor(t, 50), closedChunk(t, math.MinInt64, math.MinInt64+5)) },
		"head of no time":      func(c *capture) { c.add(named1("n"), xor(t, math.MaxInt64)) },
		"no head":              func(c *capture) { c.add(named1("n"), xor(t), closedChunk(t, 10, 20)) },
		"labels of one name":   func(c *capture) { c.add(twice, xor(t, 50)) },
		"a label of no name":   func(c *capture) { c.add(labels.FromStrings("", "n"), xor(t, 50)) },
		"a series there twice": func(c *capture) { c.add(named1("n"), xor(t, 50)); c.add(named1("n"), xor(t, 60)) },
	} {
		into, damage := loadSnapshot(t, wide, func(c *capture) {
			for i := range 100 { // of another record
				c.add(named1("before"+strconv.Itoa(i)), xor(t, 50), closedChunk(t, 10, 20))
			}
			for range 200 {
				c.series[0].sealed = append(c.series[0].sealed, closedChunk(t, c.series[0].sealed[len(c.series[0].sealed)-1].to()+1))
			}
			c.series[0].sealed = c.series[0].sealed[:1]
			write(c)
		})
		require.NotEmpty(t, damage, name)
		require.GreaterOrEqual(t, into.store.series, 50, name)
		require.Equal(t, Recounted(&DB{store: into.store}), Counted(&DB{store: into.store}), name)
	}
	into, damage := loadSnapshot(t, wide, func(c *capture) { c.add(named1("n"), xor(t, 15, 20, 25), closedChunk(t, 10, 20)) })
	require.Empty(t, damage)
	var it iterator
	require.Equal(t, []testPoint{{10, floatText(1)}, {20, floatText(1)}, {25, floatText(1)}}, into.store.index.series()[0].points(&it, 0, 100, false), "of a head what is newer")
}

// TestLoadLimits: a file may hold more than the limits of now allow, in any order.
func TestLoadLimits(t *testing.T) {
	t.Parallel()
	into, damage := loadSnapshot(t, limits{series: 10, bytes: 1 << 20, retention: [tiers]int64{1e9, 1e9}}, func(c *capture) {
		for i := range 50 {
			c.add(named1(strconv.Itoa(i)), xor(t, int64(i)))
		}
	})
	require.Empty(t, damage)
	require.Equal(t, 10, into.store.series)
}

// TestLargeSeries: one that is longer than a record may be is several entries.
func TestLargeSeries(t *testing.T) {
	t.Parallel()
	one := closedChunk(t, 10, 11)
	one.data = append(one.data, make([]byte, 10_000)...) // what comes after the samples is not read
	const n = 4000
	sealed := make([]chunk, n)
	for i := range sealed {
		sealed[i] = one
		sealed[i].from = int64(10 + 2*i)
	}
	require.Greater(t, n*len(one.data), mostRecord)
	into, damage := loadSnapshot(t, wide, func(c *capture) {
		c.add(named1("before"), xor(t, 5))
		c.add(named1("large"), xor(t, 1e6), sealed...)
		c.add(named1("after"), xor(t, 5))
	})
	require.Empty(t, damage)
	all := into.store.index.series()
	require.Len(t, all, 3)
	require.Len(t, all[1].sealed, n)
	require.Equal(t, int64(1e6), all[1].last)
	require.Equal(t, Recounted(&DB{store: into.store}), Counted(&DB{store: into.store}))
}

// TestSeriesOfABatchUnderWay: it is not there before the batch is committed.
func TestSeriesOfABatchUnderWay(t *testing.T) {
	t.Parallel()
	m, err := monitor.New()
	require.NoError(t, err)
	db, err := New(m)
	require.NoError(t, err)
	get := func() string {
		w := httptest.NewRecorder()
		db.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/series?match[]=n", http.NoBody))
		return w.Body.String()
	}
	db.store.writing.Lock()
	db.store.append(db.store.get(named1("n"), raw, 1e6), 1e6, 1)
	db.store.writing.Unlock()
	require.NotContains(t, get(), `"n"`)
	db.store.commit(1e6)
	require.Contains(t, get(), `"n"`)
}
