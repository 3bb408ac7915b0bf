package anomaly

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A Store takes anomalies as they open. It is called by one goroutine at a time. An
// error has the same ones given again with the next Detect, and so does the next
// process with those that it knows: what is there already must stay as it is. What
// [monitor.Permanent] marks is not given again.
//
// Package pgstore is one, by way of [Anomaly.Row]:
//
//	anomaly.StoreFunc(func(ctx context.Context, anomalies ...anomaly.Anomaly) error {
//		rows := make([]pgstore.Anomaly, len(anomalies))
//		for i, a := range anomalies {
//			rows[i] = pgstore.Anomaly(a.Row())
//		}
//		return store.SaveAnomalies(ctx, rows...)
//	})
type Store interface {
	SaveAnomalies(ctx context.Context, anomalies ...Anomaly) error
}

// StoreFunc is a function as a Store.
type StoreFunc func(ctx context.Context, anomalies ...Anomaly) error

// SaveAnomalies calls f.
func (f StoreFunc) SaveAnomalies(ctx context.Context, anomalies ...Anomaly) error {
	return f(ctx, anomalies...)
}

// A State is what outlives the process: what was said of anomalies, and those that
// are open. pgstore's State is one. It is safe for concurrent use.
type State interface {
	// Write makes the changes, all of them or none, and returns when they are
	// durable; a nil value deletes its key.
	Write(ctx context.Context, changes map[string][]byte) error
	// Range calls f for the keys that begin with prefix. The value is f's to keep. An
	// error of f ends it and is returned.
	Range(ctx context.Context, prefix string, f func(key string, value []byte) error) error
}

// An EngineOption configures an [Engine].
type EngineOption interface{ applyEngine(*engineConfig) }

type engineOptionFunc func(*engineConfig)

func (f engineOptionFunc) applyEngine(c *engineConfig) { f(c) }

type engineConfig struct {
	standard func() (Detector, error)
	watches  []Watch
	streams  []*Stream
	series   int
	budget   float64
	rate     rate
	quiet    time.Duration
	store    Store
	state    State
	evidence func(context.Context, Anomaly) (string, error)
}

// WithWatch watches an expression. It may be given several times, with a name each.
func WithWatch(w Watch) EngineOption {
	return engineOptionFunc(func(c *engineConfig) { c.watches = append(c.watches, w) })
}

// WithStream watches events as they come. It may be given several times; a stream is
// for one engine.
func WithStream(s *Stream) EngineOption {
	return engineOptionFunc(func(c *engineConfig) { c.streams = append(c.streams, s) })
}

// WithDetector sets the detector of watches that name none, which f returns a new one
// of with each call. The default is [NewDefault] with [WithRepeats], so that an anomaly
// stays open for as long as it goes on.
func WithDetector(f func() (Detector, error)) EngineOption {
	return engineOptionFunc(func(c *engineConfig) { c.standard = f })
}

// WithSeriesLimit bounds the series that are watched, of all watches together. When
// there are so many, those that have gone make room. Points of series past it are
// shed. The default is 1,000, and the most 100,000.
func WithSeriesLimit(n int) EngineOption {
	return engineOptionFunc(func(c *engineConfig) { c.series = n })
}

// WithBudget sets the share of a core that detectors may take, above 0 and up to 1.
// What is not used is saved, for a minute at most. When nothing is left, warming up
// waits, and points are shed: in turn, so that all series keep some. Queries are not
// in it, nor is the training of detectors, which have their own budgets. The default
// is 0.05.
func WithBudget(share float64) EngineOption {
	return engineOptionFunc(func(c *engineConfig) { c.budget = share })
}

// WithAnomalyRate sets how many of the last points have to be anomalies, the newest
// among them, before one is opened: the default is 1 of 1, and the most 64 of 64.
func WithAnomalyRate(of, last int) EngineOption {
	return engineOptionFunc(func(c *engineConfig) { c.rate = rate{of, last} })
}

