// Package outboxtest holds the sinks behind an outbox to what they promise while
// their server does not do its part.
package outboxtest

import (
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/monitortest"
)

// Store is a sink under test.
type Store interface {
	monitor.Sink
	monitor.Runner
	Watch(m *monitor.Monitor) error
	Spilled() int
}

// Kit is what is needed of a store. Its name in metrics is Name.
type Kit struct {
	Name string
	// Server returns a stand-in that takes everything, and what it took: the
	// attribute n of the events, in order.
	Server func(t testing.TB) (server http.Handler, taken func() []int)
	// Open returns a store of the server at the URL that writes to the directory
	// what the server does not take, or keeps it in memory if that is "".
	Open func(t testing.TB, url, dir string) Store
	// Unique says that the server knows what it has taken before.
	Unique bool
}

// TestStore tests the store with its queue in memory and on disk.
func TestStore(t *testing.T, k Kit) {
	t.Helper()
	for name, test := range map[string]func(t *testing.T, k Kit, dir string){
		"full": testFull, "garbage": testGarbage, "pause": testPause,
	} {
		for where, dir := range map[string]string{"memory": "", "disk": t.TempDir()} {
			t.Run(name+", "+where, func(t *testing.T) {
				t.Parallel()
				test(t, k, dir)
			})
		}
	}
}

// rig is a running store whose requests pass by front before they reach the server.
type rig struct {
	kit   Kit
	m     *monitor.Monitor
	store Store
	taken func() []int
}

// setup starts a store. front answers a request, the n-th from 0 on, and reports
// true, or leaves it to the server.
func (k Kit) setup(t *testing.T, dir string, front func(w http.ResponseWriter, r *http.Request, n int, server http.Handler) bool, opts ...monitor.SinkOption) *rig {
	t.Helper()
	server, taken := k.Server(t)
	var n atomic.Int64
	http := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !front(w, r, int(n.Add(1))-1, server) {
			server.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(http.Close)
	r := &rig{kit: k, store: k.Open(t, http.URL, dir), taken: taken}
	var err error
	r.m, err = monitor.New(monitor.WithLogger(slog.New(slog.DiscardHandler)), monitor.WithGracePeriod(2*time.Second),
		monitor.WithSink(k.Name, r.store, append([]monitor.SinkOption{monitor.WithKinds(monitor.KindQuery)}, opts...)...))
	require.NoError(t, err)
	require.NoError(t, r.store.Watch(r.m))
	monitortest.Run(t, r.m, r.store)
	return r
}

// record records n events, numbered from from on. None of them may wait.
func (r *rig) record(t *testing.T, from, n int) {
	t.Helper()
	for i := from; i < from+n; i++ {
		e := monitor.Event{Time: time.Unix(1_700_000_000, int64(i)), Kind: monitor.KindQuery, Name: "quotes"}
		e.Add(slog.Int("n", i))
		start := time.Now()
		r.m.Record(e)
		require.Less(t, time.Since(start), 400*time.Millisecond, "the host waits")
	}
}

var value = regexp.MustCompile(`(?m)^monitor.* (\d+)$`)

// sum is the sum of all values of the metrics.
func (r *rig) sum(t *testing.T, metrics ...string) (n int) {
	t.Helper()
	for _, line := range value.FindAllStringSubmatch(monitortest.Exposition(t, r.m, metrics...), -1) {
		v, err := strconv.Atoi(line[1])
		require.NoError(t, err)
		n += v
	}
	return n
}

// shows reports whether a metric has a line that ends so.
func (r *rig) shows(t *testing.T, metric, labelsAndValue string) bool {
	t.Helper()
	return strings.Contains(monitortest.Exposition(t, r.m, metric), labelsAndValue+"\n")
}

// testFull: a server that fails for longer than there is room for costs events,
// which are counted; what is left arrives in order, the newest too.
func testFull(t *testing.T, k Kit, dir string) {
	t.Helper()
	var up atomic.Bool
	r := k.setup(t, dir, func(w http.ResponseWriter, _ *http.Request, _ int, _ http.Handler) bool {
		if !up.Load() {
			w.WriteHeader(http.StatusInternalServerError) // its disk is full
		}
		return !up.Load()
	}, monitor.WithBatch(100, 10*time.Millisecond), monitor.WithRetry(20*time.Millisecond, 200*time.Millisecond), monitor.WithQueue(1000), monitor.WithSpill(500))
	const sent = 50_000
	for i := range sent/500 - 1 {
		r.record(t, i*500, 500)
		time.Sleep(5 * time.Millisecond)
	}
	require.Eventually(t, func() bool { // the queue has let go of what it could
		return r.sum(t, "monitor_sink_queue_length") <= 600
	}, 20*time.Second, 10*time.Millisecond)
	r.record(t, sent-500, 500)
	up.Store(true)
	dropped := func() int { return r.sum(t, "monitor_events_dropped_total", "monitor_spill_dropped_total") }
	require.Eventually(t, func() bool { return dropped()+len(r.taken()) >= sent && r.store.Spilled() == 0 }, 30*time.Second, 10*time.Millisecond)
	got := r.taken()
	require.Equal(t, sent, dropped()+len(got))
	require.Positive(t, dropped())
	require.IsIncreasing(t, got)
	require.Equal(t, sent-1, got[len(got)-1])
}

// testGarbage: a server that answers garbage for a while, as one does behind a
// proxy that starts, loses nothing, and nobody has to do anything.
func testGarbage(t *testing.T, k Kit, dir string) {
	t.Helper()
	garbage := []func(w http.ResponseWriter, r *http.Request, server http.Handler){
		func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			fmt.Fprint(w, "<html>please log in</html>")
		},
		func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { w.WriteHeader(http.StatusBadGateway) },
		func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			fmt.Fprint(w, `{"errors":false,"items":[{"cr`)
		},
		func(_ http.ResponseWriter, r *http.Request, server http.Handler) { // it is taken, and the answer is lost
			server.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		},
	}
	r := k.setup(t, dir, func(w http.ResponseWriter, r *http.Request, n int, server http.Handler) bool {
		if n < len(garbage) {
			garbage[n](w, r, server)
		}
		return n < len(garbage)
	}, monitor.WithBatch(10, time.Minute), monitor.WithRetry(10*time.Millisecond, 50*time.Millisecond))
	r.record(t, 0, 100)
	require.Eventually(t, func() bool {
		return r.shows(t, "monitor_store_requests_total", `{result="ok",store="`+k.Name+`"} 10`)
	}, 20*time.Second, 10*time.Millisecond)
	want := map[string]int{"taken": 100, "duplicate": 0, "rejected": 0}
	taken := r.taken()
	if k.Unique {
		want = map[string]int{"taken": 90, "duplicate": 10, "rejected": 0}
	} else {
		require.Equal(t, taken[:10], taken[10:20], "the batch whose answer was lost comes again as it was")
		taken = taken[10:]
	}
	for _, result := range slices.Sorted(maps.Keys(want)) {
		require.True(t, r.shows(t, "monitor_store_records_total", fmt.Sprintf(`{result=%q,store=%q} %d`, result, k.Name, want[result])), result)
	}
	require.True(t, r.shows(t, "monitor_store_requests_total", `{result="error",store="`+k.Name+`"} 4`))
	require.Len(t, taken, 100)
	for i, n := range taken {
		require.Equal(t, i, n)
	}
}

