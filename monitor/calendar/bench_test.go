package calendar_test

import (
	"testing"
	"time"

	"github.com/chronoretrace/chronomon/monitor/calendar"
)

func BenchmarkTradingTime(b *testing.B) {
	c := calendar.SSE()
	to := time.Date(2026, 3, 2, 10, 0, 0, 0, c.Location())
	for name, ago := range map[string]time.Duration{"minute": time.Minute, "week": 7 * 24 * time.Hour} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = c.TradingTime(to.Add(-ago), to)
			}
		})
	}
}