// WithQuiet sets for how long there has to be no point that is an anomaly before an
// open one is closed. The default is 5 min; with 0 the next point closes it.
func WithQuiet(d time.Duration) EngineOption {
	return engineOptionFunc(func(c *engineConfig) { c.quiet = d })
}

// WithStore saves anomalies as they open. The default saves none.
func WithStore(s Store) EngineOption { return engineOptionFunc(func(c *engineConfig) { c.store = s }) }

// WithState keeps state where it outlives the process. By default it ends with it.
func WithState(s State) EngineOption { return engineOptionFunc(func(c *engineConfig) { c.state = s }) }

// WithEvidence has f called when an anomaly has opened, with its explanation; what it
// returns, a link to the evidence, is the Evidence of the anomaly. It is called by
// Detect and should return at once. Package anomaly/evidence captures:
//
//	anomaly.WithEvidence(func(ctx context.Context, a anomaly.Anomaly) (string, error) {
//		return recorder.Capture(ctx, evidence.Subject{
//			Kind: "anomaly", Name: a.Watch + a.Labels.String(), Time: a.Started, Explanation: a.Explanation,
//		})
//	})
func WithEvidence(f func(ctx context.Context, a Anomaly) (link string, err error)) EngineOption {
	return engineOptionFunc(func(c *engineConfig) { c.evidence = f })
}

func newEngineConfig(opts []EngineOption) (*engineConfig, error) {
	c := &engineConfig{
		standard: standardDetector,
		series:   1000, budget: 0.05, rate: rate{1, 1}, quiet: 5 * time.Minute,
	}
	for _, o := range opts {
		if o != nil {
			o.applyEngine(c)
		}
	}
	var errs []error
	bad := func(option string, value any, want string) {
		errs = append(errs, invalid("%s = %v: want %s", option, value, want))
	}
	if c.standard == nil {
		bad("WithDetector", nil, "a function")
		c.standard = standardDetector
	}
	if c.series < 1 || c.series > 100_000 {
		bad("WithSeriesLimit", c.series, "1 to 100000")
	}
	if !(c.budget > 0 && c.budget <= 1) {
		bad("WithBudget", c.budget, "above 0, up to 1")
	}
	if c.rate.of < 1 || c.rate.last < c.rate.of || c.rate.last > 64 {
		bad("WithAnomalyRate", fmt.Sprintf("%d of %d", c.rate.of, c.rate.last), "1 of 1 to 64 of 64")
	}
	if c.quiet < 0 {
		bad("WithQuiet", c.quiet, "0 or more")
	}
	names := map[string]bool{}
	for i := range c.watches {
		var err []error
		c.watches[i], err = c.watches[i].complete(c.standard)
		errs = append(errs, err...)
	}
	for i, s := range c.streams {
		switch {
		case s == nil:
			bad("WithStream", nil, "a stream")
		case !s.taken.CompareAndSwap(false, true):
			bad("WithStream", fmt.Sprintf("%q", s.watch.Name), "one that no other engine has")
		default:
			continue
		}
		c.streams[i] = nil
	}
	for _, name := range c.names() {
		if names[name] {
			bad("name", fmt.Sprintf("%q", name), "one that no other watch or stream has")
		}
		names[name] = true
	}
	if len(c.watches)+len(c.streams) == 0 {
		bad("WithWatch", "none", "at least one watch or stream")
	}
	err := errors.Join(errs...)
	if err != nil {
		c.release()
	}
	return c, err
}

// names are those of the watches and the streams.
func (c *engineConfig) names() (out []string) {
	for _, w := range c.watches {
		out = append(out, w.Name)
	}
	for _, s := range c.streams {
		if s != nil {
			out = append(out, s.watch.Name)
		}
	}
	return out
}

// release gives the streams back, for an engine that there will not be.
func (c *engineConfig) release() {
	for _, s := range c.streams {
		if s != nil {
			s.taken.Store(false)
		}
	}
}

func standardDetector() (Detector, error) { return NewDefault(WithRepeats()) }
