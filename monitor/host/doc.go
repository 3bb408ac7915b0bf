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
// available of it, come from one reading.
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
// it does answer, and is not asked again before.
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
