package bizmon_test

import (
	"math"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/bizmon"
	"github.com/chronoretrace/chronomon/monitor"
)

func TestConnections(t *testing.T) {
	t.Parallel()
	s := setup(t, nil, bizmon.WithSlowConsumer(10))
	a, b := s.Connections.Opened("quotes"), s.Connections.Opened("quotes")
	c := s.Connections.Opened("alerts")
	a.Sent(100)
	a.Sent(50)
	b.Received(7)
	b.Received(-7)
	a.Queued(9)
	require.False(t, a.Slow())
	a.Queued(12)
	b.Queued(3)
	a.Dropped(2)
	a.Dropped(-2)
	require.True(t, a.Slow())
	require.InDelta(t, 2, s.value(t, `websocket_connections_total{connection_type="quotes"}`), 0)
	require.InDelta(t, 1, s.value(t, `websocket_connections_total{connection_type="alerts"}`), 0)
	require.InDelta(t, 15, s.value(t, `websocket_queued_messages{connection_type="quotes"}`), 0)
	require.InDelta(t, 1, s.value(t, `websocket_slow_consumers{connection_type="quotes"}`), 0)
	require.InDelta(t, 2, s.value(t, `websocket_messages_total{connection_type="quotes",direction="sent"}`), 0)
	require.InDelta(t, 150, s.value(t, `websocket_message_bytes_total{connection_type="quotes",direction="sent"}`), 0)
	require.InDelta(t, 7, s.value(t, `websocket_message_bytes_total{connection_type="quotes",direction="received"}`), 0)
	require.InDelta(t, 2, s.value(t, `websocket_messages_dropped_total{connection_type="quotes"}`), 0)
	a.Queued(6)
	require.True(t, a.Slow(), "until half of it is gone")
	a.Queued(5)
	require.False(t, a.Slow())
	a.Queued(20)
	require.InDelta(t, 2, s.value(t, `websocket_consumer_slowdowns_total{connection_type="quotes"}`), 0)
	a.Closed("slow")
	a.Closed("slow")
	a.Queued(100)
	b.Closed("client")
	c.Closed("client")
	for _, series := range []string{"websocket_connections_total", "websocket_queued_messages", "websocket_slow_consumers"} {
		require.Zero(t, s.value(t, series+`{connection_type="quotes"}`), "%s stays, at 0", series)
	}
	require.Equal(t, []string{
		`websocket_connections_closed_total{connection_type="alerts",reason="client"} 1`,
		`websocket_connections_closed_total{connection_type="quotes",reason="client"} 1`,
		`websocket_connections_closed_total{connection_type="quotes",reason="slow"} 1`,
	}, s.exposition("websocket_connections_closed_total{"))
	require.InDelta(t, 2, s.value(t, `websocket_connection_duration_seconds_count{connection_type="quotes"}`), 0)

	var none *bizmon.Connection
	none.Sent(1)
	none.Received(1)
	none.Dropped(1)
	none.Queued(1)
	none.Closed("x")
	require.False(t, none.Slow())
}

// TestConnectionGaugesComeBack: however opens, closes and queues interleave, the
// gauges end at 0.
func TestConnectionGaugesComeBack(t *testing.T) {
	t.Parallel()
	s := setup(t, nil)
	var all sync.WaitGroup
	for w := range uint64(4) {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(1, w))
			for range 300 {
				c := s.Connections.Opened("quotes")
				var both sync.WaitGroup
				for range 2 {
					depths := []int{rng.IntN(200), rng.IntN(200), rng.IntN(200)}
					both.Go(func() {
						for _, d := range depths {
							c.Queued(d)
							c.Sent(1)
						}
					})
				}
				both.Go(func() { c.Closed("client") })
				both.Wait()
			}
		})
	}
	all.Wait()
	for _, series := range []string{"websocket_connections_total", "websocket_queued_messages", "websocket_slow_consumers"} {
		require.Zero(t, s.value(t, series+`{connection_type="quotes"}`), series)
	}
	require.InDelta(t, 4*300*6, s.value(t, `websocket_messages_total{connection_type="quotes",direction="sent"}`), 0)
}

// TestSlowIsOfTheLastDepth, whoever says it.
func TestSlowIsOfTheLastDepth(t *testing.T) {
	t.Parallel()
	s := setup(t, nil)
	rounds := 5000
	if raced {
		rounds = 500
	}
	for range rounds {
		c := s.Connections.Opened("quotes")
		var both sync.WaitGroup
		for _, depth := range []int{100, 0} {
			both.Go(func() { c.Queued(depth) })
		}
		both.Wait()
		require.Equal(t, s.value(t, `websocket_queued_messages{connection_type="quotes"}`) > 0, c.Slow())
		c.Closed("client")
	}
	a, b := s.Connections.Opened("quotes"), s.Connections.Opened("quotes")
	a.Queued(math.MaxInt)
	b.Queued(math.MaxInt)
	require.Positive(t, s.value(t, `websocket_queued_messages{connection_type="quotes"}`))
}

func TestConnectionTypesAreBounded(t *testing.T) {
	t.Parallel()
	s := setup(t, []monitor.Option{monitor.WithLabelLimit(10)})
	for i := range 10_000 {
		c := s.Connections.Opened(strconv.Itoa(i))
		c.Sent(1)
		c.Closed(strconv.Itoa(i))
	}
	require.Len(t, s.exposition("websocket_connections_total{"), 11)
	require.LessOrEqual(t, len(s.exposition("websocket_connections_closed_total{")), 11*11)
	many := setup(t, nil)
	for i := range 1000 {
		many.Connections.Opened("quotes").Closed(strconv.Itoa(i))
	}
	require.Len(t, many.exposition("websocket_connections_closed_total{"), 51)
	require.InDelta(t, 9990, s.value(t, `websocket_messages_total{connection_type="other",direction="sent"}`), 0)
	require.InDelta(t, 9990, s.value(t, `monitor_label_overflow_total{metric="websocket_connections_total",label="connection_type"}`), 0)
}

func TestConnectionEvents(t *testing.T) {
	t.Parallel()
	sink := &collect{}
	s := setup(t, []monitor.Option{monitor.WithSink("test", sink, monitor.WithKinds(monitor.KindConnection))}, bizmon.WithSlowConsumer(1))
	stop := run(t, s.m, s)
	c := s.Connections.Opened("quotes")
	c.Sent(1)
	c.Queued(5)
	c.Dropped(3)
	s.clock.Add(time.Minute)
	c.Closed("slow")
	stop()
	require.Len(t, sink.events, 3)
	require.Equal(t, map[string]string{"state": "open"}, attrs(sink.events[0]))
	require.True(t, sink.events[1].Slow)
	require.Equal(t, map[string]string{"state": "closed", "reason": "slow", "sent": "1", "received": "0", "dropped": "3"}, attrs(sink.events[2]))
	require.Equal(t, time.Minute, sink.events[2].Duration)
	require.InDelta(t, 60, s.value(t, `websocket_connection_duration_seconds_sum{connection_type="quotes"}`), 0)
}
