package cachemon

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/internal/keypattern"
	"github.com/chronoretrace/chronomon/internal/window"
	"github.com/chronoretrace/chronomon/monitor"
)

// Hook measures go-redis clients: those given to [Hook.Watch]. It is safe for
// concurrent use. A nil one, like one of a monitor that is off, measures nothing.
type Hook struct {
	m        *monitor.Monitor
	table    *table
	commands *commands
	patterns *keypattern.Extractor // nil: all keys are "other"
	limit    int

	cacheType string
	window    time.Duration
	big       int
	slow      time.Duration
	traceID   func(context.Context) string
	events    bool
	curious   bool // every command is reported on

	logged   atomic.Int64 // when a big value was last logged, on the table's clock
	unlogged atomic.Uint64
}

// NewHook returns a hook that records into m. Two hooks on one registry share
// their metrics; the names of what they watch must differ.
func NewHook(m *monitor.Monitor, opts ...HookOption) (*Hook, error) {
	c, err := newHookConfig(m, opts)
	if err != nil {
		return nil, err
	}
	t, err := openTable(m.Instruments(), c.buckets)
	if err != nil {
		return nil, err
	}
	h := &Hook{
		m: m, table: t, commands: newCommands(c.rules), limit: c.limit,
		cacheType: c.cacheType, window: c.window, big: c.big, slow: c.slow, traceID: c.traceID,
		events: m.Enabled(monitor.KindCache),
	}
	if c.big == 0 {
		h.big = math.MaxInt
	}
	if c.slow == 0 {
		h.slow = math.MaxInt64
	}
	h.curious = h.events || h.traceID != nil
	if c.noPatterns {
		return h, nil
	}
	h.patterns, err = keypattern.New(keypattern.Config{
		Rules: c.patterns, Words: c.words, Limit: c.limit, Crowd: crowd(c.words),
		Overflow: func() { t.overflow.Add(&instrument.Home{}, 0, 1) },
	})
	if err != nil {
		var p problems
		p.bad("WithKeyPatterns", err, "patterns such as stock:daily:*")
		return nil, p.err()
	}
	return h, nil
}

func (h *Hook) off() bool { return h == nil || h.m == nil || h.m.Off() }

// noPattern is the pattern of keys that have none.
var noPattern = &keypattern.Pattern{Name: keypattern.Other, ID: keypattern.OtherID}

// pattern is the pattern of a key as it stands among a command's arguments.
func (h *Hook) pattern(w *worker, key any) *keypattern.Pattern {
	if h.patterns == nil {
		return noPattern
	}
	switch k := key.(type) {
	case string:
		return h.patterns.FindBytes(&w.scratch, bytesOf(k))
	case []byte:
		return h.patterns.FindBytes(&w.scratch, k)
	}
	return noPattern
}

// bytesOf is a key's bytes, which are not copied and only to be read.
func bytesOf(key string) []byte {
	return unsafe.Slice(unsafe.StringData(key), len(key))
}

// worker is what recording a command needs. One is used again and again on the
// same CPU, and with it the lanes that no other CPU writes to.
type worker struct {
	home    instrument.Home
	lane    window.Lane
	scratch keypattern.Scratch
	_       [64]byte
}

var (
	workers sync.Pool // of *worker
	lanes   atomic.Uint32
)

func getWorker() *worker {
	if w, ok := workers.Get().(*worker); ok {
		return w
	}
	return &worker{lane: window.Lane(lanes.Add(1))}
}

func (w *worker) release() { workers.Put(w) }
