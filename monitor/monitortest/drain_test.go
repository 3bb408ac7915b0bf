package monitortest_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/monitortest"
)

// TestSinksDrainTogether: at the end each sink has the whole grace period, not
// what the one beside it leaves over.
func TestSinksDrainTogether(t *testing.T) {
	t.Parallel()
	for _, order := range [][2]string{{"blocked", "slow"}, {"slow", "blocked"}} {
		t.Run(fmt.Sprint(order), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var taken atomic.Int64
				blocked := new(monitortest.Sink)
				blocked.Block()
				sinks := map[string]monitor.Sink{
					"blocked": blocked,
					"slow": monitor.SinkFunc(func(ctx context.Context, batch []monitor.Event) error {
						select {
						case <-time.After(time.Second):
							taken.Add(int64(len(batch)))
							return nil
						case <-ctx.Done():
							return ctx.Err()
						}
					}),
				}
				opts := []monitor.Option{monitor.WithGracePeriod(8 * time.Second)}
				for _, name := range order {
					opts = append(opts, monitor.WithSink(name, sinks[name], monitor.WithKinds(monitor.KindJob), monitor.WithBatch(1, time.Hour)))
				}
				m, err := monitor.New(append(opts, monitor.WithLogger(monitortest.Logger(t)))...)
				require.NoError(t, err)
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- m.Run(ctx) }()
				for range 5 {
					m.Record(monitor.Event{Kind: monitor.KindJob})
				}
				synctest.Wait()
				from := time.Now()
				cancel()
				err = <-ended
				took, inTime := time.Since(from), taken.Load()
				time.Sleep(time.Minute) // let what was left behind end
				require.NoError(t, err)
				require.EqualValues(t, 5, inTime, "the slow one needs five of the eight seconds")
				require.LessOrEqual(t, took, 8*time.Second)
			})
		})
	}
}
