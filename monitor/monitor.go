package monitor

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
)

// Monitor is what everything else hangs on: one registry of metrics, the sinks
// of events, the clock, the logger. Its methods are safe for concurrent use.
type Monitor struct {
	off           bool
	clock         func() time.Time
	logger        *slog.Logger
	build         build
	profileLabels bool
	grace         time.Duration
	pseudonymKey  []byte
	ownKey        bool // the host gave it

	registerer prometheus.Registerer
	gatherer   prometheus.Gatherer
	private    *registry // nil when the host gave its own
	set        *instrument.Set

	sinks    []*sink
	wanted   [kindEnd]bool
	sampling [kindEnd]float64

	events, delivered, dropped, writes *instrument.Group
	panics, markers, deployments       *instrument.Group
	recorded                           [kindEnd]*instrument.Cell
	scrapeErrors                       *instrument.Cell
	negotiated                         atomic.Pointer[negotiated]

	edges     *edges
	marks     marks
	snapshots snapshotters
	ran       atomic.Bool
}

// New returns a monitor. It does no I/O and starts nothing: sinks begin to
// write, and engines to run, in [Monitor.Run]. Every option that is out of
// range is named in the error, which wraps [ErrInvalidOption] for each.
func New(opts ...Option) (*Monitor, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	m := &Monitor{
		off: c.disabled || switchedOff(c.logger), clock: c.clock, logger: c.logger,
		build: readBuild(c.service, c.version), profileLabels: c.profileLabels, grace: c.grace,
		pseudonymKey: c.pseudonymKey, ownKey: c.ownKey,
		snapshots: snapshotters{archiving: make(chan struct{}, 1)},
	}
	if err := m.openRegistry(c); err != nil {
		return nil, fmt.Errorf("monitor: %w", err)
	}
	if m.off {
		m.edges = newEdges(0, nil)
		return m, nil
	}
	if err := m.registerSelf(c); err != nil {
		return nil, fmt.Errorf("monitor: %w", err)
	}
	for k := range m.sampling {
		m.sampling[k] = 1
	}
	for k, ratio := range c.sampling {
		m.sampling[k] = ratio
	}
	for _, sc := range c.sinks {
		s := m.newSink(sc)
		m.sinks = append(m.sinks, s)
		for k, wants := range s.wants {
			m.wanted[k] = m.wanted[k] || wants
		}
	}
	if err := m.showQueues(); err != nil {
		return nil, fmt.Errorf("monitor: %w", err)
	}
	return m, nil
}

// openRegistry finds or makes the registry and the instruments in it. A
// monitor that is off has instruments too, in a registry nobody reads, so that
// what is built on it needs no special case off the hot path; the host's own
// collectors are served as ever.
func (m *Monitor) openRegistry(c *config) (err error) {
	switch {
	case c.registerer != nil:
		m.registerer = c.registerer
		if g, ok := c.registerer.(prometheus.Gatherer); ok {
			m.gatherer = g
		}
	case m.off:
		only := prometheus.NewRegistry()
		m.registerer, m.gatherer = only, only
	default:
		m.private = newRegistry()
		m.registerer, m.gatherer = m.private, m.private
	}
	reg := m.registerer
	switch {
	case m.off:
		reg = prometheus.NewRegistry()
	case m.private != nil:
		reg = m.private.own()
	}
	m.set, err = instrument.Open(instrument.Config{
		Registerer: reg, Profiles: c.profiles, LabelLimit: c.labelLimit, NativeFactor: c.native, Chinese: c.chinese,
	})
	return err
}

