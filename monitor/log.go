package monitor

import (
	"context"
	"log/slog"
	"reflect"
	"runtime"
	"slices"
	"sync/atomic"
	"time"
)

// LogOption configures a log handler.
type LogOption interface{ applyLog(*logConfig) }

type logOptionFunc func(*logConfig)

func (f logOptionFunc) applyLog(c *logConfig) { f(c) }

type logConfig struct {
	traceID, requestID func(context.Context) string
	events             slog.Leveler
	attrs              []string
	sources            int
}

// WithLogTraceID adds what f finds in a record's context as attribute
// "trace_id", outside of all groups; "" adds nothing. f is called for every
// record, concurrently, and should only look. Default, and nil: none.
func WithLogTraceID(f func(context.Context) string) LogOption {
	return logOptionFunc(func(c *logConfig) { c.traceID = f })
}

// WithLogRequestID adds what f finds in a record's context as attribute
// "request_id", as [WithLogTraceID] does. Default, and nil: none.
func WithLogRequestID(f func(context.Context) string) LogOption {
	return logOptionFunc(func(c *logConfig) { c.requestID = f })
}

// WithLogEvents sets the level from which records become events of [KindLog].
// Default, and nil: slog.LevelError.
func WithLogEvents(level slog.Leveler) LogOption {
	return logOptionFunc(func(c *logConfig) { c.events = level })
}

// WithLogEventAttrs names the attributes of a record that its event has, as
// text, wherever in the record's open groups they stand; not those of groups
// that are values. Default: "error" and "err". The others may hold what is not
// for sinks.
func WithLogEventAttrs(keys ...string) LogOption {
	return logOptionFunc(func(c *logConfig) { c.attrs = slices.Clone(keys) })
}

// WithLogSources bounds the distinct lines of code that are counted; further
// ones are counted as "other". Default, and below 1: the monitor's label limit.
func WithLogSources(limit int) LogOption {
	return logOptionFunc(func(c *logConfig) { c.sources = limit })
}

// LogHandler returns a handler that counts the records it passes to next, in
// log_messages_total by level and line of code, adds trace and request ids to
// them, and hands errors to the sinks as events of [KindLog]: named after the
// line, with the message, the ids and the attributes of [WithLogEventAttrs].
//
//	slog.SetDefault(slog.New(m.LogHandler(slog.NewJSONHandler(os.Stderr, nil))))
//
// It decides nothing: what next does not want is neither passed nor counted.
// The SDK's own records are counted and passed, and no more than that, so that
// a failing sink does not feed itself and the monitor's logger may go through
// the handler. A sink of the host's that logs would feed itself: its records are
// passed and counted, but become no events if they come with the context of its
// Write, or another one from [WithoutLogEvents]. A function given to the handler
// that logs gets its own records without ids.
//
// An event is bounded: each of its texts has at most 8 KiB, of which a longer one
// says that it was clipped, and it has the first 16 of the attributes. A line of
// code makes at most 100 events a second; those past that are counted in
// monitor_events_dropped_total, under reason "repeated".
//
// Secrets do not enter an event: an attribute whose name ends in password, passwd,
// pwd, passphrase, secret, token, authorization, cookie, credential, apikey,
// accesskey, privatekey or dsn, in any case and with any separators, has the value
// "[redacted]", and so have credentials in URLs and headers, and what follows
// "Bearer" or "password=", in the message and in the other attributes. What next
// gets is the host's record as it is.
//
// Metrics:
//
//	log_messages_total    level, source    records, a counter
//
// level is debug, info, warn or error, the one at or below the record's; source
// is the line of code with its directory ("api/quote.go:42"), "unknown", or
// "other" past [WithLogSources].
//
// The monitor's own logger, unless [WithLogger] set another, goes to the default
// of the moment, and so through the handler once that is it.
//
// Do not give it the default handler of package slog and then make it the
// default: that one writes through package log, which would write to it. Nor give
// it the handler of the monitor's logger.
//
// A nil next drops the records that were counted. A monitor that is off
// returns next itself.
func (m *Monitor) LogHandler(next slog.Handler, opts ...LogOption) slog.Handler {
	if next == nil {
		next = countOnly{}
	}
	if m.off {
		return next
	}
	c := logConfig{attrs: []string{"error", "err"}}
	for _, o := range opts {
		if o != nil {
			o.applyLog(&c)
		}
	}
	if isNil(c.events) {
		c.events = slog.LevelError
	}
	core := &logCore{m: m, logConfig: c}
	sites, err := newLogSites(m.set, c.sources)
	if err != nil {
		m.logger.Error("log records are not counted", "error", err)
	}
	core.sites = sites
	return &logHandler{core: core, root: next, next: next}
}

// countOnly takes everything and writes nothing.
type countOnly struct{}

