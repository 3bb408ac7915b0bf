// Package host measures the machine that the process runs on: CPU, memory,
// filesystems and load, under node_exporter's names, so that rules and panels
// written for a node exporter have data where none is installed.
//
//	if _, err := host.New(m); err != nil {
//		return err
//	}
//
// Everything is read when it is scraped; there is nothing to run. The metrics
// of one scrape that stand side by side, a filesystem's size and what is
// available of it, come from one reading, which scrapers that come at the same
// time share.
//
// # Metrics
//
//	name                                labels                                       unit
//	node_cpu_seconds_total              cpu, mode                                    seconds, a counter
//	node_load1, _load5, _load15         none                                         processes, a mean
//	node_memory_X_bytes                 none                                         bytes
//	node_filesystem_size_bytes          device, mountpoint, fstype                   bytes
//	node_filesystem_free_bytes          device, mountpoint, fstype                   bytes
//	node_filesystem_avail_bytes         device, mountpoint, fstype                   bytes, to others than root
//	node_filesystem_files               device, mountpoint, fstype                   inodes
//	node_filesystem_files_free          device, mountpoint, fstype                   inodes
//	node_filesystem_readonly            device, mountpoint, fstype                   1 or 0
//	node_filesystem_device_error        device, mountpoint, fstype, device_error     1 or 0
//	node_scrape_collector_success       collector                                    1 or 0
//	monitor_host_filesystems_skipped    reason                                       filesystems
//
// All but the first are gauges. X is one of MemTotal, MemFree, MemAvailable,
// Buffers, Cached, Shmem, Slab, SReclaimable, AnonPages, Dirty, Writeback,
// Committed_AS, CommitLimit, SwapTotal, SwapFree; what a kernel does not tell
// is absent.
//
// The labels' values:
//
//	cpu           the number of the CPU, from 0
//	mode          idle, iowait, irq, nice, softirq, steal, system, user
//	device        as in mountinfo, without user and password
//	mountpoint    as in mountinfo; a byte that is not UTF-8 reads \xff
//	fstype        ext4, xfs, tmpfs, nfs4 …
//	device_error  empty, "mountpoint timeout", or what the kernel said
//	collector     cpu, meminfo, loadavg, filesystem
//	reason        error (the kernel said no), hangs (no answer in time), limit
//	              (past WithFilesystemLimit), odd (a line that cannot be read)
//
// The filesystems are bounded by [WithFilesystemLimit].
//
// # Filesystems
//
// Those that hold no data (proc, cgroup, tracefs …) are left out, by the lists
// of node_exporter, and so are the mounts that container runtimes make by the
// dozen. One thing differs: an overlay mounted at / is kept, because in a
// container it is the only filesystem there is.
//
// A mount whose server is gone, as of NFS, blocks whoever asks for its size,
// for good. Each mount is therefore asked in a goroutine of its own, and the
// scrape waits no longer than [WithStatTimeout]. What has not answered by then
// is shown in node_filesystem_device_error and counted in
// monitor_host_filesystems_skipped, costs one goroutine and one thread until
// it does answer, and is not asked again before. Once as many hang as
// [WithFilesystemLimit] lets be shown, nothing else is asked.
//
// # Containers
//
// CPU, memory and load in /proc are the machine's, not the container's. To
// measure the machine's filesystems from inside a container, mount its / there
// and say so with [WithRoot] and [WithProc].
//
// # Other systems
//
// The numbers come from Linux's /proc. Elsewhere [New] logs that there will be
// none and succeeds, so that a service starts on its developer's laptop; rules
// over these metrics do not fire there.
package host