func (m *Monitor) registerSelf(c *config) error {
	err := m.showBuild()
	if err != nil {
		return err
	}
	if err := m.registerSinkMetrics(); err != nil {
		return err
	}
	var edgeOverflow, scrapeErrors *instrument.Group
	for _, c := range []struct {
		metric catalog.Metric
		group  **instrument.Group
	}{
		{catalog.MonitorCallbackPanics, &m.panics},
		{catalog.ChangeMarkers, &m.markers},
		{catalog.Deployments, &m.deployments},
		{catalog.MonitorEdgeOverflow, &edgeOverflow},
		{catalog.MonitorScrapeErrors, &scrapeErrors},
	} {
		if *c.group, err = m.set.Counters(c.metric); err != nil {
			return err
		}
	}
	m.edges = newEdges(c.edgeLimit, edgeOverflow.Cell())
	m.scrapeErrors = scrapeErrors.Cell()
	if !c.runtime {
		return nil
	}
	return errors.Join(
		m.registerOnce(collectors.NewGoCollector()),
		m.registerOnce(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})),
	)
}

// showBuild makes the build a metric, once for all monitors on the registry.
func (m *Monitor) showBuild() error {
	_, err := instrument.Share(m.set, fmt.Sprintf("%#v", m.build), func() (build, error) {
		return m.build, m.set.Func(catalog.MonitorInfo, func(labels instrument.LabelMaker) instrument.Func {
			l := labels(m.build.service, m.build.version, m.build.revision, m.build.goVersion)
			return func(yield instrument.Yield) { yield(l, 1) }
		})
	})
	return err
}

// registerOnce registers a stock collector unless it is there already.
func (m *Monitor) registerOnce(c prometheus.Collector) error {
	err := m.registerer.Register(c)
	if _, dup := errors.AsType[prometheus.AlreadyRegisteredError](err); dup {
		return nil
	}
	return err
}

// switchedOff reads the environment variable MONITOR.
func switchedOff(log *slog.Logger) bool {
	switch v := os.Getenv("MONITOR"); strings.ToLower(v) {
	case "off", "0", "false", "no", "disabled":
		return true
	case "", "on", "1", "true", "yes", "enabled":
	default:
		log.Warn("MONITOR is neither on nor off: the monitor is on", "MONITOR", v)
	}
	return false
}

// Off reports whether the monitor was disabled, by [WithDisabled] or MONITOR=off.
func (m *Monitor) Off() bool { return m.off }

// Now returns the time of the monitor's clock.
func (m *Monitor) Now() time.Time { return m.clock() }

// Logger returns where the SDK reports its own troubles.
func (m *Monitor) Logger() *slog.Logger { return m.logger }

// Registerer is where the host registers collectors of its own, to have them
// served by [Monitor.Handler]. It is what [WithRegisterer] gave, if that was given.
func (m *Monitor) Registerer() prometheus.Registerer { return m.registerer }

// Gatherer returns all metrics: the SDK's and the host's. It is nil if the
// registerer given by [WithRegisterer] cannot gather.
func (m *Monitor) Gatherer() prometheus.Gatherer { return m.gatherer }

// ProfileLabels reports whether [WithProfileLabels] was given.
func (m *Monitor) ProfileLabels() bool { return m.profileLabels }

// Instruments returns the SDK's own instruments, for its collectors.
func (m *Monitor) Instruments() *instrument.Set { return m.set }

// Guard is deferred around a call of the host's code. A panic becomes the
// error, is counted under the callback's name in monitor_callback_panics_total
// and logged, without its value, which may hold what a request carried.
func (m *Monitor) Guard(callback string, err *error) {
	if v := recover(); v != nil {
		*err = m.panicked(callback, v)
	}
}

func (m *Monitor) panicked(callback string, v any) error {
	if !m.off {
		m.panics.Cell(callback).Add(&instrument.Home{}, 0, 1)
	}
	m.complain("callback panicked", "callback", callback, "panic", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
	return fmt.Errorf("monitor: callback %s panicked with a %T", callback, v)
}

// complain logs an error, whatever the host's logger makes of it.
func (m *Monitor) complain(msg string, attrs ...any) {
	defer func() { _ = recover() }() // there is nobody left to tell
	m.logger.Error(msg, attrs...)
}
