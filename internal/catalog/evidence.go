package catalog

// What the capture of evidence says of itself.
var (
	EvidenceBundles = Metric{
		Name: "anomaly_evidence_bundles_total", Type: Counter, Unit: "{bundle}",
		Help: "Bundles of evidence, by result: ok, partial (a part is missing) or failed (nothing was stored).", HelpZH: "取证包数（按结果）",
		Labels: []string{"result"},
	}
	EvidenceParts = Metric{
		Name: "anomaly_evidence_parts_total", Type: Counter, Unit: "{part}",
		Help: "Parts of bundles of evidence, by result: ok, failed, panicked, large or skipped.", HelpZH: "取证包内各部分的采集次数（按结果）",
		Labels: []string{"part", "result"},
	}
	EvidenceSkipped = Metric{
		Name: "anomaly_evidence_skipped_total", Type: Counter, Unit: "{capture}",
		Help: "Captures of evidence that were asked for and not made, by reason: cooldown, hourly, busy, stopped or shutdown.", HelpZH: "未执行的取证次数（按原因）",
		Labels: []string{"reason"},
	}
	EvidenceWritten = Metric{
		Name: "anomaly_evidence_written_bytes_total", Type: Counter, Unit: "By",
		Help: "Bytes of bundles of evidence that were stored.", HelpZH: "已写入的取证包字节数",
	}
	EvidenceDeleted = Metric{
		Name: "anomaly_evidence_deleted_total", Type: Counter, Unit: "{bundle}",
		Help: "Bundles of evidence that were deleted to make room for newer ones.", HelpZH: "为腾出空间而删除的取证包数",
	}
)

func evidence() []Metric {
	return []Metric{EvidenceBundles, EvidenceParts, EvidenceSkipped, EvidenceWritten, EvidenceDeleted}
}
