package host

import (
	"errors"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
)

// space is what a filesystem says of itself.
type space struct {
	size, free, avail uint64 // bytes
	files, filesFree  uint64
}

// filesystem is one mount that was asked.
type filesystem struct {
	mount
	space
	err string // why there is no space; empty: none
}

// hangs is the error of a mount that does not answer, in node_exporter's words.
const hangs = "mountpoint timeout"

// filesystems is one reading of all of them.
type filesystems struct {
	list                          []filesystem
	hanging, failed, surplus, odd int
}

func readFilesystems(c *config, src source, asked *statter) (filesystems, error) {
	all, odd, err := src.mounts()
	if err != nil {
		return filesystems{}, err
	}
	mounts := c.shown(all)
	out := filesystems{odd: odd}
	if len(mounts) > c.limit {
		out.surplus = len(mounts) - c.limit
		mounts = mounts[:c.limit]
	}
	paths := make([]string, len(mounts))
	for i, m := range mounts {
		paths[i] = c.path(m.point)
	}
	for i, a := range asked.ask(paths) {
		f := filesystem{mount: mounts[i].legible(), space: a.space}
		switch {
		case !a.came:
			f.err = hangs
			out.hanging++
		case a.err != nil:
			f.err = a.err.Error()
			out.failed++
		}
		out.list = append(out.list, f)
	}
	return out, nil
}

func (h *Host) showFilesystems(set *instrument.Set) error {
	var errs []error
	for _, show := range []struct {
		metric catalog.Metric
		value  func(*filesystem) float64
	}{
		{catalog.NodeFilesystemSize, func(f *filesystem) float64 { return float64(f.size) }},
		{catalog.NodeFilesystemFree, func(f *filesystem) float64 { return float64(f.free) }},
		{catalog.NodeFilesystemAvail, func(f *filesystem) float64 { return float64(f.avail) }},
		{catalog.NodeFilesystemFiles, func(f *filesystem) float64 { return float64(f.files) }},
		{catalog.NodeFilesystemFilesFree, func(f *filesystem) float64 { return float64(f.filesFree) }},
		{catalog.NodeFilesystemReadonly, func(f *filesystem) float64 { return oneIf(f.readonly) }},
	} {
		who := h.disks.reader()
		errs = append(errs, set.Func(show.metric, func(labels instrument.LabelMaker) instrument.Func {
			names := newLabelCache(func(m mount) *instrument.Labels { return labels(m.device, m.point, m.fstype) })
			return func(yield instrument.Yield) {
				disks, _ := h.disks.get(who) // none where there is an error
				for i := range disks.list {
					if f := &disks.list[i]; f.err == "" {
						yield(names.get(f.mount, len(disks.list)), show.value(f))
					}
				}
			}
		}))
	}
	return errors.Join(append(errs, h.showFilesystemErrors(set), h.showSkipped(set))...)
}

func (h *Host) showFilesystemErrors(set *instrument.Set) error {
	type failing struct {
		mount
		err string
	}
	who := h.disks.reader()
	return set.Func(catalog.NodeFilesystemError, func(labels instrument.LabelMaker) instrument.Func {
		names := newLabelCache(func(f failing) *instrument.Labels { return labels(f.device, f.point, f.fstype, f.err) })
		return func(yield instrument.Yield) {
			disks, _ := h.disks.get(who)
			for _, f := range disks.list {
				yield(names.get(failing{f.mount, f.err}, len(disks.list)), oneIf(f.err != ""))
			}
		}
	})
}

func (h *Host) showSkipped(set *instrument.Set) error {
	who := h.disks.reader()
	return set.Func(catalog.HostFilesystemsSkipped, func(labels instrument.LabelMaker) instrument.Func {
		hanging, failed, surplus, odd := labels("hangs"), labels("error"), labels("limit"), labels("odd")
		return func(yield instrument.Yield) {
			disks, err := h.disks.get(who)
			if err != nil {
				return
			}
			yield(hanging, float64(disks.hanging))
			yield(failed, float64(disks.failed))
			yield(surplus, float64(disks.surplus))
			yield(odd, float64(disks.odd))
		}
	})
}
