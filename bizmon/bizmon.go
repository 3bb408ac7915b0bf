package bizmon

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/internal/sketch"
	"github.com/chronoretrace/chronomon/monitor"
)

// Business measures what a site is for. Its parts are safe for concurrent use;
// the fields are set by [New] and not to be changed.
type Business struct {
	Users       *Users
	Sources     *Sources
	Stocks      *Stocks
	Connections *Connections
	Backtests   *Backtests

	core *core
}

// core is what the parts share.
type core struct {
	m           *monitor.Monitor
	in          *instruments
	config      *config
	key         sketch.Key
	fingerprint string
}

var _ monitor.Runner = (*Business)(nil)

// New returns the business metrics of m. A monitor has one, since the gauges of
// two would add up. It starts nothing: Run, which is optional, judges data
// sources, finds stuck jobs and talks to the fleet.
func New(m *monitor.Monitor, opts ...Option) (*Business, error) {
	limit := 1
	if m != nil {
		limit = m.Instruments().LabelLimit()
	}
	c, err := newConfig(opts, limit)
	switch {
	case m == nil:
		err = errors.Join(invalid("monitor", nil, "a monitor"), err)
	case c.store != nil && !m.StablePseudonyms():
		err = errors.Join(err, invalid("WithSketchStore", "a store", "monitor.WithPseudonymKey too, the same in every process"))
	}
	if err != nil {
		return nil, err
	}
	in, err := instrument.Share(m.Instruments(), "bizmon", func() (*instruments, error) { return newInstruments(m.Instruments()) })
	if err != nil {
		return nil, err
	}
	co := &core{m: m, in: in, config: c}
	co.key, co.fingerprint = keys(m)
	b := &Business{core: co}
	b.Users = newUsers(co)
	b.Sources = newSources(co)
	b.Stocks = newStocks(co)
	b.Connections = newConnections(co)
	b.Backtests = newBacktests(co)
	if m.Off() {
		return b, nil
	}
	if err := m.AddSnapshotter(&snapshot{b}); err != nil {
		return nil, fmt.Errorf("bizmon: the monitor has a Business already: %w", err)
	}
	if err := errors.Join(
		b.Users.register(), b.Sources.register(), b.Stocks.register(), b.Connections.register(), b.Backtests.register(),
	); err != nil {
		return nil, fmt.Errorf("bizmon: %w", err)
	}
	return b, nil
}

// keys derives the key of the sketches' hash from the monitor's pseudonym key,
// and a fingerprint by which processes see whether theirs is the same.
func keys(m *monitor.Monitor) (sketch.Key, string) {
	a, _ := base64.RawURLEncoding.DecodeString(m.Pseudonym("bizmon sketch key 1"))
	b, _ := base64.RawURLEncoding.DecodeString(m.Pseudonym("bizmon sketch key 2"))
	return sketch.NewKey(append(a, b...)), m.Pseudonym("bizmon sketch fingerprint")
}

// Run does, every so often, what no call of the host does: see [Business.Check]
// and [WithSketchStore]. It ends when ctx is done, after a last exchange with the
// fleet.
func (b *Business) Run(ctx context.Context) error {
	if b.core.m.Off() {
		<-ctx.Done()
		return nil
	}
	if b.core.config.store != nil {
		var fleet sync.WaitGroup
		defer fleet.Wait()
		fleet.Go(func() { b.share(ctx) })
	}
	check := time.NewTicker(b.core.config.interval)
	defer check.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-check.C:
			b.Check(b.core.m.Now())
		}
	}
}

// lastSync bounds the exchange with the fleet on the way out.
const lastSync = 3 * time.Second

// share talks to the fleet until ctx is done, and once more; what fails is
// counted, logged and tried again.
func (b *Business) share(ctx context.Context) {
	every := time.NewTicker(b.core.config.syncEvery)
	defer every.Stop()
	for ctx.Err() == nil {
		_ = b.Sync(ctx)
		select {
		case <-ctx.Done():
		case <-every.C:
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastSync)
	defer cancel()
	_ = b.Sync(last)
}

// Check ends idle sessions, reports data sources whose health has crossed its
// threshold, and back-tests that got stuck. Run calls it; a host that does not
// run b may.
func (b *Business) Check(now time.Time) {
	if b.core.m.Off() {
		return
	}
	b.Users.sessions.sweep(now)
	b.Sources.check(now)
	b.Backtests.check(now)
}

// Sync exchanges the sketches of users with the fleet once, as Run does every
// so often. Without a store it does nothing.
func (b *Business) Sync(ctx context.Context) error {
	if b.core.m.Off() || b.core.config.store == nil {
		return nil
	}
	return b.Users.sync(ctx, b.core.m.Now())
}

// record sends an event if a sink wants its kind. Callers on a hot path ask
// Enabled before they build one.
func (c *core) record(e monitor.Event, attrs ...slog.Attr) {
	e.Add(attrs...)
	c.m.Record(e)
}
