package catalog

// Metrics of probes, under the blackbox exporter's names. There the scraper
// says which target they are about; here the labels do.
var (
	ProbeSuccess = Metric{
		Name: "probe_success", Type: Gauge, Unit: "1",
		Help: "1 if the target's last check succeeded, 0 if it failed.", HelpZH: "最近一次探测是否成功",
		Labels: []string{"target", "prober"},
	}
	ProbeDuration = Metric{
		Name: "probe_duration_seconds", Type: Gauge, Unit: "s",
		Help: "Time the target's last check took.", HelpZH: "最近一次探测耗时",
		Labels: []string{"target", "prober"},
	}
	ProbeDNSLookup = Metric{
		Name: "probe_dns_lookup_time_seconds", Type: Gauge, Unit: "s",
		Help: "Time the target's last check spent resolving names.", HelpZH: "最近一次探测的域名解析耗时",
		Labels: []string{"target", "prober"},
	}
	ProbeHTTPStatus = Metric{
		Name: "probe_http_status_code", Type: Gauge, Unit: "1",
		Help: "HTTP status of the target's last check; absent if there was no answer.", HelpZH: "最近一次探测的HTTP状态码",
		Labels: []string{"target", "prober"},
	}
	ProbeCertExpiry = Metric{
		Name: "probe_ssl_earliest_cert_expiry", Type: Gauge, Unit: "{timestamp}",
		Help: "Unix time at which the first of the certificates that the target showed expires.", HelpZH: "SSL证书最早到期时间（Unix时间戳）",
		Labels: []string{"target", "prober"},
	}
	ProbeChecks = Metric{
		Name: "monitor_probe_checks_total", Type: Counter, Unit: "{check}",
		Help: "Checks of targets, by why they failed; \"ok\" if they did not.", HelpZH: "探测次数（按结果）",
		Labels: []string{"target", "prober", "reason"},
	}
	ProbeSkipped = Metric{
		Name: "monitor_probe_skipped_total", Type: Counter, Unit: "{check}",
		Help: "Checks that were due and left out, because the one before was late.", HelpZH: "因上一次探测未结束而跳过的探测次数",
		Labels: []string{"target", "prober"},
	}
)

func probe() []Metric {
	return []Metric{
		ProbeSuccess, ProbeDuration, ProbeDNSLookup, ProbeHTTPStatus, ProbeCertExpiry,
		ProbeChecks, ProbeSkipped,
	}
}
