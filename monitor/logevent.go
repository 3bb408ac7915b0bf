package monitor

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/internal/redact"
)

const (
	maxLogText   = 8 << 10 // bytes of one text of an event
	maxLogAttrs  = 16      // the message, the level and the ids not counted
	maxLogEvents = 100     // of a line of code, a second
)

type noLogEvents struct{}

// WithoutLogEvents returns a context with which records become no events in
// [Monitor.LogHandler]. It is for what takes events somewhere: a sink that logs
// its trouble would get it as a further event.
func WithoutLogEvents(ctx context.Context) context.Context {
	return context.WithValue(ctx, noLogEvents{}, true)
}

func withoutLogEvents(ctx context.Context) bool {
	return ctx != nil && ctx.Value(noLogEvents{}) != nil
}

// dropLogEvent counts an event that its line's budget did not allow.
func (m *Monitor) dropLogEvent() {
	for _, s := range m.sinks {
		if s.wants[KindLog] {
			m.dropped.Cell(s.name, "repeated").Add(&instrument.Home{}, 0, 1)
		}
	}
}

// logBudget bounds the events of a line of code: it keeps a sink that feeds
// itself, and whose context tells nothing, from doing so faster and faster.
type logBudget struct {
	mu     sync.Mutex
	second int64 // guarded by mu
	spent  int   // guarded by mu; in that second
}

// spend reports whether the line may make an event now.
func (b *logBudget) spend(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if second := now.Unix(); second != b.second {
		b.second, b.spent = second, 0
	}
	b.spent++
	return b.spent <= maxLogEvents
}

func (c *logCore) event(h *logHandler, r slog.Record, site *logSite, trace, request string) Event {
	e := Event{Time: r.Time, Kind: KindLog, Name: site.source, Failed: r.Level >= slog.LevelError, TraceID: clip(trace, len(trace))}
	e.Add(slog.String("level", r.Level.String()), slog.String("message", shown(r.Message)))
	if request != "" {
		e.Add(slog.String("request_id", clip(request, len(request))))
	}
	left := maxLogAttrs
	for _, a := range h.kept {
		c.add(&e, a, &left)
	}
	r.Attrs(func(a slog.Attr) bool {
		c.add(&e, a, &left)
		return left > 0
	})
	return e
}

// add takes an attribute over if it is one that events have. Those of a group
// without a name are the record's own.
func (c *logCore) add(e *Event, a slog.Attr, left *int) {
	switch {
	case *left == 0:
	case a.Key == "":
		*left-- // such a group may hold itself
		for _, inner := range c.group(a.Value) {
			c.add(e, inner, left)
		}
	case slices.Contains(c.attrs, a.Key):
		*left--
		text := redact.Mark
		if !secrets.Secret(a.Key) {
			text = shown(c.text(a.Value))
		}
		e.Add(slog.String(a.Key, text))
	}
}

// group returns the attributes of a group, none of another value.
func (c *logCore) group(v slog.Value) (attrs []slog.Attr) {
	var err error
	defer c.m.Guard("log attribute", &err)
	if v = v.Resolve(); v.Kind() == slog.KindGroup {
		attrs = v.Group()
	}
	return attrs
}

// text writes a value out: sinks come later, and elsewhere, when it may have
// changed.
func (c *logCore) text(v slog.Value) (out string) {
	var err error
	defer c.m.Guard("log attribute", &err)
	return v.Resolve().String()
}

var secrets = redact.New()

// shown is a text as events have it: without the secrets that are in it, and
// bounded.
func shown(s string) string { return clip(secrets.Text(head(s, 2*maxLogText)), len(s)) }

// clip bounds a text of what was so many bytes, and says so.
func clip(s string, size int) string {
	if len(s) <= maxLogText && size <= 2*maxLogText {
		return s
	}
	note := fmt.Sprintf("… (clipped from %d bytes)", size)
	return head(s, maxLogText-len(note)) + note
}

// head is at most n bytes of a text, up to the end of a character.
func head(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for back := 1; back < utf8.UTFMax && !utf8.RuneStart(s[n]); back++ {
		n--
	}
	return s[:n]
}
