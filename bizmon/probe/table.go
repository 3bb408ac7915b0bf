package probe

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/monitor"
)

// table is the metrics of all probers on one registry.
type table struct {
	checks, skipped *instrument.Group
	reasons         *instrument.Limiter

	mu    sync.RWMutex
	watch []*watch        // guarded by mu
	names map[string]bool // guarded by mu
}

func newTable(set *instrument.Set) (*table, error) {
	t := &table{names: map[string]bool{}, reasons: set.Limiter(catalog.ProbeChecks.Name, "reason", hostsReasons)}
	t.reasons.Exempt(reasons...)
	var errs [2]error
	t.checks, errs[0] = set.Counters(catalog.ProbeChecks)
	t.skipped, errs[1] = set.Counters(catalog.ProbeSkipped)
	return t, errors.Join(errs[0], errs[1],
		t.show(set, catalog.ProbeSuccess, func(r *Result) (float64, bool) {
			if r.Success {
				return 1, true
			}
			return 0, true
		}),
		t.show(set, catalog.ProbeDuration, func(r *Result) (float64, bool) { return r.Duration.Seconds(), true }),
		t.show(set, catalog.ProbeDNSLookup, func(r *Result) (float64, bool) { return r.DNSLookup.Seconds(), r.DNSLookup > 0 }),
		t.show(set, catalog.ProbeHTTPStatus, func(r *Result) (float64, bool) { return float64(r.HTTPStatus), r.HTTPStatus > 0 }),
		t.show(set, catalog.ProbeCertExpiry, func(r *Result) (float64, bool) {
			return float64(r.CertExpiry.Unix()), !r.CertExpiry.IsZero()
		}),
	)
}

// show makes a metric of something in each target's last result.
func (t *table) show(set *instrument.Set, metric catalog.Metric, value func(*Result) (float64, bool)) error {
	return set.Func(metric, func(labels instrument.LabelMaker) instrument.Func {
		var names sync.Map // *watch → *instrument.Labels
		return func(yield instrument.Yield) {
			t.mu.RLock()
			watched := t.watch
			t.mu.RUnlock()
			for _, w := range watched {
				r := w.last()
				if !r.Checked() {
					continue
				}
				if v, ok := value(&r); ok {
					name, known := names.Load(w)
					if !known {
						name, _ = names.LoadOrStore(w, labels(w.target.Name, w.target.Check.prober()))
					}
					yield(name.(*instrument.Labels), v)
				}
			}
		}
	})
}

// add takes in a prober's targets, all of them or none.
func (t *table) add(watched []*watch) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var errs []error
	for _, w := range watched {
		if t.names[w.target.Name] {
			errs = append(errs, fmt.Errorf("probe: %w: target %q: Name: want one that no other prober on this registry has",
				monitor.ErrInvalidOption, w.target.Name))
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	for _, w := range watched {
		t.names[w.target.Name] = true
	}
	t.watch = append(slices.Clip(t.watch), watched...)
	return nil
}
