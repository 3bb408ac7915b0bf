package otelbridge

// units are Prometheus's base units and what they are called in UCUM, as the
// OpenTelemetry specification translates them.
var units = map[string]string{
	"days": "d", "hours": "h", "minutes": "min", "seconds": "s",
	"milliseconds": "ms", "microseconds": "us", "nanoseconds": "ns",
	"bytes": "By", "kibibytes": "KiBy", "mebibytes": "MiBy", "gibibytes": "GiBy", "tebibytes": "TiBy",
	"kilobytes": "kBy", "megabytes": "MBy", "gigabytes": "GBy", "terabytes": "TBy",
	"meters": "m", "volts": "V", "amperes": "A", "joules": "J", "watts": "W", "grams": "g",
	"celsius": "Cel", "hertz": "Hz", "ratio": "1", "percent": "%",
}

// ucum translates the unit that a foreign metric declares.
func ucum(unit string) string {
	if u, ok := units[unit]; ok {
		return u
	}
	return unit
}