func (countOnly) Enabled(context.Context, slog.Level) bool  { return true }
func (countOnly) Handle(context.Context, slog.Record) error { return nil }
func (h countOnly) WithAttrs([]slog.Attr) slog.Handler      { return h }
func (h countOnly) WithGroup(string) slog.Handler           { return h }

// logCore is what a handler and those derived from it share.
type logCore struct {
	logConfig
	m      *Monitor
	sites  *logSites
	asking atomic.Int32 // calls of the host's functions under way
}

// logHandler is a slog.Handler. Ids belong outside of groups, so once a group
// is open it remembers what was done since the root.
type logHandler struct {
	core *logCore
	root slog.Handler // without the groups and attributes that steps will add
	next slog.Handler // with them
	// steps leads from root to next, the first one is a group; nil while none is open.
	steps []logStep
	kept  []slog.Attr // attributes for events, and what may be a group without a name
}

// logStep is one call of WithGroup, or of WithAttrs where group is empty.
type logStep struct {
	group string
	attrs []slog.Attr
}

// walk goes the steps from a handler on.
func walk(from slog.Handler, steps []logStep) slog.Handler {
	for _, s := range steps {
		if s.group != "" {
			from = from.WithGroup(s.group)
		} else {
			from = from.WithAttrs(s.attrs)
		}
	}
	return from
}

var _ slog.Handler = (*logHandler)(nil)

// Enabled implements slog.Handler.
func (h *logHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// WithAttrs implements slog.Handler.
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	out := *h
	out.next = h.next.WithAttrs(attrs)
	if h.steps == nil {
		out.root = out.next
	} else {
		out.steps = append(slices.Clip(h.steps), logStep{attrs: attrs})
	}
	for _, a := range attrs {
		if a.Key == "" || slices.Contains(h.core.attrs, a.Key) {
			out.kept = append(slices.Clip(out.kept), a)
		}
	}
	return &out
}

// WithGroup implements slog.Handler.
func (h *logHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	out := *h
	out.next = h.next.WithGroup(name)
	out.steps = append(slices.Clip(h.steps), logStep{group: name})
	return &out
}

// Handle implements slog.Handler.
func (h *logHandler) Handle(ctx context.Context, r slog.Record) error {
	c := h.core
	site := c.sites.find(r.PC, r.Level)
	site.count()
	if site.own {
		return h.next.Handle(ctx, r)
	}
	trace, request := c.ids(ctx)
	if r.Level >= c.events.Level() && c.m.Enabled(KindLog) && !withoutLogEvents(ctx) {
		if site.events.spend(time.Now()) {
			c.m.Record(c.event(h, r, site, trace, request))
		} else {
			c.m.dropLogEvent()
		}
	}
	if trace == "" && request == "" {
		return h.next.Handle(ctx, r)
	}
	return h.handleWith(ctx, r, trace, request)
}

// handleWith passes the record on with ids.
func (h *logHandler) handleWith(ctx context.Context, r slog.Record, trace, request string) error {
	var buf [2]slog.Attr
	ids := buf[:0]
	if trace != "" {
		ids = append(ids, slog.String("trace_id", trace))
	}
	if request != "" {
		ids = append(ids, slog.String("request_id", request))
	}
	if h.steps == nil {
		r = r.Clone()
		r.AddAttrs(ids...)
		return h.next.Handle(ctx, r)
	}
	return walk(h.root.WithAttrs(slices.Clone(ids)), h.steps).Handle(ctx, r)
}

// maxAsking is how many calls of the host's functions may be under way. That
// many at once are not what a program does, but what a function that logs in
// goroutines of its own, and so is called again, comes to.
const maxAsking = 1 << 14

// ids asks the host's functions, but not for a record that one of them makes. Who
// is not alone looks on the stack whether it is such a one.
func (c *logCore) ids(ctx context.Context) (trace, request string) {
	if c.traceID == nil && c.requestID == nil {
		return "", ""
	}
	defer c.asking.Add(-1)
	if n := c.asking.Add(1); n > maxAsking || n > 1 && askCalls() {
		return "", ""
	}
	return c.ask(ctx, "monitor.WithLogTraceID", c.traceID), c.ask(ctx, "monitor.WithLogRequestID", c.requestID)
}

// entryOfAsk is where the code of ask begins.
var entryOfAsk = reflect.ValueOf((*logCore).ask).Pointer()

// askCalls reports whether ask is on the stack.
func askCalls() bool {
	var pcs [64]uintptr
	for skip := 3; ; skip += len(pcs) { // from ids's caller on
		n := runtime.Callers(skip, pcs[:])
		for _, pc := range pcs[:n] {
			if f := runtime.FuncForPC(pc); f != nil && f.Entry() == entryOfAsk {
				return true
			}
		}
		if n < len(pcs) {
			return false
		}
	}
}

func (c *logCore) ask(ctx context.Context, name string, f func(context.Context) string) (id string) {
	if f == nil {
		return ""
	}
	var err error
	defer c.m.Guard(name, &err)
	return f(ctx)
}
