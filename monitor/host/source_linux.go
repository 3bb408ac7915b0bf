package host

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/prometheus/procfs"
)

// procSource reads Linux's proc filesystem.
type procSource struct {
	path  string
	first bool // mounts are those of process 1, not of this process
}

var _ source = (*procSource)(nil)

func newSource(c *config) source { return &procSource{path: c.proc, first: c.root != "/"} }

func (p *procSource) cpus() ([]cpuTimes, error) {
	fs, err := procfs.NewFS(p.path)
	if err != nil {
		return nil, err
	}
	stat, err := fs.Stat()
	if err != nil {
		return nil, err
	}
	out := make([]cpuTimes, 0, len(stat.CPU))
	for id, c := range stat.CPU {
		// in the order of modes
		out = append(out, cpuTimes{id, [...]float64{c.Idle, c.Iowait, c.IRQ, c.Nice, c.SoftIRQ, c.Steal, c.System, c.User}})
	}
	slices.SortFunc(out, func(a, b cpuTimes) int { return int(a.id - b.id) })
	return out, nil
}

func (p *procSource) memory() ([]*uint64, error) {
	fs, err := procfs.NewFS(p.path)
	if err != nil {
		return nil, err
	}
	m, err := fs.Meminfo()
	if err != nil {
		return nil, err
	}
	inOrder := [len(memoryMetrics)]*uint64{
		m.MemTotalBytes, m.MemFreeBytes, m.MemAvailableBytes, m.BuffersBytes, m.CachedBytes,
		m.ShmemBytes, m.SlabBytes, m.SReclaimableBytes, m.AnonPagesBytes, m.DirtyBytes,
		m.WritebackBytes, m.CommittedASBytes, m.CommitLimitBytes, m.SwapTotalBytes, m.SwapFreeBytes,
	}
	return inOrder[:], nil
}

func (p *procSource) load() ([3]float64, error) {
	fs, err := procfs.NewFS(p.path)
	if err != nil {
		return [3]float64{}, err
	}
	l, err := fs.LoadAvg()
	if err != nil {
		return [3]float64{}, err
	}
	return [3]float64{l.Load1, l.Load5, l.Load15}, nil
}

func (p *procSource) mounts() (all []mount, odd int, err error) {
	process := "self"
	if p.first {
		process = "1"
	}
	text, err := os.ReadFile(filepath.Join(p.path, process, "mountinfo"))
	if err != nil {
		return nil, 0, err
	}
	for line := range strings.Lines(string(text)) {
		if m, ok := parseMount(strings.TrimSuffix(line, "\n")); ok {
			all = append(all, m)
		} else {
			odd++
		}
	}
	if len(all) == 0 && odd > 0 {
		return nil, odd, errors.New("mountinfo: none of its lines can be read")
	}
	return all, odd, nil
}

func (p *procSource) stat(path string) (space, error) {
	var s syscall.Statfs_t
	for {
		err := syscall.Statfs(path, &s)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return space{}, err
		}
		size := uint64(s.Bsize)
		return space{
			size: s.Blocks * size, free: s.Bfree * size, avail: s.Bavail * size,
			files: s.Files, filesFree: s.Ffree,
		}, nil
	}
}
