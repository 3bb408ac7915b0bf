package host

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/monitor"
)

// Host is the machine's metrics. It is safe for concurrent use.
type Host struct {
	cpu    *shared[[]cpuTimes]
	memory *shared[[]*uint64]
	load   *shared[[3]float64]
	disks  *shared[filesystems]
	asked  *statter
}

// source is where the numbers come from.
type source interface {
	cpus() ([]cpuTimes, error)
	memory() ([]*uint64, error)                // in the order of memoryMetrics; nil where the kernel has no such number
	load() ([3]float64, error)                 // over 1, 5 and 15 minutes
	mounts() (all []mount, odd int, err error) // odd: lines that cannot be read
	stat(mountPoint string) (space, error)     // may never return
}

// New shows the machine's metrics in m's registry. It reads nothing yet. Two
// hosts on one registry are one: the first one's options stand.
func New(m *monitor.Monitor, opts ...Option) (*Host, error) {
	c, err := newConfig(opts)
	if m == nil {
		err = errors.Join(fmt.Errorf("host: %w: monitor = nil: want a monitor", monitor.ErrInvalidOption), err)
	}
	if err != nil {
		return nil, err
	}
	return open(m, c, newSource(c))
}

// open is New with the source of numbers; nil where there is none.
func open(m *monitor.Monitor, c *config, src source) (*Host, error) {
	if m.Off() || src == nil {
		if src == nil {
			m.Logger().Warn("host: no metrics of the machine on this system", "os", runtime.GOOS)
		}
		return &Host{}, nil
	}
	return instrument.Share(m.Instruments(), "host", func() (*Host, error) {
		h := &Host{asked: newStatter(src.stat, c.timeout, c.limit)}
		h.cpu = newShared(m, "cpu", new(cpuHistory).read(src))
		h.memory = newShared(m, "meminfo", src.memory)
		h.load = newShared(m, "loadavg", src.load)
		h.disks = newShared(m, "filesystem", func() (filesystems, error) { return readFilesystems(c, src, h.asked) })
		if err := h.register(m.Instruments()); err != nil {
			return nil, fmt.Errorf("host: %w", err)
		}
		return h, nil
	})
}

// Hanging lists the mount points that were asked for their size and have not
// answered yet.
func (h *Host) Hanging() []string {
	if h.asked == nil {
		return nil
	}
	return h.asked.hanging()
}

func (h *Host) register(set *instrument.Set) error {
	return errors.Join(
		h.showCPU(set),
		h.showMemory(set),
		h.showLoad(set),
		h.showFilesystems(set),
		h.showSuccess(set),
	)
}

func (h *Host) showLoad(set *instrument.Set) error {
	var errs []error
	for i, metric := range []catalog.Metric{catalog.NodeLoad1, catalog.NodeLoad5, catalog.NodeLoad15} {
		who := h.load.reader()
		errs = append(errs, set.Func(metric, func(labels instrument.LabelMaker) instrument.Func {
			none := labels()
			return func(yield instrument.Yield) {
				if load, err := h.load.get(who); err == nil {
					yield(none, load[i])
				}
			}
		}))
	}
	return errors.Join(errs...)
}

// showSuccess says which parts could be read.
func (h *Host) showSuccess(set *instrument.Set) error {
	cpu, memory, load, disks := h.cpu.reader(), h.memory.reader(), h.load.reader(), h.disks.reader()
	return set.Func(catalog.NodeCollectorSuccess, func(labels instrument.LabelMaker) instrument.Func {
		c, m, l, d := labels(h.cpu.part), labels(h.memory.part), labels(h.load.part), labels(h.disks.part)
		return func(yield instrument.Yield) {
			_, cpuErr := h.cpu.get(cpu)
			_, memoryErr := h.memory.get(memory)
			_, loadErr := h.load.get(load)
			_, disksErr := h.disks.get(disks)
			yield(c, oneIf(cpuErr == nil))
			yield(m, oneIf(memoryErr == nil))
			yield(l, oneIf(loadErr == nil))
			yield(d, oneIf(disksErr == nil))
		}
	})
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
