package catalog

// What the embedded history says of itself.
var (
	HistorySeries = Metric{
		Name: "monitor_history_series", Type: Gauge, Unit: "{series}",
		Help: "Series that the history holds, those that have ended included.", HelpZH: "历史存储中的时间序列数",
	}
	HistoryStoredSamples = Metric{
		Name: "monitor_history_stored_samples", Type: Gauge, Unit: "{sample}",
		Help: "Samples that the history holds.", HelpZH: "历史存储中的样本数",
	}
	HistoryChunkBytes = Metric{
		Name: "monitor_history_chunk_bytes", Type: Gauge, Unit: "By",
		Help: "Bytes of compressed samples that the history holds.", HelpZH: "压缩样本占用的字节数",
	}
	HistoryStorageBytes = Metric{
		Name: "monitor_history_storage_bytes", Type: Gauge, Unit: "By",
		Help: "Bytes that count against the history's storage size: compressed samples, their index and the series themselves.", HelpZH: "历史存储已用字节数",
	}
	HistoryStorageLimit = Metric{
		Name: "monitor_history_storage_limit_bytes", Type: Gauge, Unit: "By",
		Help: "The history's storage size.", HelpZH: "历史存储容量上限",
	}
	HistoryBytesPerSample = Metric{
		Name: "monitor_history_bytes_per_sample", Type: Gauge, Unit: "By",
		Help: "Compressed bytes per sample held; absent while there is none.", HelpZH: "每个样本的压缩字节数",
	}
	HistoryCompression = Metric{
		Name: "monitor_history_compression_ratio", Type: Gauge, Unit: "1",
		Help: "Share of the 16 bytes of a plain sample that compression saves, 0 to 1; absent while there is no sample.", HelpZH: "样本压缩率",
	}
	HistoryOldest = Metric{
		Name: "monitor_history_oldest_sample_timestamp_seconds", Type: Gauge, Unit: "{timestamp}",
		Help: "Unix time of the oldest sample of a tier; absent while there is none.", HelpZH: "各层最早样本的时间（Unix时间戳）",
		Labels: []string{"tier"},
	}
	HistorySamples = Metric{
		Name: "monitor_history_samples_total", Type: Counter, Unit: "{sample}",
		Help: "Samples taken into the history.", HelpZH: "写入的样本数",
	}
	HistoryDropped = Metric{
		Name: "monitor_history_samples_dropped_total", Type: Counter, Unit: "{sample}",
		Help: "Samples that were not taken, by reason.", HelpZH: "未写入的样本数（按原因）",
		Labels: []string{"reason"},
	}
	HistoryEvictedSamples = Metric{
		Name: "monitor_history_samples_evicted_total", Type: Counter, Unit: "{sample}",
		Help: "Samples given up, because they were past the retention or the storage was full.", HelpZH: "被清除的样本数（按原因）",
		Labels: []string{"reason"},
	}
	HistoryEvictedSeries = Metric{
		Name: "monitor_history_series_evicted_total", Type: Counter, Unit: "{series}",
		Help: "Series given up, because nothing of them was left or the series limit was reached.", HelpZH: "被清除的时间序列数（按原因）",
		Labels: []string{"reason"},
	}
	HistoryCollections = Metric{
		Name: "monitor_history_collections_total", Type: Counter, Unit: "{collection}",
		Help: "Collections of the registry, by result.", HelpZH: "采集次数（按结果）",
		Labels: []string{"result"},
	}
	HistoryCollectionDuration = Metric{
		Name: "monitor_history_collection_duration_seconds", Type: Histogram, Unit: "s",
		Help: "Time that one collection took.", HelpZH: "单次采集耗时",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
	}
	HistoryQueryDuration = Metric{
		Name: "monitor_history_query_duration_seconds", Type: Histogram, Unit: "s",
		Help: "Time that one query took, by result.", HelpZH: "查询耗时（按结果）",
		Labels:  []string{"result"},
		Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2, 5, 10},
	}
	HistoryShared = Metric{
		Name: "monitor_history_queries_shared_total", Type: Counter, Unit: "{query}",
		Help: "Queries of an evaluation cycle that were answered from one made before.", HelpZH: "同周期内复用结果的查询次数",
	}
	HistoryWatchFailures = Metric{
		Name: "monitor_history_watch_failures_total", Type: Counter, Unit: "{evaluation}",
		Help: "Evaluations of watched expressions that failed.", HelpZH: "监视表达式计算失败次数",
		Labels: []string{"watch"},
	}
	HistoryWatchMissed = Metric{
		Name: "monitor_history_watch_missed_total", Type: Counter, Unit: "{evaluation}",
		Help: "Steps of watched expressions that came while those before them were still evaluated, and were passed over.", HelpZH: "监视表达式错过的计算步数",
		Labels: []string{"watch"},
	}
	HistoryDiskBytes = Metric{
		Name: "monitor_history_disk_bytes", Type: Gauge, Unit: "By",
		Help: "Bytes of the history's directory, by part: snapshot, log, or damaged files that are kept.", HelpZH: "历史存储目录占用的字节数（按部分）",
		Labels: []string{"part"},
	}
	HistoryDiskWrites = Metric{
		Name: "monitor_history_disk_writes_total", Type: Counter, Unit: "{write}",
		Help: "Writes to the history's log, one for each collection or batch, by result.", HelpZH: "历史日志写入次数（按结果）",
		Labels: []string{"result"},
	}
	HistorySnapshots = Metric{
		Name: "monitor_history_snapshots_total", Type: Counter, Unit: "{snapshot}",
		Help: "Snapshots of the history written to its directory, by result.", HelpZH: "历史快照次数（按结果）",
		Labels: []string{"result"},
	}
	HistoryDamaged = Metric{
		Name: "monitor_history_damaged_regions_total", Type: Counter, Unit: "{region}",
		Help: "Regions of the history's files that could not be read and were set aside.", HelpZH: "历史文件损坏区段数",
	}
)

func history() []Metric {
	return []Metric{
		HistorySeries, HistoryStoredSamples, HistoryChunkBytes, HistoryStorageBytes, HistoryStorageLimit,
		HistoryBytesPerSample, HistoryCompression, HistoryOldest, HistorySamples, HistoryDropped,
		HistoryEvictedSamples, HistoryEvictedSeries, HistoryCollections, HistoryCollectionDuration,
		HistoryQueryDuration, HistoryShared, HistoryWatchFailures, HistoryWatchMissed,
		HistoryDiskBytes, HistoryDiskWrites, HistorySnapshots, HistoryDamaged,
	}
}
