package calendar

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// ErrFile is wrapped by every error about what a calendar file says.
var ErrFile = errors.New("bad calendar")

const (
	mostBytes  = 1 << 20
	mostErrors = 20
	mostYears  = 200
	mostName   = 128 // bytes
)

// Load reads a calendar file: see the package's documentation.
func Load(path string) (*Calendar, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("calendar: %w", err)
	}
	defer f.Close()
	c, err := Parse(f)
	if err != nil {
		return nil, fmt.Errorf("calendar %s: %w", path, err)
	}
	return c, nil
}

// Parse reads a calendar. All mistakes are reported, each with its line; each
// error wraps [ErrFile].
func Parse(r io.Reader) (*Calendar, error) {
	p := parser{c: &Calendar{special: map[date]special{}}}
	p.c.weekend[time.Saturday], p.c.weekend[time.Sunday] = true, true
	limited := &io.LimitedReader{R: r, N: mostBytes + 1}
	lines := bufio.NewScanner(limited)
	for lines.Scan() {
		p.line++
		text := lines.Text()
		if p.line == 1 {
			text = strings.TrimPrefix(text, "\ufeff")
		}
		p.read(text)
		if len(p.errs) >= mostErrors {
			p.errs = append(p.errs, fmt.Errorf("%w: too many mistakes", ErrFile))
			return nil, errors.Join(p.errs...)
		}
	}
	if err := lines.Err(); err != nil {
		p.line++
		p.bad("%v", err)
	}
	if limited.N == 0 {
		p.errs = append(p.errs, fmt.Errorf("%w: longer than %d bytes", ErrFile, mostBytes))
	}
	p.finish()
	if err := errors.Join(p.errs...); err != nil {
		return nil, err
	}
	return p.c, nil
}

type parser struct {
	c    *Calendar
	line int
	errs []error

	weekendLine, yearsLine int
	days                   []dayLine
}

// dayLine is a directive about days, which is judged when all of the file is known.
type dayLine struct {
	line        int
	first, last date
	special     special
}

func (p *parser) bad(format string, args ...any) {
	p.errs = append(p.errs, fmt.Errorf("%w: line %d: "+format, append([]any{ErrFile, p.line}, args...)...))
}

func (p *parser) read(text string) {
	text, _, _ = strings.Cut(text, "#")
	fields := strings.Fields(text)
	if len(fields) == 0 {
		return
	}
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }) {
		p.bad("want UTF-8 without control characters")
		return
	}
	key, args := fields[0], fields[1:]
	switch key {
	case "name":
		p.name(args)
	case "zone":
		p.zone(args)
	case "years":
		p.years(args)
	case "weekend":
		p.weekend(args)
	case "session":
		p.session(args)
	case "closed", "open", "workday", "early":
		p.day(key, args)
	default:
		p.bad("unknown directive %q", clip(key))
	}
}

func (p *parser) name(args []string) {
	switch {
	case len(args) == 0:
		p.bad("name: want one")
	case p.c.name != "":
		p.bad("name: given before")
	default:
		p.c.name = p.words("name", args)
	}
}

// words is a name: of the exchange, of a day.
func (p *parser) words(key string, args []string) string {
	name := strings.Join(args, " ")
	if len(name) > mostName {
		p.bad("%s: a name of %d bytes: want at most %d", key, len(name), mostName)
	}
	return name
}

func (p *parser) zone(args []string) {
	if len(args) != 1 {
		p.bad("zone: want one, such as Asia/Shanghai or +08:00")
		return
	}
	if p.c.zone != nil {
		p.bad("zone: given before")
		return
	}
	zone, err := loadZone(args[0])
	if err != nil {
		p.bad("zone %q: %v", clip(args[0]), err)
		zone = time.UTC // so that it is not reported as missing too
	}
	p.c.zone = zone
}

// loadZone finds a zone, without tz data where it can.
func loadZone(name string) (*time.Location, error) {
	switch {
	case name == "Asia/Shanghai":
		return time.FixedZone("CST", 8*60*60), nil
	case name == "Local":
		return nil, errors.New("an exchange has a zone of its own")
	case name[0] == '+' || name[0] == '-':
		t, err := time.Parse("-07:00", name)
		if err != nil {
			return nil, errors.New("want an offset such as +08:00")
		}
		_, offset := t.Zone()
		return time.FixedZone("UTC"+name, offset), nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%w (import time/tzdata where the system has no tz data)", err)
	}
	return zone, nil
}

func (p *parser) years(args []string) {
	if p.yearsLine != 0 {
		p.bad("years: given before, in line %d", p.yearsLine)
		return
	}
	p.yearsLine = p.line
	if len(args) != 2 {
		p.bad("years: want the first and the last")
		return
	}
	first, err1 := strconv.Atoi(args[0])
	last, err2 := strconv.Atoi(args[1])
	if err1 != nil || err2 != nil || first < 1900 || last > 9999 || last < first || last-first >= mostYears {
		p.bad("years %s %s: want the first and the last, from 1900 on, at most %d", clip(args[0]), clip(args[1]), mostYears)
		return
	}
	p.c.first, p.c.last = first, last
}

