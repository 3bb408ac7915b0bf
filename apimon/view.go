package apimon

import (
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// A kind is the set of optional interfaces that a ResponseWriter has.
type kind uint8

const (
	isFlusher kind = 1 << iota
	isHijacker
	isReaderFrom
	isPusher
	isCloseNotifier
	kinds
)

// writerType is what is known of a type of ResponseWriter.
type writerType struct {
	typ   reflect.Type
	kind  kind
	layer bool       // it wraps another one, so that its kind is not its type's alone
	reuse bool       // our view of it may be used again: nobody is left to hold it when we return
	pool  *sync.Pool // of recorders for it
	inner bool       // a middleware outside of us may have wrapped it
}

func (c *core) newWriterType(w http.ResponseWriter) writerType {
	server := isServers(reflect.TypeOf(w))
	layer := implements[ours](w) || implements[unwrapper](w)
	t := writerType{
		typ:   reflect.TypeOf(w),
		layer: layer,
		inner: layer || (!server && !c.pooled),
	}
	for bit, has := range map[kind]bool{
		isFlusher:       implements[http.Flusher](w),
		isHijacker:      implements[http.Hijacker](w),
		isReaderFrom:    implements[readerFromWriter](w),
		isPusher:        implements[http.Pusher](w),
		isCloseNotifier: implements[http.CloseNotifier](w), //nolint:staticcheck // gin asks for it
	} {
		if has {
			t.kind |= bit
		}
	}
	for range maxLayers {
		u, ok := w.(unwrapper)
		if !ok {
			break
		}
		// What http.ResponseController would find behind the layer goes through
		// our view, so that it is seen.
		w = u.Unwrap()
		if implements[http.Flusher](w) {
			t.kind |= isFlusher
		}
		if implements[http.Hijacker](w) {
			t.kind |= isHijacker
		}
	}
	// A timeout handler may push after we have returned: what can push is not
	// used again.
	t.reuse = !c.unpooled && (server || c.pooled) && t.kind&isPusher == 0
	t.pool = &c.unowned
	if t.reuse {
		t.pool = &c.owned[t.kind]
	}
	return t
}

// isServers reports whether the type is what net/http's server gives to the
// outermost handler.
func isServers(t reflect.Type) bool {
	if t.Kind() != reflect.Pointer {
		return false
	}
	path, name := t.Elem().PkgPath(), t.Elem().Name()
	http1 := path == "net/http" && name == "response"
	http2 := (path == "net/http" || strings.HasSuffix(path, "/http2")) &&
		strings.HasSuffix(strings.ToLower(name), "responsewriter")
	return http1 || http2
}

func implements[T any](w http.ResponseWriter) bool {
	_, ok := w.(T)
	return ok
}

// maxTypes is how many types of writers are remembered.
const maxTypes = 32

// writerType looks the writer's type up: there are one or two in a program, and
// asking a type anew what it has costs more than all the rest.
func (c *core) writerType(w http.ResponseWriter) *writerType {
	typ := reflect.TypeOf(w)
	known := *c.types.Load()
	for i := range known {
		if known[i].typ == typ {
			return &known[i]
		}
	}
	t := c.newWriterType(w)
	if len(known) < maxTypes && !t.layer {
		more := append(slices.Clip(known), t)
		c.types.Store(&more)
	}
	return &t
}

// newView is the writer as a ResponseWriter that has the optional interfaces of
// the kind and no others.
func (w *writer) newView(k kind) http.ResponseWriter {
	var (
		f = flusher{w}
		h = hijacker{w}
		r = readerFrom{w}
		p = pusher{w}
		c = closeNotifier{w}
	)
	switch k {
	case isFlusher:
		return struct {
			*writer
			flusher
		}{w, f}
	case isHijacker:
		return struct {
			*writer
			hijacker
		}{w, h}
	case isFlusher | isHijacker:
		return struct {
			*writer
			flusher
			hijacker
		}{w, f, h}
	case isReaderFrom:
		return struct {
			*writer
			readerFrom
		}{w, r}
	case isFlusher | isReaderFrom:
		return struct {
			*writer
			flusher
			readerFrom
		}{w, f, r}
	case isHijacker | isReaderFrom:
		return struct {
			*writer
			hijacker
			readerFrom
		}{w, h, r}
	case isFlusher | isHijacker | isReaderFrom:
		return struct {
			*writer
			flusher
			hijacker
			readerFrom
		}{w, f, h, r}
	case isPusher:
		return struct {
			*writer
			pusher
		}{w, p}
	case isFlusher | isPusher:
		return struct {
			*writer
			flusher
			pusher
		}{w, f, p}
	case isHijacker | isPusher:
		return struct {
			*writer
			hijacker
			pusher
		}{w, h, p}
	case isFlusher | isHijacker | isPusher:
		return struct {
			*writer
			flusher
			hijacker
			pusher
		}{w, f, h, p}
	case isReaderFrom | isPusher:
		return struct {
			*writer
			readerFrom
			pusher
		}{w, r, p}
	case isFlusher | isReaderFrom | isPusher:
		return struct {
			*writer
			flusher
			readerFrom
			pusher
		}{w, f, r, p}
	case isHijacker | isReaderFrom | isPusher:
		return struct {
			*writer
			hijacker
			readerFrom
			pusher
		}{w, h, r, p}
	case isFlusher | isHijacker | isReaderFrom | isPusher:
		return struct {
			*writer
			flusher
			hijacker
			readerFrom
			pusher
		}{w, f, h, r, p}
	case isCloseNotifier:
		return struct {
			*writer
			closeNotifier
		}{w, c}
	case isFlusher | isCloseNotifier:
		return struct {
			*writer
			flusher
			closeNotifier
		}{w, f, c}
	case isHijacker | isCloseNotifier:
		return struct {
			*writer
			hijacker
			closeNotifier
		}{w, h, c}
	case isFlusher | isHijacker | isCloseNotifier:
		return struct {
			*writer
			flusher
			hijacker
			closeNotifier
		}{w, f, h, c}
	case isReaderFrom | isCloseNotifier:
		return struct {
			*writer
			readerFrom
			closeNotifier
		}{w, r, c}
	case isFlusher | isReaderFrom | isCloseNotifier:
		return struct {
			*writer
			flusher
			readerFrom
			closeNotifier
		}{w, f, r, c}
	case isHijacker | isReaderFrom | isCloseNotifier:
		return struct {
			*writer
			hijacker
			readerFrom
			closeNotifier
		}{w, h, r, c}
	case http1:
		return (*http1View)(w)
	case isPusher | isCloseNotifier:
		return struct {
			*writer
			pusher
			closeNotifier
		}{w, p, c}
	case isFlusher | isPusher | isCloseNotifier:
		return struct {
			*writer
			flusher
			pusher
			closeNotifier
		}{w, f, p, c}
	case isHijacker | isPusher | isCloseNotifier:
		return struct {
			*writer
			hijacker
			pusher
			closeNotifier
		}{w, h, p, c}
	case isFlusher | isHijacker | isPusher | isCloseNotifier:
		return struct {
			*writer
			flusher
			hijacker
			pusher
			closeNotifier
		}{w, f, h, p, c}
	case isReaderFrom | isPusher | isCloseNotifier:
		return struct {
			*writer
			readerFrom
			pusher
			closeNotifier
		}{w, r, p, c}
	case isFlusher | isReaderFrom | isPusher | isCloseNotifier:
		return struct {
			*writer
			flusher
			readerFrom
			pusher
			closeNotifier
		}{w, f, r, p, c}
	case isHijacker | isReaderFrom | isPusher | isCloseNotifier:
		return struct {
			*writer
			hijacker
			readerFrom
			pusher
			closeNotifier
		}{w, h, r, p, c}
	case isFlusher | isHijacker | isReaderFrom | isPusher | isCloseNotifier:
		return struct {
			*writer
			flusher
			hijacker
			readerFrom
			pusher
			closeNotifier
		}{w, f, h, r, p, c}
	}
	return w
}
