package catalog

// LogMessages counts what passes monitor's LogHandler.
var LogMessages = Metric{
	Name: "log_messages_total", Type: Counter, Unit: "{record}",
	Help: "Log records, by level and by the line of code that made them.", HelpZH: "日志条数（按级别与代码行）",
	Labels: []string{"level", "source"},
}

func logs() []Metric { return []Metric{LogMessages} }
