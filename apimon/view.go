package apimon

import (
	"net/http"
	"reflect"
	"slices"
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
	isOurs kind = kinds // a view of an outer middleware of this package
)

// kindOf looks at a writer's type.
func kindOf(w http.ResponseWriter) (k kind) {
	if _, ok := w.(ours); ok {
		return isOurs
	}
	if _, ok := w.(http.Flusher); ok {
		k |= isFlusher
	}
	if _, ok := w.(http.Hijacker); ok {
		k |= isHijacker
	}
	if _, ok := w.(readerFromWriter); ok {
		k |= isReaderFrom
	}
	if _, ok := w.(http.Pusher); ok {
		k |= isPusher
	}
	if _, ok := w.(http.CloseNotifier); ok { //nolint:staticcheck // gin asks for it
		k |= isCloseNotifier
	}
	return k
}

// typeKind remembers the kind of a writer's type: there are one or two in a
// program, and asking anew costs five look-ups.
type typeKind struct {
	typ  reflect.Type
	kind kind
}

// maxTypes is how many types are remembered.
const maxTypes = 32

func (c *core) kindOf(w http.ResponseWriter) kind {
	typ := reflect.TypeOf(w)
	known := *c.kinds.Load()
	for i := range known {
		if known[i].typ == typ {
			return known[i].kind
		}
	}
	k := kindOf(w)
	if len(known) < maxTypes {
		more := append(slices.Clip(known), typeKind{typ, k})
		c.kinds.Store(&more)
	}
	return k
}

// view is the recorder as a ResponseWriter that has the optional interfaces of
// the kind and no others.
func (rec *recorder) newView(k kind) http.ResponseWriter {
	var (
		f = flusher{rec}
		h = hijacker{rec}
		r = readerFrom{rec}
		p = pusher{rec}
		c = closeNotifier{rec}
	)
	switch k {
	case isFlusher:
		return struct {
			*recorder
			flusher
		}{rec, f}
	case isHijacker:
		return struct {
			*recorder
			hijacker
		}{rec, h}
	case isFlusher | isHijacker:
		return struct {
			*recorder
			flusher
			hijacker
		}{rec, f, h}
	case isReaderFrom:
		return struct {
			*recorder
			readerFrom
		}{rec, r}
	case isFlusher | isReaderFrom:
		return struct {
			*recorder
			flusher
			readerFrom
		}{rec, f, r}
	case isHijacker | isReaderFrom:
		return struct {
			*recorder
			hijacker
			readerFrom
		}{rec, h, r}
	case isFlusher | isHijacker | isReaderFrom:
		return struct {
			*recorder
			flusher
			hijacker
			readerFrom
		}{rec, f, h, r}
	case isPusher:
		return struct {
			*recorder
			pusher
		}{rec, p}
	case isFlusher | isPusher:
		return struct {
			*recorder
			flusher
			pusher
		}{rec, f, p}
	case isHijacker | isPusher:
		return struct {
			*recorder
			hijacker
			pusher
		}{rec, h, p}
	case isFlusher | isHijacker | isPusher:
		return struct {
			*recorder
			flusher
			hijacker
			pusher
		}{rec, f, h, p}
	case isReaderFrom | isPusher:
		return struct {
			*recorder
			readerFrom
			pusher
		}{rec, r, p}
	case isFlusher | isReaderFrom | isPusher:
		return struct {
			*recorder
			flusher
			readerFrom
			pusher
		}{rec, f, r, p}
	case isHijacker | isReaderFrom | isPusher:
		return struct {
			*recorder
			hijacker
			readerFrom
			pusher
		}{rec, h, r, p}
	case isFlusher | isHijacker | isReaderFrom | isPusher:
		return struct {
			*recorder
			flusher
			hijacker
			readerFrom
			pusher
		}{rec, f, h, r, p}
	case isCloseNotifier:
		return struct {
			*recorder
			closeNotifier
		}{rec, c}
	case isFlusher | isCloseNotifier:
		return struct {
			*recorder
			flusher
			closeNotifier
		}{rec, f, c}
	case isHijacker | isCloseNotifier:
		return struct {
			*recorder
			hijacker
			closeNotifier
		}{rec, h, c}
	case isFlusher | isHijacker | isCloseNotifier:
		return struct {
			*recorder
			flusher
			hijacker
			closeNotifier
		}{rec, f, h, c}
	case isReaderFrom | isCloseNotifier:
		return struct {
			*recorder
			readerFrom
			closeNotifier
		}{rec, r, c}
	case isFlusher | isReaderFrom | isCloseNotifier:
		return struct {
			*recorder
			flusher
			readerFrom
			closeNotifier
		}{rec, f, r, c}
	case isHijacker | isReaderFrom | isCloseNotifier:
		return struct {
			*recorder
			hijacker
			readerFrom
			closeNotifier
		}{rec, h, r, c}
	case isFlusher | isHijacker | isReaderFrom | isCloseNotifier:
		return struct {
			*recorder
			flusher
			hijacker
			readerFrom
			closeNotifier
		}{rec, f, h, r, c}
	case isPusher | isCloseNotifier:
		return struct {
			*recorder
			pusher
			closeNotifier
		}{rec, p, c}
	case isFlusher | isPusher | isCloseNotifier:
		return struct {
			*recorder
			flusher
			pusher
			closeNotifier
		}{rec, f, p, c}
	case isHijacker | isPusher | isCloseNotifier:
		return struct {
			*recorder
			hijacker
			pusher
			closeNotifier
		}{rec, h, p, c}
	case isFlusher | isHijacker | isPusher | isCloseNotifier:
		return struct {
			*recorder
			flusher
			hijacker
			pusher
			closeNotifier
		}{rec, f, h, p, c}
	case isReaderFrom | isPusher | isCloseNotifier:
		return struct {
			*recorder
			readerFrom
			pusher
			closeNotifier
		}{rec, r, p, c}
	case isFlusher | isReaderFrom | isPusher | isCloseNotifier:
		return struct {
			*recorder
			flusher
			readerFrom
			pusher
			closeNotifier
		}{rec, f, r, p, c}
	case isHijacker | isReaderFrom | isPusher | isCloseNotifier:
		return struct {
			*recorder
			hijacker
			readerFrom
			pusher
			closeNotifier
		}{rec, h, r, p, c}
	case isFlusher | isHijacker | isReaderFrom | isPusher | isCloseNotifier:
		return struct {
			*recorder
			flusher
			hijacker
			readerFrom
			pusher
			closeNotifier
		}{rec, f, h, r, p, c}
	}
	return rec
}
