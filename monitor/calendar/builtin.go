package calendar

import (
	_ "embed" // the calendar below
	"strings"
	"sync"
)

//go:embed sse.calendar
var sse string

var builtin = sync.OnceValue(func() *Calendar {
	c, _ := Parse(strings.NewReader(sse)) // a test reads it
	return c
})

// SSE is the Shanghai Stock Exchange: 9:30 to 11:30 and 13:00 to 15:00, from
// 2020 to 2026; a year is added when its notices are out, see [Calendar.DaysLeft].
// The opening auction from 9:15 is not part of a session.
func SSE() *Calendar { return builtin() }

// SZSE is the Shenzhen Stock Exchange, which trades when [SSE] does.
func SZSE() *Calendar {
	c := *builtin()
	c.name = "SZSE"
	return &c
}
