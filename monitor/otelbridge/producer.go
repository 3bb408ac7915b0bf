package otelbridge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/monitor"
)

// loaded is when the process started, or as good as.
var loaded = time.Now()

// Producer reads a monitor's registry for an OpenTelemetry metric reader. It is
// safe for concurrent use.
type Producer struct {
	m        *monitor.Monitor
	gatherer prometheus.Gatherer
	failures *instrument.Cell
	words    vocabulary
	version  string
	start    time.Time // of everything that does not know better
	foreign  bool
	errors   bool
}

var _ sdkmetric.Producer = (*Producer)(nil)

// New returns a producer of the monitor's metrics. It gathers when it is asked
// to and starts nothing. It is an error if the registerer that the monitor was
// given cannot gather.
func New(m *monitor.Monitor, opts ...Option) (*Producer, error) {
	c, err := newConfig(opts)
	if m == nil {
		return nil, errors.Join(fmt.Errorf("otelbridge: %w: monitor = nil: want a monitor", monitor.ErrInvalidOption), err)
	}
	g := m.Gatherer()
	if g == nil {
		err = errors.Join(err, fmt.Errorf("otelbridge: %w: the monitor's registerer is a %T: want one that is a prometheus.Gatherer too",
			monitor.ErrInvalidOption, m.Registerer()))
	}
	if err != nil {
		return nil, err
	}
	failures, err := m.Instruments().Counters(catalog.MonitorScrapeErrors)
	if err != nil {
		return nil, fmt.Errorf("otelbridge: %w", err)
	}
	return &Producer{
		m: m, gatherer: g, failures: failures.Cell(), words: newVocabulary(c.semConv), version: moduleVersion(),
		start: m.Now().Add(-time.Since(loaded)), foreign: c.foreign, errors: c.errors,
	}, nil
}

// Produce implements the SDK's Producer: it gathers the registry. A collector
// that fails costs its own metrics only; that is counted in
// monitor_scrape_errors_total and logged, or returned if the producer was made
// [WithGatherErrors]. A monitor that is off produces nothing.
func (p *Producer) Produce(ctx context.Context) ([]metricdata.ScopeMetrics, error) {
	if p.m.Off() {
		return nil, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("otelbridge: %w", err)
	}
	families, err := p.gatherer.Gather() // what could be gathered comes beside the error
	if err != nil {
		err = p.failed(err)
	}
	b := p.newBatch(len(families))
	for _, f := range families {
		b.add(f)
	}
	return b.scopes(), err
}

// failed counts an incomplete gathering and returns what Produce is to return.
func (p *Producer) failed(err error) error {
	p.failures.Add(&instrument.Home{}, 0, 1)
	if p.errors {
		return fmt.Errorf("otelbridge: %w", err)
	}
	p.m.Logger().Warn("OpenTelemetry metrics are incomplete", "error", err)
	return nil
}
