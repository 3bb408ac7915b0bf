package host

import (
	"strconv"
	"sync"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
)

// modes are the ways in which a CPU spends its time, as node_exporter names them.
var modes = [...]string{"idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user"}

const idle = 0 // in modes

// cpuTimes is how long one CPU has spent in each mode.
type cpuTimes struct {
	id      int64
	seconds [len(modes)]float64
}

// jumpBack is how far, in seconds, a CPU's idle time may go back before the CPU
// is taken for a new one: it was unplugged and came back. It is node_exporter's.
const jumpBack = 3

// cpuHistory keeps the counters from going back a little, as the kernel's do:
// "iowait" is documented to, "idle" does when a CPU wakes. A reader would take
// that for a restart and add the whole uptime.
type cpuHistory struct {
	mu   sync.Mutex
	last map[int64]cpuTimes // guarded by mu
}

func (h *cpuHistory) read(src source) func() ([]cpuTimes, error) {
	return func() ([]cpuTimes, error) {
		now, err := src.cpus()
		if err != nil {
			return nil, err
		}
		return h.smooth(now), nil
	}
}

func (h *cpuHistory) smooth(now []cpuTimes) []cpuTimes {
	h.mu.Lock()
	defer h.mu.Unlock()
	next := make(map[int64]cpuTimes, len(now))
	for i, c := range now {
		if last, ok := h.last[c.id]; ok && last.seconds[idle]-c.seconds[idle] < jumpBack {
			for mode, seconds := range last.seconds {
				now[i].seconds[mode] = max(seconds, c.seconds[mode])
			}
		}
		next[c.id] = now[i]
	}
	h.last = next
	return now
}

func (h *Host) showCPU(set *instrument.Set) error {
	who := h.cpu.reader()
	return set.Func(catalog.NodeCPUSeconds, func(labels instrument.LabelMaker) instrument.Func {
		names := newLabelCache(func(id int64) (out [len(modes)]*instrument.Labels) {
			for i, mode := range modes {
				out[i] = labels(strconv.FormatInt(id, 10), mode)
			}
			return out
		})
		return func(yield instrument.Yield) {
			cpus, err := h.cpu.get(who)
			if err != nil {
				return
			}
			for _, c := range cpus {
				for i, l := range names.get(c.id, len(cpus)) {
					yield(l, c.seconds[i])
				}
			}
		}
	})
}