// testPause: a server that asks for a pause is not asked meanwhile. With memory
// alone it is the monitor's queue that waits: it fails once.
func testPause(t *testing.T, k Kit, dir string) {
	t.Helper()
	var asked, again atomic.Int64
	r := k.setup(t, dir, func(w http.ResponseWriter, _ *http.Request, n int, _ http.Handler) bool {
		if n == 0 {
			asked.Store(time.Now().UnixNano())
			w.Header().Set("Retry-After", "2")
			w.WriteHeader(http.StatusServiceUnavailable)
		} else {
			again.CompareAndSwap(0, time.Now().UnixNano())
		}
		return n == 0
	}, monitor.WithBatch(3, time.Minute))
	r.record(t, 0, 3)
	require.Eventually(t, func() bool {
		return r.shows(t, "monitor_store_requests_total", `{result="ok",store="`+k.Name+`"} 1`)
	}, 20*time.Second, time.Millisecond)
	require.Equal(t, []int{0, 1, 2}, r.taken())
	require.GreaterOrEqual(t, again.Load()-asked.Load(), int64(2*time.Second))
	failed := 1
	if dir != "" {
		failed = 0 // the disk has it
	}
	require.Eventually(t, func() bool { return r.shows(t, "monitor_sink_writes_total", `{result="ok",sink="`+k.Name+`"} 1`) }, 20*time.Second, time.Millisecond)
	require.Contains(t, monitortest.Exposition(t, r.m, "monitor_sink_writes_total"), fmt.Sprintf(`{result="error",sink=%q} %d`+"\n", k.Name, failed))
}
