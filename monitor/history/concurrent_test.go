package history_test

import (
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/history"
)

// TestConcurrent: while collections, appends, watches and evictions go on,
// every query sees each of them whole or not at all.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	r := setup(t, history.WithSeriesLimit(450), history.WithStorageSize(1<<20), history.WithRetention(5*time.Minute, 5*time.Minute),
		history.WithWatch("w", "sum(pair)", 2*time.Second))
	pair := r.gauge(t, "pair", "side")
	churn := r.gauge(t, "churn", "i")
	tr := newTraffic(t, r.m, 5)
	var now atomic.Int64
	now.Store(start.UnixNano())
	var writers, readers sync.WaitGroup
	stop := make(chan struct{})
	writers.Go(func() {
		for i := range 400 { // past the retention and, by churn, the series limit
			at := start.Add(time.Duration(i+1) * time.Second)
			pair.WithLabelValues("left").Set(float64(i))
			pair.WithLabelValues("right").Set(-float64(i))
			churn.Reset()
			churn.WithLabelValues(strconv.Itoa(i)).Set(1)
			tr.step()
			if err := r.db.Sample(t.Context(), at); err != nil {
				t.Error(err)
			}
			if err := r.db.Append(sampleOf(at, 1, "__name__", "twin", "n", "1"), sampleOf(at, -1, "__name__", "twin", "n", "2")); err != nil {
				t.Error(err)
			}
			now.Store(at.UnixNano())
		}
	})
	handler := r.db.Handler()
	for i := range 2 {
		readers.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(i), 0))
			for {
				select {
				case <-stop:
					return
				default:
				}
				at := time.Unix(0, now.Load()).Add(time.Duration(rng.IntN(3000)-1500) * time.Millisecond) // the future too
				for _, q := range []string{"sum(pair) != 0", "sum(count_over_time(pair[1m])) % 2 != 0", "sum(twin) != 0", "w != 0"} {
					got, err := r.db.Query(t.Context(), q, at)
					if err != nil || len(got) > 0 {
						t.Error(q, got, err)
						return
					}
				}
				if _, err := r.db.QueryRange(t.Context(), "sum by (endpoint) (rate(t_duration_seconds_bucket[1m]))", monitor.Range{From: at.Add(-5 * time.Minute), To: at, Step: 10 * time.Second}); err != nil {
					t.Error(err)
				}
				if w := get(handler, "series", "match[]", "churn"); w.Code != 200 {
					t.Error(w.Body)
				}
				_, _ = r.db.Exemplars(t.Context(), "pair", start, at)
				_ = r.db.Metadata()
			}
		})
	}
	writers.Wait()
	close(stop)
	readers.Wait()
	require.Equal(t, 400., r.one(t, `monitor_history_collections_total{result="ok"}`, start.Add(400*time.Second))+1, "the last one does not see itself")
}
