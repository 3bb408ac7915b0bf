package monitor

import (
	"encoding/json"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"time"
)

// Kind says what an event is about. Sinks choose by it, and each kind has its
// own sampling ratio.
type Kind uint8

// The kinds of events.
const (
	KindRequest    Kind = iota + 1 // an HTTP request was answered
	KindQuery                      // a database query ended
	KindCache                      // a cache operation ended
	KindUser                       // a user did something
	KindSource                     // a data source answered, or failed to
	KindConnection                 // a real-time connection opened or closed
	KindJob                        // a back-test job changed state
	KindMark                       // something was changed: see Monitor.Mark
	KindAlert                      // an alert changed state
	KindAnomaly                    // a series became abnormal, or normal again
	KindRecovery                   // a recovery step was taken
	KindLog                        // an error was logged: see Monitor.LogHandler
	kindEnd
)

var kindNames = [kindEnd]string{
	KindRequest: "request", KindQuery: "query", KindCache: "cache", KindUser: "user", KindSource: "source",
	KindConnection: "connection", KindJob: "job", KindMark: "mark", KindAlert: "alert", KindAnomaly: "anomaly",
	KindRecovery: "recovery", KindLog: "log",
}

// Kinds lists all kinds.
func Kinds() []Kind {
	out := make([]Kind, 0, kindEnd-1)
	for k := Kind(1); k < kindEnd; k++ {
		out = append(out, k)
	}
	return out
}

func (k Kind) valid() bool { return k > 0 && k < kindEnd }

// String returns the kind's name, which is also its label value.
func (k Kind) String() string {
	if !k.valid() {
		return fmt.Sprintf("kind(%d)", uint8(k))
	}
	return kindNames[k]
}

// MarshalText writes the kind's name.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// inlineAttrs is how many attributes an event holds without an allocation.
const inlineAttrs = 5

// Event is one thing that happened, for sinks. It is a value: five attributes
// fit without an allocation, further ones share memory between copies, which
// is why only the recording package adds them.
type Event struct {
	Time     time.Time     // zero: when it was recorded
	Kind     Kind          // required
	Name     string        // what it is about: route, table, key pattern, data source
	Duration time.Duration // zero where nothing took time
	Failed   bool          // kept by sampling
	Slow     bool          // kept by sampling
	TraceID  string        // empty where there is none
	User     string        // a pseudonym, never the id itself: see Monitor.Pseudonym

	attrs [inlineAttrs]slog.Attr
	n     int
	more  []slog.Attr
}

// Add appends attributes.
func (e *Event) Add(attrs ...slog.Attr) {
	n := copy(e.attrs[e.n:], attrs)
	e.n += n
	if n < len(attrs) {
		e.more = append(slices.Clip(e.more), attrs[n:]...)
	}
}

// Attrs yields the attributes in the order in which they were added.
func (e *Event) Attrs() iter.Seq[slog.Attr] {
	return func(yield func(slog.Attr) bool) {
		for _, a := range e.attrs[:e.n] {
			if !yield(a) {
				return
			}
		}
		for _, a := range e.more {
			if !yield(a) {
				return
			}
		}
	}
}

// Attr returns the value of the first attribute of that name.
func (e *Event) Attr(key string) (slog.Value, bool) {
	for a := range e.Attrs() {
		if a.Key == key {
			return a.Value, true
		}
	}
	return slog.Value{}, false
}

// MarshalJSON writes the event as one flat object, its attributes under their
// own names, for sinks that write lines of JSON.
func (e Event) MarshalJSON() ([]byte, error) {
	out := map[string]any{"time": e.Time, "kind": e.Kind, "name": e.Name}
	for name, v := range map[string]any{
		"duration_seconds": e.Duration.Seconds(), "failed": e.Failed, "slow": e.Slow, "trace_id": e.TraceID, "user": e.User,
	} {
		if v != "" && v != false && v != 0.0 {
			out[name] = v
		}
	}
	for a := range e.Attrs() {
		if _, taken := out[a.Key]; !taken {
			out[a.Key] = a.Value.Any()
		}
	}
	return json.Marshal(out)
}
