package monitor

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/internal/queue"
)

// A Sink takes events somewhere. Write is called by one goroutine at a time
// and may block until ctx is done. The batch is the sink's only until Write
// returns, and must not be changed. A sink that is a [Runner] as well is run by
// [Monitor.Run]. What a sink holds open it may close when that has returned. Delivery is at least once: an error makes the SDK
// hold the batch and try again, later and later, unless it was made by
// [Permanent]. An error with a method RetryAfter() time.Duration says when, 5 min
// at most. A panic counts as an error and, when it comes back twice with the same
// batch, costs that batch.
type Sink interface {
	Write(ctx context.Context, batch []Event) error
}

// SinkFunc is a function as a Sink.
type SinkFunc func(ctx context.Context, batch []Event) error

// Write calls f.
func (f SinkFunc) Write(ctx context.Context, batch []Event) error { return f(ctx, batch) }

// Permanent marks a batch that the sink will never take: it is dropped and
// counted under reason "rejected" instead of being tried again. nil stays nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &queue.PermanentError{Err: err}
}

// sinkConfig is what one sink was given.
type sinkConfig struct {
	name  string
	sink  Sink
	kinds []Kind // nil: all
	queue queue.Config
}

func newSinkConfig(name string, s Sink, opts []SinkOption) *sinkConfig {
	c := &sinkConfig{name: name, sink: s, queue: queue.Config{
		Capacity: 4096, Batch: 500, Age: time.Second, Spill: 16384,
		WriteTimeout: 10 * time.Second, BackoffMin: 200 * time.Millisecond, BackoffMax: 30 * time.Second,
	}}
	for _, o := range opts {
		if o != nil {
			o.applySink(c)
		}
	}
	return c
}

func (c *sinkConfig) validate() (errs []error) {
	bad := func(option string, value any, want string) {
		errs = append(errs, invalid(fmt.Sprintf("WithSink(%q)", c.name)+" "+option, value, want))
	}
	if c.name == "" {
		errs = append(errs, invalid("WithSink", `""`, "a name"))
	}
	if f, isFunc := c.sink.(SinkFunc); c.sink == nil || isFunc && f == nil {
		bad("sink", nil, "a sink")
	}
	for _, k := range c.kinds {
		if !k.valid() {
			bad("WithKinds", k, "a kind of event")
		}
	}
	q := c.queue
	if q.Capacity < 1 || q.Capacity > 1<<22 {
		bad("WithQueue", q.Capacity, "1 to 4194304")
	}
	if q.Batch < 1 || q.Batch > 1<<20 {
		bad("WithBatch size", q.Batch, "1 to 1048576")
	}
	if q.Age <= 0 {
		bad("WithBatch age", q.Age, "a positive duration")
	}
	if q.Spill < 0 || q.Spill > 1<<24 {
		bad("WithSpill", q.Spill, "0 to 16777216")
	}
	if q.WriteTimeout <= 0 {
		bad("WithWriteTimeout", q.WriteTimeout, "a positive duration")
	}
	if q.BackoffMin <= 0 || q.BackoffMax < q.BackoffMin {
		bad("WithRetry", [2]time.Duration{q.BackoffMin, q.BackoffMax}, "0 < first <= longest")
	}
	return errs
}

// sink is one configured sink with its queue.
type sink struct {
	name    string
	runner  Runner // nil: the sink is none
	wants   [kindEnd]bool
	queue   *queue.Queue[Event]
	sampled *instrument.Cell
}

func (m *Monitor) newSink(c *sinkConfig) *sink {
	s := &sink{name: c.name, sampled: m.dropped.Cell(c.name, "sampled")}
	s.runner, _ = c.sink.(Runner)
	for _, k := range Kinds() {
		s.wants[k] = c.kinds == nil
	}
	for _, k := range c.kinds {
		s.wants[k] = true
	}
	delivered := m.delivered.Cell(c.name)
	ok, failed := m.writes.Cell(c.name, "ok"), m.writes.Cell(c.name, "error")
	var home instrument.Home
	events := queue.Events{
		Dropped: func(reason string, n int) {
			m.dropped.Cell(c.name, reason).Add(&instrument.Home{}, 0, uint64(n))
			if reason == queue.Shutdown {
				m.Logger().Warn("events are lost: their sink did not take them before the end", "sink", c.name, "events", n)
			}
		},
		Written: func(n int, err error) {
			if err == nil {
				delivered.Add(&home, 0, uint64(n))
				ok.Add(&home, 0, 1)
				return
			}
			failed.Add(&home, 0, 1)
			m.Logger().Warn("sink did not take its events", "sink", c.name, "error", err)
		},
	}
	s.queue = queue.New(c.queue, events, func(ctx context.Context, batch []Event) (err error) {
		defer func() {
			if v := recover(); v != nil {
				_ = m.panicked("sink "+c.name, v) // the queue wants an error of its own
				err = &queue.PanicError{Value: v}
			}
		}()
		return c.sink.Write(WithoutLogEvents(ctx), batch)
	})
	return s
}

// Enabled reports whether any sink wants events of the kind. Ask before
// building one.
func (m *Monitor) Enabled(k Kind) bool { return k < kindEnd && m.wanted[k] }

// Record hands the event to every sink that wants its kind. It never blocks:
// what is lost is counted in monitor_events_dropped_total, by reason: sampled
// (see [WithSampling]), queue_full, spill_full (the sink failed for too long),
// rejected (see [Permanent]), panicked, repeated (see [Monitor.LogHandler]),
// shutdown (not taken before the end) and stopped (recorded after it). An event
// that Failed or is Slow is always kept by sampling. An event of an unknown kind,
// or one that no sink wants, is ignored.
func (m *Monitor) Record(e Event) {
	if !m.Enabled(e.Kind) {
		return
	}
	if e.Time.IsZero() {
		e.Time = m.Now()
	}
	var home instrument.Home
	m.recorded[e.Kind].Add(&home, 0, 1)
	keep := e.Failed || e.Slow || m.keep(e.Kind)
	for _, s := range m.sinks {
		switch {
		case !s.wants[e.Kind]:
		case !keep:
			s.sampled.Add(&home, 0, 1)
		default:
			s.queue.Offer(e)
		}
	}
}

// keep draws whether an ordinary event of the kind is kept.
func (m *Monitor) keep(k Kind) bool {
	ratio := m.sampling[k]
	return ratio >= 1 || rand.Float64() < ratio
}

// registerSinkMetrics makes the instruments that sinks are counted by.
func (m *Monitor) registerSinkMetrics() error {
	for _, c := range []struct {
		metric catalog.Metric
		group  **instrument.Group
	}{
		{catalog.MonitorEvents, &m.events},
		{catalog.MonitorEventsDelivered, &m.delivered},
		{catalog.MonitorEventsDropped, &m.dropped},
		{catalog.MonitorSinkWrites, &m.writes},
	} {
		g, err := m.set.Counters(c.metric)
		if err != nil {
			return err
		}
		*c.group = g
	}
	for _, k := range Kinds() {
		m.recorded[k] = m.events.Cell(k.String())
	}
	return nil
}

// showQueues makes the queues' lengths a metric.
func (m *Monitor) showQueues() error {
	return m.set.Func(catalog.MonitorSinkQueue, func(labels instrument.LabelMaker) instrument.Func {
		names := make([]*instrument.Labels, len(m.sinks))
		for i, s := range m.sinks {
			names[i] = labels(s.name)
		}
		return func(yield instrument.Yield) {
			for i, s := range m.sinks {
				yield(names[i], float64(s.queue.Len()))
			}
		}
	})
}
