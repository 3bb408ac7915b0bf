package host

import (
	"errors"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
)

// memoryMetrics are the fields of /proc/meminfo that are shown. A source's
// numbers stand in this order.
var memoryMetrics = [...]catalog.Metric{
	catalog.NodeMemTotal, catalog.NodeMemFree, catalog.NodeMemAvailable, catalog.NodeMemBuffers, catalog.NodeMemCached,
	catalog.NodeMemShmem, catalog.NodeMemSlab, catalog.NodeMemReclaim, catalog.NodeMemAnonPages, catalog.NodeMemDirty,
	catalog.NodeMemWriteback, catalog.NodeMemCommitted, catalog.NodeMemCommitMax, catalog.NodeSwapTotal, catalog.NodeSwapFree,
}

func (h *Host) showMemory(set *instrument.Set) error {
	var errs []error
	for i, metric := range &memoryMetrics {
		who := h.memory.reader()
		errs = append(errs, set.Func(metric, func(labels instrument.LabelMaker) instrument.Func {
			none := labels()
			return func(yield instrument.Yield) {
				if bytes, err := h.memory.get(who); err == nil && bytes[i] != nil {
					yield(none, float64(*bytes[i]))
				}
			}
		}))
	}
	return errors.Join(errs...)
}
