// Package calendar knows when an exchange trades: sessions, lunch breaks,
// holidays, early closes and make-up days.
//
//	cal := calendar.SSE()
//	open, err := cal.IsOpen(time.Now())
//	if errors.Is(err, calendar.ErrUnknownYear) {
//		// open is a guess by the day of the week: get a newer release, or a calendar file
//	}
//	next, err := cal.Next(time.Now())            // the session that opens next
//	lag, err := cal.TradingTime(newest, now)     // nights, lunch and holidays do not count
//
// # Years
//
// The Chinese holidays are fixed a year at a time: the State Council's notice
// comes in November, those of the exchanges in December. [SSE] and [SZSE] hold
// the years whose notices were read, and [Calendar.Years] says which. Every
// answer that touches another year comes with an error that wraps
// [ErrUnknownYear], beside the best guess: weekdays trade, weekends do not. It
// is never wrong silently. [Calendar.DaysLeft] tells how long there is until
// then, so that an operator can hear of it early:
//
//	if left := cal.DaysLeft(time.Now()); left < 30 {
//		log.Warn("the trading calendar ends soon", "calendar", cal.Name(), "days_left", left)
//	}
//
// Exchanges in China stay closed on weekends on which others make up for a
// holiday. Such a day is a [MakeUp]: nobody trades, but people work, which the
// traffic of a site shows.
//
// # Other exchanges
//
// [Load] reads any other exchange, or a further year, from a file:
//
//	name    NYSE
//	zone    America/New_York
//	years   2026 2026
//	session 09:30 16:00
//	closed  2026-12-25             Christmas Day
//	closed  2026-02-16..2026-02-17 a range
//	early   2026-11-27 13:00       Day after Thanksgiving
//	open    2026-05-09             trades although it is a weekend
//	workday 2026-02-14             does not trade, but is a day of work
//
// One directive a line, in any order; "#" starts a comment; "weekend" lists
// other days than "Sat Sun", or "none". Names are UTF-8 of at most 128 bytes, a
// file has at most 1 MiB, and its years are at most 200. Every mistake is
// reported with its line.
//
// # Changes of the clock
//
// Sessions are what the clock on the exchange's wall says. A time that a change
// of the clock skips is the moment of the change, one that comes twice is the
// first of the two; durations are of time that passes. So a session from 1:00 to
// 3:30 lasts an hour and a half when 2:00 becomes 3:00, and a day that begins at
// 1:00, as in Santiago, begins there.
//
// The package has no metrics of its own.
//
// Zones come from the system's tz data, or from the program's own if it imports
// time/tzdata; fixed offsets such as "+08:00" and Asia/Shanghai, which has had
// no other offset since 1991, need neither.
package calendar
