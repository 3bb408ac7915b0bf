package elastic_test

import (
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/outbox/outboxtest"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/elastic"
	"github.com/chronoretrace/chronomon/monitor/monitortest"
)

// The server does not do its part, with events.
func TestStore(t *testing.T) {
	t.Parallel()
	outboxtest.TestStore(t, outboxtest.Kit{
		Name: "elastic", Unique: true,
		Server: func(t testing.TB) (http.Handler, func() []int) {
			es := newStandIn(t)
			return es, func() []int { return numbers(es.taken()) }
		},
		Open: func(t testing.TB, url, dir string) outboxtest.Store {
			if dir == "" {
				return newStore(t, url)
			}
			return newStore(t, url, elastic.WithSpill(dir, 1<<20))
		},
	})
}

// A server that fails for longer than there is room for costs log records, which
// are counted; what is left arrives once, in order, by itself.
func TestFull(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]elastic.Option{
		"memory": nil,
		"disk":   {elastic.WithSpill(t.TempDir(), 1<<20)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			es := newStandIn(t)
			es.answer = func(w http.ResponseWriter, _ int) bool {
				w.WriteHeader(http.StatusInternalServerError) // its disk is full
				return true
			}
			s := newStore(t, es.URL, append(opts, elastic.WithLogBatch(100, 10*time.Millisecond), elastic.WithLogQueue(1000, 500), elastic.WithLogDrain(time.Second))...)
			m, err := monitor.New(monitor.WithLogger(slog.New(slog.DiscardHandler)), monitor.WithGracePeriod(2*time.Second))
			require.NoError(t, err)
			require.NoError(t, s.Watch(m))
			monitortest.Run(t, m, s)
			l := slog.New(s.Handler())
			sent := 0
			send := func(n int) {
				for range n {
					start := time.Now()
					l.Info("x", "n", sent)
					require.Less(t, time.Since(start), 400*time.Millisecond, "nobody waits")
					sent++
				}
			}
			for range 40 {
				send(500)
				time.Sleep(5 * time.Millisecond)
			}
			require.Eventually(t, func() bool { // the queue has let go of what it could
				return regexp.MustCompile(`monitor_store_logs_queue_length\{store="elastic"\} (\d{1,2}|600)\n`).MatchString(monitortest.Exposition(t, m, "monitor_store_logs_queue_length"))
			}, 20*time.Second, 10*time.Millisecond)
			send(500)
			es.set(func(es *standIn) { es.answer = nil })
			dropped := func() (n int) {
				text := monitortest.Exposition(t, m, "monitor_store_logs_dropped_total", "monitor_spill_dropped_total")
				for _, line := range regexp.MustCompile(`(?m)^monitor.* (\d+)$`).FindAllStringSubmatch(text, -1) {
					v, err := strconv.Atoi(line[1])
					require.NoError(t, err)
					n += v
				}
				return n
			}
			require.Eventually(t, func() bool { return dropped()+len(es.taken()) >= sent }, 60*time.Second, 10*time.Millisecond)
			require.Equal(t, sent, dropped()+len(es.taken()))
			require.Positive(t, dropped())
			got := numbers(es.taken())
			require.IsIncreasing(t, got)
			require.Equal(t, sent-1, got[len(got)-1])
			require.Eventually(t, func() bool { return s.Spilled() == 0 }, 10*time.Second, 10*time.Millisecond)
		})
	}
}
