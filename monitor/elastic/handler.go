package elastic

import (
	"context"
	"log/slog"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/chronoretrace/chronomon/internal/redact"
)

// Handler returns a handler that takes log records to the store. It never waits
// and never fails: a record is written out at once, redacted, and queued; they are
// sent while the store is run, see [Store.Run]. Handlers derived from it, and others of the store, share its queue.
// The store's own records about its troubles are not taken. From then on [Store.Write]
// leaves out events of the kind monitor.KindLog, which would be there twice.
func (s *Store) Handler(opts ...HandlerOption) slog.Handler {
	c := handlerConfig{}
	for _, o := range opts {
		if o != nil {
			o.applyHandler(&c)
		}
	}
	if c.level == nil {
		c.level = slog.LevelInfo
	}
	s.handled.Store(true)
	h := &handler{store: s, config: &c, ready: document{redactor: s.redactor}}
	h.ready.open()
	return h
}

// handler is a slog.Handler. What WithAttrs gave is written out in advance.
type handler struct {
	store  *Store
	config *handlerConfig
	ids    ids      // given outside of groups
	ready  document // attributes and the groups opened among them
	groups []string // opened since, and left out if nothing comes
	closed bool     // they are within one that is secret or too deep: nothing more is taken
}

// ids are attributes that have a place of their own in a document.
type ids struct{ trace, span, request string }

// take reports whether the attribute is an id, and keeps it.
func (i *ids) take(a slog.Attr) bool {
	switch a.Key {
	case "trace_id":
		i.trace = a.Value.Resolve().String()
	case "span_id":
		i.span = a.Value.Resolve().String()
	case "request_id":
		i.request = a.Value.Resolve().String()
	default:
		return false
	}
	return true
}

var _ slog.Handler = (*handler)(nil)

// Enabled implements slog.Handler.
func (h *handler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.config.level.Level() && !h.store.off()
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	out := *h
	out.groups = append(slices.Clip(h.groups), name)
	return &out
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	out := *h
	out.ready = h.ready.clone()
	for _, a := range attrs {
		out.add(&out.ready, a)
	}
	return &out
}

// clone returns a copy that shares nothing.
func (d *document) clone() document {
	return document{redactor: d.redactor, b: slices.Clone(d.b), keys: slices.Clone(d.keys), starts: slices.Clone(d.starts)}
}

// add adds an attribute where the handler is: outside of groups, or in those
// that are open, which it opens in d if they are not yet. Of a group that is
// secret, or deeper than groups may be, there is only that it is.
func (h *handler) add(d *document, a slog.Attr) {
	if h.closed || len(h.groups) == 0 && len(d.starts) == 1 && h.ids.take(a) || empty(a) {
		return
	}
	for len(h.groups) > 0 {
		if !d.key(h.groups[0]) {
			return
		}
		switch {
		case d.redactor.Secret(h.groups[0]):
			d.b, h.closed = appendString(d.b, redact.Mark), true
			return
		case len(d.starts) > mostDepth:
			d.b, h.closed = appendString(d.b, tooDeep), true
			return
		}
		d.open()
		h.groups = h.groups[1:]
	}
	d.attribute(a, len(d.starts)-1)
}

// Handle implements slog.Handler.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	if h.store.off() || ctx != nil && ctx.Value(ownKey{}) != nil {
		return nil
	}
	if r.Time.IsZero() {
		r.Time = h.store.now()
	}
	buf := buffers.Get().(*document)
	d := newDocument(h.store.redactor, buf.b, r.Time, "log")
	d.keys, d.starts = append(buf.keys[:0], h.ready.keys...), append(buf.starts[:0], h.ready.starts...)
	d.text("level", r.Level.String())
	d.field("message")
	d.b = appendString(d.b, d.scrub(r.Message))
	d.text("source", source(r.PC))
	d.field("attributes")
	d.b = append(d.b, h.ready.b...)
	at := *h // its ids and groups change with the record
	r.Attrs(func(a slog.Attr) bool {
		at.add(&d, a)
		return true
	})
	for range len(d.starts) {
		d.close()
	}
	if id := h.store.ask(ctx, "elastic.WithTraceID", h.config.traceID); id != "" {
		at.ids.trace = id
	}
	if id := h.store.ask(ctx, "elastic.WithSpanID", h.config.spanID); id != "" {
		at.ids.span = id
	}
	d.text("trace_id", at.ids.trace)
	d.text("span_id", at.ids.span)
	d.text("request_id", at.ids.request)
	d.b = append(d.b, '}')
	h.store.offer(slices.Clone(d.b))
	if cap(d.b) <= mostText {
		clear(d.keys[:cap(d.keys)]) // they may hold on to the host's texts
		*buf = d
		buffers.Put(buf)
	}
	return nil
}

var buffers = sync.Pool{New: func() any { return &document{b: make([]byte, 0, 1024)} }}

// source is the line of code that made a record: its file with the directory's
// last part.
func source(pc uintptr) string {
	if pc == 0 {
		return ""
	}
	frame, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	file := frame.File
	if i := strings.LastIndexByte(file, '/'); i >= 0 {
		file = file[strings.LastIndexByte(file[:i], '/')+1:]
	}
	return file + ":" + strconv.Itoa(frame.Line)
}
