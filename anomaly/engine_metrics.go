package anomaly

import (
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
)

// engineCounters are what the engine counts.
type engineCounters struct {
	points, detections, shedding, errors, feedback *instrument.Group
	unsaved                                        *instrument.Cell
}

func newEngineCounters(set *instrument.Set) (*engineCounters, error) {
	c := &engineCounters{}
	var unsaved *instrument.Group
	for _, one := range []struct {
		metric catalog.Metric
		group  **instrument.Group
	}{
		{catalog.AnomalyPoints, &c.points},
		{catalog.AnomalyDetections, &c.detections},
		{catalog.AnomalyShed, &c.shedding},
		{catalog.AnomalyErrors, &c.errors},
		{catalog.AnomalyFeedback, &c.feedback},
		{catalog.AnomalyUnsaved, &unsaved},
	} {
		g, err := set.Counters(one.metric)
		if err != nil {
			return nil, err
		}
		*one.group = g
	}
	c.unsaved = unsaved.Cell()
	return c, nil
}

func (c *engineCounters) shed(watch, reason string, n int) {
	if n > 0 {
		add(c.shedding.Cell(watch, reason), n)
	}
}

func add(c *instrument.Cell, n int) {
	if n > 0 {
		c.Add(&instrument.Home{}, 0, uint64(n))
	}
}

// show adds what is computed when it is asked for.
func (e *Engine) show() error {
	set := e.m.Instruments()
	err := set.Func(catalog.AnomalySeries, func(labels instrument.LabelMaker) instrument.Func {
		names := make([]*instrument.Labels, len(e.watches))
		for i, w := range e.watches {
			names[i] = labels(w.Name)
		}
		return func(yield instrument.Yield) {
			e.mu.Lock()
			defer e.mu.Unlock()
			for i, w := range e.watches {
				yield(names[i], float64(len(w.order)))
			}
		}
	})
	if err != nil {
		return err
	}
	err = set.Func(catalog.AnomalyPrecision, func(labels instrument.LabelMaker) instrument.Func {
		none := labels()
		return func(yield instrument.Yield) {
			e.mu.Lock()
			v := e.verdicts
			e.mu.Unlock()
			if all := v.Confirmed + v.Dismissed; all > 0 {
				yield(none, float64(v.Confirmed)/float64(all))
			}
		}
	})
	if err != nil || e.m.Off() {
		return err
	}
	return e.m.Registerer().Register(seriesMetrics{e})
}

// seriesMetrics shows the watched series under their own labels, which differ from
// watch to watch and come and go: so it describes nothing.
type seriesMetrics struct{ e *Engine }

var _ prometheus.Collector = seriesMetrics{}

var (
	scoreDesc  = prometheus.NewDesc(catalog.AnomalyScore.Name, catalog.AnomalyScore.Help, nil, nil)
	activeDesc = prometheus.NewDesc(catalog.AnomalyActive.Name, catalog.AnomalyActive.Help, nil, nil)
)

// Describe implements prometheus.Collector.
func (seriesMetrics) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (m seriesMetrics) Collect(ch chan<- prometheus.Metric) {
	var all []seriesMetric
	m.e.mu.Lock()
	for _, w := range m.e.watches {
		for _, s := range w.order {
			if s.shown {
				active := 0.0
				if s.active {
					active = 1
				}
				all = append(all, seriesMetric{scoreDesc, s.pairs, s.value}, seriesMetric{activeDesc, s.pairs, active})
			}
		}
	}
	m.e.mu.Unlock()
	for i := range all {
		ch <- &all[i]
	}
}

// seriesMetric is a gauge of a series.
type seriesMetric struct {
	desc  *prometheus.Desc
	pairs []*dto.LabelPair
	value float64
}

// Desc implements prometheus.Metric.
func (m *seriesMetric) Desc() *prometheus.Desc { return m.desc }

// Write implements prometheus.Metric.
func (m *seriesMetric) Write(out *dto.Metric) error {
	out.Label, out.Gauge = m.pairs, &dto.Gauge{Value: &m.value}
	return nil
}
