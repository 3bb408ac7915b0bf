package catalog

// Metrics of what keeps state: journals, the PostgreSQL store, and the lease by
// which replicas agree on one leader.
var (
	JournalWrites = Metric{
		Name: "monitor_journal_writes_total", Type: Counter, Unit: "{write}",
		Help: "Writes to a journal, by result.", HelpZH: "状态日志写入次数（按结果）",
		Labels: []string{"journal", "result"},
	}
	JournalCompactions = Metric{
		Name: "monitor_journal_compactions_total", Type: Counter, Unit: "{compaction}",
		Help: "Compactions of a journal, by result.", HelpZH: "状态日志压缩次数（按结果）",
		Labels: []string{"journal", "result"},
	}
	JournalDamaged = Metric{
		Name: "monitor_journal_damaged_regions_total", Type: Counter, Unit: "{region}",
		Help: "Regions of a journal's files that could not be read and were set aside.", HelpZH: "状态日志损坏区段数",
		Labels: []string{"journal"},
	}
	JournalBytes = Metric{
		Name: "monitor_journal_size_bytes", Type: Gauge, Unit: "By",
		Help: "Size of a journal: of its state (live) and of what was appended since the last compaction (log).", HelpZH: "状态日志大小",
		Labels: []string{"journal", "part"},
	}
	LeaseLeader = Metric{
		Name: "monitor_lease_leader", Type: Gauge, Unit: "1",
		Help: "1 if this process holds the lease, else 0.", HelpZH: "本进程是否为主节点",
		Labels: []string{"lease"},
	}
	LeaseEpoch = Metric{
		Name: "monitor_lease_epoch", Type: Gauge, Unit: "1",
		Help: "Epoch of the last term of this process; 0 before its first.", HelpZH: "本进程最近一次任期号",
		Labels: []string{"lease"},
	}
	LeaseTerms = Metric{
		Name: "monitor_lease_terms_total", Type: Counter, Unit: "{term}",
		Help: "Terms of this process that ended, by why: released, lost to another, expired, or failed.", HelpZH: "任期结束次数（按原因）",
		Labels: []string{"lease", "reason"},
	}
	LeaseErrors = Metric{
		Name: "monitor_lease_errors_total", Type: Counter, Unit: "{error}",
		Help: "Calls of a lease's store that failed, by operation.", HelpZH: "租约存储出错次数",
		Labels: []string{"lease", "operation"},
	}
	PGStoreWrites = Metric{
		Name: "monitor_pgstore_writes_total", Type: Counter, Unit: "{write}",
		Help: "Writes to the PostgreSQL store, by table and result.", HelpZH: "PostgreSQL存储写入次数（按结果）",
		Labels: []string{"table", "result"},
	}
	PGStoreRetries = Metric{
		Name: "monitor_pgstore_retries_total", Type: Counter, Unit: "{retry}",
		Help: "Statements of the PostgreSQL store that were tried again.", HelpZH: "PostgreSQL存储重试次数",
	}
	PGStoreRejected = Metric{
		Name: "monitor_pgstore_rejected_rows_total", Type: Counter, Unit: "{row}",
		Help: "Rows that the PostgreSQL store did not take, by table; the others of their call were written.", HelpZH: "PostgreSQL存储拒绝的行数",
		Labels: []string{"table"},
	}
	PGStorePruned = Metric{
		Name: "monitor_pgstore_pruned_rows_total", Type: Counter, Unit: "{row}",
		Help: "Rows deleted because their retention was over, by table.", HelpZH: "过期清理的行数",
		Labels: []string{"table"},
	}
)

func state() []Metric {
	return []Metric{
		JournalWrites, JournalCompactions, JournalDamaged, JournalBytes,
		LeaseLeader, LeaseEpoch, LeaseTerms, LeaseErrors,
		PGStoreWrites, PGStoreRetries, PGStoreRejected, PGStorePruned,
	}
}
