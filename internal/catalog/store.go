package catalog

// What the stores of events and log records say of themselves: monitor/influx
// and monitor/elastic.
var (
	MonitorStoreRecords = Metric{
		Name: "monitor_store_records_total", Type: Counter, Unit: "{record}",
		Help: "Records that a store has answered for, by result: taken, duplicate or rejected.", HelpZH: "存储端处理的记录数",
		Labels: []string{"store", "result"},
	}
	MonitorStoreRequests = Metric{
		Name: "monitor_store_requests_total", Type: Counter, Unit: "{request}",
		Help: "Requests to a store, by result.", HelpZH: "存储端请求数",
		Labels: []string{"store", "result"},
	}
	MonitorStoreLogsDropped = Metric{
		Name: "monitor_store_logs_dropped_total", Type: Counter, Unit: "{record}",
		Help: "Log records that did not reach a store, by reason.", HelpZH: "丢弃的日志条数",
		Labels: []string{"store", "reason"},
	}
	MonitorStoreLogsQueue = Metric{
		Name: "monitor_store_logs_queue_length", Type: Gauge, Unit: "{record}",
		Help: "Log records waiting in memory for a store.", HelpZH: "等待写入的日志条数",
		Labels: []string{"store"},
	}
	MonitorSpillRecords = Metric{
		Name: "monitor_spill_records", Type: Gauge, Unit: "{record}",
		Help: "Records on disk, waiting for a store.", HelpZH: "磁盘缓冲中的记录数",
		Labels: []string{"store"},
	}
	MonitorSpillBytes = Metric{
		Name: "monitor_spill_bytes", Type: Gauge, Unit: "By",
		Help: "Disk space of the records that wait for a store.", HelpZH: "磁盘缓冲占用空间",
		Labels: []string{"store"},
	}
	MonitorSpillDropped = Metric{
		Name: "monitor_spill_dropped_total", Type: Counter, Unit: "{record}",
		Help: "Records on disk that did not reach a store, by reason: full, expired or corrupt.", HelpZH: "磁盘缓冲丢弃的记录数",
		Labels: []string{"store", "reason"},
	}
)

func stores() []Metric {
	return []Metric{
		MonitorStoreRecords, MonitorStoreRequests, MonitorStoreLogsDropped, MonitorStoreLogsQueue,
		MonitorSpillRecords, MonitorSpillBytes, MonitorSpillDropped,
	}
}
