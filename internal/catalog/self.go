package catalog

// What the SDK says of itself.
var (
	MonitorInfo = Metric{
		Name: "monitor_info", Type: Gauge, Unit: "1",
		Help: "Always 1; names the host's service, version, revision and Go version.", HelpZH: "服务、版本与构建信息，恒为1",
		Labels: []string{"service", "version", "revision", "go_version"},
	}
	MonitorEvents = Metric{
		Name: "monitor_events_total", Type: Counter, Unit: "{event}",
		Help: "Events recorded, by kind.", HelpZH: "记录的事件数",
		Labels: []string{"kind"},
	}
	MonitorEventsDelivered = Metric{
		Name: "monitor_events_delivered_total", Type: Counter, Unit: "{event}",
		Help: "Events a sink has taken.", HelpZH: "已送达的事件数",
		Labels: []string{"sink"},
	}
	MonitorEventsDropped = Metric{
		Name: "monitor_events_dropped_total", Type: Counter, Unit: "{event}",
		Help: "Events that did not reach a sink, by reason.", HelpZH: "丢弃的事件数",
		Labels: []string{"sink", "reason"},
	}
	MonitorSinkQueue = Metric{
		Name: "monitor_sink_queue_length", Type: Gauge, Unit: "{event}",
		Help: "Events waiting for a sink, those held for a retry included.", HelpZH: "等待写入的事件数",
		Labels: []string{"sink"},
	}
	MonitorSinkWrites = Metric{
		Name: "monitor_sink_writes_total", Type: Counter, Unit: "{write}",
		Help: "Calls of a sink's Write, by result.", HelpZH: "写入次数",
		Labels: []string{"sink", "result"},
	}
	MonitorLabelOverflow = Metric{
		Name: "monitor_label_overflow_total", Type: Counter, Unit: "{value}",
		Help: "Uses of a label value past the label's limit, counted as \"other\".", HelpZH: "标签值超出上限的次数",
		Labels: []string{"metric", "label"},
	}
	MonitorCallbackPanics = Metric{
		Name: "monitor_callback_panics_total", Type: Counter, Unit: "{panic}",
		Help: "Panics of the host's callbacks that the SDK caught.", HelpZH: "回调函数panic次数",
		Labels: []string{"callback"},
	}
	MonitorEdgeOverflow = Metric{
		Name: "monitor_edge_overflow_total", Type: Counter, Unit: "{edge}",
		Help: "Dependency edges that were not kept because the table was full.", HelpZH: "依赖关系超出上限的次数",
	}
	MonitorScrapeErrors = Metric{
		Name: "monitor_scrape_errors_total", Type: Counter, Unit: "{scrape}",
		Help: "Scrapes during which a collector failed; the others' metrics were served.", HelpZH: "采集出错次数",
	}
	ChangeMarkers = Metric{
		Name: "change_markers_total", Type: Counter, Unit: "{marker}",
		Help: "Changes marked, by kind.", HelpZH: "变更标记次数",
		Labels: []string{"kind"},
	}
	Deployments = Metric{
		Name: "deployment_total", Type: Counter, Unit: "{deployment}",
		Help: "Deployments marked.", HelpZH: "部署次数",
		chronoRetrace: alias{name: "chronoretrace_deployment_total"},
	}
)

func self() []Metric {
	return []Metric{
		MonitorInfo, MonitorEvents, MonitorEventsDelivered, MonitorEventsDropped, MonitorSinkQueue, MonitorSinkWrites,
		MonitorLabelOverflow, MonitorCallbackPanics, MonitorEdgeOverflow, MonitorScrapeErrors, ChangeMarkers, Deployments,
	}
}
