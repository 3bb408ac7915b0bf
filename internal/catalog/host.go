package catalog

// Metrics of the host, under node_exporter's names, types and labels.
var (
	NodeCPUSeconds = Metric{
		Name: "node_cpu_seconds_total", Type: Counter, Unit: "s",
		Help: "Seconds the CPUs spent in each mode.", HelpZH: "CPU各模式累计时间",
		Labels: []string{"cpu", "mode"},
	}
	NodeLoad1 = Metric{
		Name: "node_load1", Type: Gauge, Unit: "1",
		Help: "Load average over 1 minute.", HelpZH: "1分钟平均负载",
	}
	NodeLoad5 = Metric{
		Name: "node_load5", Type: Gauge, Unit: "1",
		Help: "Load average over 5 minutes.", HelpZH: "5分钟平均负载",
	}
	NodeLoad15 = Metric{
		Name: "node_load15", Type: Gauge, Unit: "1",
		Help: "Load average over 15 minutes.", HelpZH: "15分钟平均负载",
	}

	NodeMemTotal     = nodeMemory("MemTotal", "Memory the kernel manages.", "内存总量")
	NodeMemFree      = nodeMemory("MemFree", "Memory in no use at all.", "空闲内存")
	NodeMemAvailable = nodeMemory("MemAvailable", "Estimate of the memory that programs can have without swapping.", "可用内存")
	NodeMemBuffers   = nodeMemory("Buffers", "Memory of raw block buffers.", "块设备缓冲内存")
	NodeMemCached    = nodeMemory("Cached", "Memory of the page cache.", "页缓存内存")
	NodeMemShmem     = nodeMemory("Shmem", "Memory of tmpfs and of shared segments.", "共享内存")
	NodeMemSlab      = nodeMemory("Slab", "Memory of the kernel's own structures.", "内核Slab内存")
	NodeMemReclaim   = nodeMemory("SReclaimable", "Part of Slab that can be reclaimed.", "可回收的Slab内存")
	NodeMemAnonPages = nodeMemory("AnonPages", "Memory of programs that no file backs.", "匿名页内存")
	NodeMemDirty     = nodeMemory("Dirty", "Memory that waits to be written to disk.", "待写回磁盘的内存")
	NodeMemWriteback = nodeMemory("Writeback", "Memory that is being written to disk.", "正在写回磁盘的内存")
	NodeMemCommitted = nodeMemory("Committed_AS", "Memory promised to programs.", "已承诺分配的内存")
	NodeMemCommitMax = nodeMemory("CommitLimit", "Memory that may be promised under strict overcommit.", "可承诺分配的内存上限")
	NodeSwapTotal    = nodeMemory("SwapTotal", "Swap space.", "交换空间总量")
	NodeSwapFree     = nodeMemory("SwapFree", "Swap space in no use.", "空闲交换空间")

	NodeFilesystemSize = Metric{
		Name: "node_filesystem_size_bytes", Type: Gauge, Unit: "By",
		Help: "Filesystem size.", HelpZH: "文件系统大小", Labels: filesystemLabels,
	}
	NodeFilesystemFree = Metric{
		Name: "node_filesystem_free_bytes", Type: Gauge, Unit: "By",
		Help: "Filesystem space that is free.", HelpZH: "文件系统空闲空间", Labels: filesystemLabels,
	}
	NodeFilesystemAvail = Metric{
		Name: "node_filesystem_avail_bytes", Type: Gauge, Unit: "By",
		Help: "Filesystem space available to non-root users.", HelpZH: "文件系统可用空间（非root用户）", Labels: filesystemLabels,
	}
	NodeFilesystemFiles = Metric{
		Name: "node_filesystem_files", Type: Gauge, Unit: "{inode}",
		Help: "File nodes of the filesystem.", HelpZH: "文件系统inode总数", Labels: filesystemLabels,
	}
	NodeFilesystemFilesFree = Metric{
		Name: "node_filesystem_files_free", Type: Gauge, Unit: "{inode}",
		Help: "Free file nodes of the filesystem.", HelpZH: "文件系统空闲inode数", Labels: filesystemLabels,
	}
	NodeFilesystemReadonly = Metric{
		Name: "node_filesystem_readonly", Type: Gauge, Unit: "1",
		Help: "1 if the filesystem is mounted read-only.", HelpZH: "文件系统是否只读", Labels: filesystemLabels,
	}
	NodeFilesystemError = Metric{
		Name: "node_filesystem_device_error", Type: Gauge, Unit: "1",
		Help: "1 if the filesystem could not be asked; device_error says why.", HelpZH: "文件系统状态读取是否出错",
		Labels: []string{"device", "mountpoint", "fstype", "device_error"},
	}
	NodeCollectorSuccess = Metric{
		Name: "node_scrape_collector_success", Type: Gauge, Unit: "1",
		Help: "1 if that part of the host could be read, 0 if not.", HelpZH: "主机指标采集是否成功",
		Labels: []string{"collector"},
	}
	HostFilesystemsSkipped = Metric{
		Name: "monitor_host_filesystems_skipped", Type: Gauge, Unit: "{filesystem}",
		Help: "Filesystems left out of the last reading, because they hang, failed, or are past the limit.", HelpZH: "被跳过的文件系统数量",
		Labels: []string{"reason"},
	}
)

var filesystemLabels = []string{"device", "mountpoint", "fstype"}

// nodeMemory is a field of /proc/meminfo.
func nodeMemory(field, help, helpZH string) Metric {
	return Metric{Name: "node_memory_" + field + "_bytes", Type: Gauge, Unit: "By", Help: help, HelpZH: helpZH}
}

func host() []Metric {
	return []Metric{
		NodeCPUSeconds, NodeLoad1, NodeLoad5, NodeLoad15,
		NodeMemTotal, NodeMemFree, NodeMemAvailable, NodeMemBuffers, NodeMemCached, NodeMemShmem, NodeMemSlab,
		NodeMemReclaim, NodeMemAnonPages, NodeMemDirty, NodeMemWriteback, NodeMemCommitted, NodeMemCommitMax,
		NodeSwapTotal, NodeSwapFree,
		NodeFilesystemSize, NodeFilesystemFree, NodeFilesystemAvail, NodeFilesystemFiles, NodeFilesystemFilesFree,
		NodeFilesystemReadonly, NodeFilesystemError, NodeCollectorSuccess, HostFilesystemsSkipped,
	}
}
