package catalog

// What the detection of anomalies finds, and what it says of itself. Score and
// active have the labels of the watched series beside their own.
var (
	AnomalyScore = Metric{
		Name: "anomaly_score", Type: Gauge, Unit: "1",
		Help: "How far a watched series is from what was expected, 0 to 1: an anomaly from 0.5 on.", HelpZH: "异常得分（0至1，0.5及以上为异常）",
		Labels: []string{"watch"},
	}
	AnomalyActive = Metric{
		Name: "anomaly_active", Type: Gauge, Unit: "1",
		Help: "1 while a watched series is abnormal, 0 otherwise.", HelpZH: "序列当前是否异常（1为异常）",
		Labels: []string{"watch"},
	}
	AnomalyPoints = Metric{
		Name: "anomaly_points_total", Type: Counter, Unit: "{point}",
		Help: "Points that were given to detectors.", HelpZH: "已检测的数据点数",
		Labels: []string{"watch"},
	}
	AnomalyDetections = Metric{
		Name: "anomaly_detections_total", Type: Counter, Unit: "{anomaly}",
		Help: "Anomalies found.", HelpZH: "检测到的异常次数",
		Labels: []string{"watch", "method"},
	}
	AnomalyShed = Metric{
		Name: "anomaly_shed_points_total", Type: Counter, Unit: "{point}",
		Help: "Points, or events of a stream, that were not given to detectors, by reason.", HelpZH: "未检测的数据点数（按原因）",
		Labels: []string{"watch", "reason"},
	}
	AnomalySeries = Metric{
		Name: "anomaly_series", Type: Gauge, Unit: "{series}",
		Help: "Series that a detector is kept for.", HelpZH: "正在监视的时间序列数",
		Labels: []string{"watch"},
	}
	AnomalyErrors = Metric{
		Name: "anomaly_errors_total", Type: Counter, Unit: "{error}",
		Help: "Queries and detectors of a watch that failed.", HelpZH: "检测失败次数",
		Labels: []string{"watch"},
	}
	AnomalyFeedback = Metric{
		Name: "anomaly_feedback_total", Type: Counter, Unit: "{verdict}",
		Help: "What was said of anomalies: confirmed or dismissed.", HelpZH: "异常反馈次数（确认或驳回）",
		Labels: []string{"watch", "verdict"},
	}
	AnomalyPrecision = Metric{
		Name: "anomaly_precision_ratio", Type: Gauge, Unit: "1",
		Help: "Share of the anomalies somebody judged that were confirmed, 0 to 1; absent while there is none.", HelpZH: "异常检测精确率（已确认占已反馈的比例）",
	}
	AnomalyUnsaved = Metric{
		Name: "anomaly_unsaved_total", Type: Counter, Unit: "{anomaly}",
		Help: "Anomalies that the store did not take and that were given up.", HelpZH: "未能保存的异常数",
	}
)

func anomalies() []Metric {
	return []Metric{
		AnomalyScore, AnomalyActive, AnomalyPoints, AnomalyDetections, AnomalyShed, AnomalySeries,
		AnomalyErrors, AnomalyFeedback, AnomalyPrecision, AnomalyUnsaved,
	}
}