var weekdays = []string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}

func (p *parser) weekend(args []string) {
	if p.weekendLine != 0 {
		p.bad("weekend: given before, in line %d", p.weekendLine)
		return
	}
	p.weekendLine = p.line
	var days [7]bool
	if len(args) == 1 && args[0] == "none" {
		p.c.weekend = days
		return
	}
	for _, a := range args {
		i := slices.Index(weekdays, a)
		if i < 0 || days[i] {
			p.bad("weekend: %q: want each of %v at most once", clip(a), weekdays)
			return
		}
		days[i] = true
	}
	if len(args) == 0 || len(args) == 7 {
		p.bad("weekend: want one to six days, or none")
		return
	}
	p.c.weekend = days
}

func (p *parser) session(args []string) {
	if len(args) != 2 {
		p.bad("session: want when it opens and closes, such as 09:30 16:00")
		return
	}
	open, ok1 := clock(args[0])
	end, ok2 := clock(args[1])
	if !ok1 || !ok2 || end <= open {
		p.bad("session %s %s: want two times of one day, in order", clip(args[0]), clip(args[1]))
		return
	}
	if n := len(p.c.regular); n > 0 && open < p.c.regular[n-1].close {
		p.bad("session %s %s: opens before the last one closes", args[0], args[1])
		return
	}
	p.c.regular = append(p.c.regular, hours{open, end})
}

func (p *parser) day(key string, args []string) {
	if len(args) == 0 {
		p.bad("%s: want a date", key)
		return
	}
	from, to, isRange := strings.Cut(args[0], "..")
	if !isRange {
		to = from
	}
	first, ok1 := parseDate(from)
	last, ok2 := parseDate(to)
	if !ok1 || !ok2 || last < first || last-first > 366 {
		p.bad("%s %s: want a date such as 2026-12-25, or a range such as 2026-02-16..2026-02-23", key, clip(args[0]))
		return
	}
	args = args[1:]
	d := dayLine{line: p.line, first: first, last: last}
	switch key {
	case "closed":
		d.special.kind = Holiday
	case "workday":
		d.special.kind = MakeUp
	case "open":
		d.special.kind = Trading
	case "early":
		d.special.kind = Trading
		if len(args) > 0 {
			d.special.early, _ = clock(args[0])
		}
		if d.special.early == 0 {
			p.bad("early: want a date and when it closes, such as 2026-11-27 13:00")
			return
		}
		args = args[1:]
	}
	d.special.name = p.words(key, args)
	p.days = append(p.days, d)
}

// finish judges what only the whole file can tell.
func (p *parser) finish() {
	for _, d := range []struct {
		what    string
		missing bool
	}{
		{"name", p.c.name == ""}, {"zone", p.c.zone == nil}, {"years", p.yearsLine == 0}, {"session", len(p.c.regular) == 0},
	} {
		if d.missing {
			p.errs = append(p.errs, fmt.Errorf("%w: no %q", ErrFile, d.what))
		}
	}
	if len(p.errs) > 0 {
		return
	}
	seen := map[date]int{}
	for _, d := range p.days {
		p.line = d.line
		for day := d.first; day <= d.last; day++ {
			if problem := p.place(day, d.special); problem != "" {
				y, m, dd := day.civil()
				p.bad("%04d-%02d-%02d: %s", y, m, dd, problem)
				break
			}
			if before := seen[day]; before != 0 {
				p.bad("a day of line %d again", before)
				break
			}
			seen[day] = d.line
			p.c.special[day] = d.special
		}
	}
}

// place says what is wrong with such a day, or nothing.
func (p *parser) place(day date, sp special) string {
	y, _, _ := day.civil()
	weekend := p.c.weekend[day.weekday()]
	switch {
	case y < p.c.first || y > p.c.last:
		return fmt.Sprintf("not in the years %d to %d", p.c.first, p.c.last)
	case sp.early > 0 && (sp.early <= p.c.regular[0].open || sp.early >= p.c.regular[len(p.c.regular)-1].close):
		return "an early close lies between the first open and the last close"
	case sp.early > 0 && weekend:
		return "a weekend closes anyway"
	case sp.early == 0 && sp.kind == Trading && !weekend:
		return "a weekday is open anyway"
	case sp.kind == MakeUp && !weekend:
		return "a workday that makes up for a holiday is on a weekend"
	}
	return ""
}

func parseDate(s string) (date, bool) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return 0, false
	}
	return dateOf(t), true
}

// clock parses 09:30, up to 24:00.
func clock(s string) (time.Duration, bool) {
	if s == "24:00" {
		return 24 * time.Hour, true
	}
	t, err := time.Parse("15:04", s)
	if err != nil || len(s) != len("15:04") {
		return 0, false
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, true
}

// clip keeps what a file says from filling an error.
func clip(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "…"
	}
	return s
}
