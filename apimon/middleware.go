package apimon

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/monitor"
)

// Middleware measures the handlers that it wraps. It is safe for concurrent use.
type Middleware struct {
	core  *core
	route *route
	mux   Mux
}

// core is what a middleware and those derived from it share.
type core struct {
	m      *monitor.Monitor
	table  *table
	routes *routes
	epoch  time.Time // of the monotonic clock that durations are read from

	filter   func(*http.Request) bool
	traceID  func(context.Context) string
	user     func(*http.Request) string
	clientIP func(*http.Request) netip.Addr
	slowAt   time.Duration
	events   bool
	curious  bool // every request is reported on
	bodies   bool // request bodies are counted
	unpooled bool
	pooled   bool

	types    atomic.Pointer[[]writerType]
	owned    [kinds]sync.Pool // of *recorder with a view of their own, by kind
	unowned  sync.Pool        // of *recorder without
	followAt atomic.Int64     // when a request is to be followed next, on epoch's clock
	logged   atomic.Int64     // when a slow request was last logged
	unlogged atomic.Uint64
}

// New returns a middleware that records into m. Two middlewares on one registry
// share their metrics.
func New(m *monitor.Monitor, opts ...Option) (*Middleware, error) {
	c, err := newConfig(opts)
	if m == nil {
		err = errors.Join(fmt.Errorf("apimon: %w: monitor = nil: want a monitor", monitor.ErrInvalidOption), err)
	}
	if err != nil {
		return nil, err
	}
	t, err := instrument.Share(m.Instruments(), "apimon", func() (*table, error) { return newTable(m.Instruments(), c) })
	if err != nil {
		return nil, err
	}
	if c.sizes && !t.sizes {
		return nil, errors.New("apimon: WithSizes: another middleware on this registry was made without it")
	}
	co := &core{
		m: m, table: t, routes: newRoutes(t, c.skip), epoch: time.Now(),
		filter: c.filter, traceID: c.traceID, user: c.user, clientIP: c.clientIP, slowAt: c.slow,
		events: m.Enabled(monitor.KindRequest), unpooled: c.unpooled, pooled: c.pooled,
	}
	if c.slow == 0 {
		co.slowAt = math.MaxInt64
	}
	co.curious = co.events || co.traceID != nil
	co.bodies = t.sizes || co.events
	co.types.Store(new([]writerType))
	return &Middleware{core: co}, nil
}

// now is the time on the core's clock. Durations need one reading of the
// monotonic clock, which costs half of what time.Now does.
func (c *core) now() time.Duration { return time.Since(c.epoch) }

// WithRoute returns a middleware for handlers that are one route, given as the
// endpoint label is to show it, "/stocks/{symbol}". A method in front is
// dropped. Empty says nothing.
func (mw *Middleware) WithRoute(route string) *Middleware {
	out := *mw
	out.route = nil
	if route != "" {
		out.route = mw.core.routes.find(route)
	}
	return &out
}

// WithMux returns a middleware for handlers that dispatch to the mux in the
// end, through other middlewares. It asks the mux again for requests whose
// pattern was lost because one of those copied the request. nil says nothing.
func (mw *Middleware) WithMux(mux Mux) *Middleware {
	out := *mw
	out.mux = mux
	return &out
}

// Handler wraps next. If next is a *http.ServeMux it is what WithMux was told.
// A nil next answers 404. The result of a monitor that is off is next itself.
func (mw *Middleware) Handler(next http.Handler) http.Handler {
	if mw.core.m.Off() {
		return next
	}
	if next == nil {
		next = http.NotFoundHandler()
	}
	h := &handler{core: mw.core, next: next, route: mw.route, mux: mw.mux}
	if mux, ok := next.(*http.ServeMux); ok {
		h.mux = mux
	} else {
		h.copies = mw.mux != nil
	}
	h.follow = h.route == nil && h.mux == nil // a router that will say SetRoute
	h.profile = mw.core.m.ProfileLabels()
	h.own = h.follow || h.profile
	return h
}

// handler is one wrapped handler.
type handler struct {
	core    *core
	next    http.Handler
	route   *route // known at registration
	mux     Mux    // knows the routes
	copies  bool   // something may stand between and copy the request
	follow  bool   // every request's context carries its scope
	profile bool   // and labels its goroutine
	own     bool   // every request is given a context of its own
}

// followEvery is how often a request's context carries its scope, where that
// is not needed for the route: often enough to learn which route uses which
// table or cache, too seldom to be felt.
const followEvery = 100 * time.Millisecond

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := h.core
	if c.filter != nil && !c.keeps(r) {
		h.next.ServeHTTP(w, r)
		return
	}
	t := c.writerType(w)
	if t.inner {
		if outer := c.outer(w, r); outer.rec != nil {
			h.inside(outer, w, r)
			return
		}
	}
	rec := c.recorder(t)
	now := c.now()
	rec.begin(h, w, r, now)
	if h.own || (c.bodies && r.Body != nil && r.Body != http.NoBody) || c.followNow(now) {
		h.serveFollowed(rec)
		return
	}
	defer rec.finish()
	h.next.ServeHTTP(rec.view, r)
	rec.completed = true
}

// serveFollowed is ServeHTTP for a request that is given a context or a body
// of its own.
func (h *handler) serveFollowed(rec *recorder) {
	defer rec.finish()
	orig := rec.request
	s := newScope(h, rec)
	ctx := monitor.ContextWithCaller(orig.Context(), s)
	if h.profile {
		defer pprof.SetGoroutineLabels(orig.Context())
		ctx = pprof.WithLabels(ctx, pprof.Labels("route", h.routeFirst(orig).name))
		pprof.SetGoroutineLabels(ctx)
	}
	r := orig.WithContext(ctx)
	rec.request, rec.scope = r, s
	if h.core.bodies && r.Body != nil && r.Body != http.NoBody {
		rec.body = &countingBody{ReadCloser: r.Body}
		r.Body = rec.body
	}
	defer giveBack(orig, r)
	h.next.ServeHTTP(rec.view, r)
	rec.completed = true
}

// giveBack puts what a handler and a mux leave in the copy of a request where
// those outside look for it: the server removes a form's temporary files.
func giveBack(orig, r *http.Request) {
	orig.Pattern, orig.Form, orig.PostForm, orig.MultipartForm = r.Pattern, r.Form, r.PostForm, r.MultipartForm
}

// followNow reports whether this request is one of the few whose context
// carries its scope.
func (c *core) followNow(now time.Duration) bool {
	next := c.followAt.Load()
	return int64(now) >= next && c.followAt.CompareAndSwap(next, int64(now+followEvery))
}

func (c *core) keeps(r *http.Request) (keep bool) {
	var err error
	keep = true
	defer c.m.Guard("apimon.WithFilter", &err)
	return c.filter(r)
}
