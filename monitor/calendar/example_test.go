package calendar_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/chronoretrace/chronomon/monitor/calendar"
)

func Example() {
	cal := calendar.SSE()
	now := time.Date(2026, 2, 13, 15, 30, 0, 0, cal.Location()) // the eve of the Spring Festival

	open, _ := cal.IsOpen(now)
	next, _ := cal.Next(now)
	fmt.Println(open, next.Open.Format("2006-01-02 15:04"))

	newest := time.Date(2026, 2, 13, 14, 58, 0, 0, cal.Location())
	lag, _ := cal.TradingTime(newest, time.Date(2026, 2, 24, 9, 31, 0, 0, cal.Location()))
	fmt.Println(lag)

	_, err := cal.IsOpen(now.AddDate(5, 0, 0))
	fmt.Println(errors.Is(err, calendar.ErrUnknownYear))
	// Output:
	// false 2026-02-24 09:30
	// 3m0s
	// true
}
