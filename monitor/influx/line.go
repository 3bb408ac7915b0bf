package influx

import (
	"encoding/binary"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/monitor"
)

// The tags and fields of every point.
const (
	tagName       = "name"
	tagFailed     = "failed"
	fieldDuration = "duration_seconds"
	fieldSlow     = "slow"
	fieldTraceID  = "trace_id"
	fieldUser     = "user"
	textSuffix    = "_text" // behind a tag's name: the field with a text that the tag could not have
)

const (
	mostTag    = 256      // bytes of a tag's value
	mostText   = 32 << 10 // bytes of a field's text
	mostFields = 128      // attributes of a point
	mostDepth  = 8        // groups within groups
)

// earliest and latest are what InfluxDB can store; below and above, the
// nanoseconds of a 64-bit number have other uses.
var (
	earliest = time.Unix(0, math.MinInt64+2)
	latest   = time.Unix(0, math.MaxInt64-1)
)

// reserved reports whether InfluxDB has a use of its own for a column's name.
func reserved(key string) bool { return key == "time" || strings.HasPrefix(key, "_") }

// ownField reports whether a column is this package's.
func ownField(key string) bool {
	switch key {
	case fieldDuration, fieldSlow, fieldTraceID, fieldUser:
		return true
	}
	return false
}

// overflow counts, by tag, the values that the tag could not have.
type overflow map[string]func()

// encoder makes lines of events. It is used by one goroutine at a time.
type encoder struct {
	numbersOnly bool
	static      string // the static tags, ready
	chosen      []string
	limits      map[string]*instrument.Limiter // by tag
	overflow    atomic.Pointer[overflow]       // nil until the sink is watched
	recent      recent

	taken  map[string]bool // columns that attributes may not have
	fields map[string]bool // columns of the present point
	buf    []byte
}

func newEncoder(c *config) *encoder {
	e := &encoder{
		numbersOnly: c.numbersOnly, chosen: slices.Sorted(slices.Values(c.tags)),
		limits: map[string]*instrument.Limiter{}, taken: map[string]bool{}, fields: map[string]bool{},
	}
	for _, t := range slices.SortedFunc(slices.Values(c.static), func(a, b staticTag) int { return strings.Compare(a.key, b.key) }) {
		e.static += "," + string(appendTag(nil, t.key)) + "=" + string(appendTag(nil, t.value))
		e.taken[t.key] = true
	}
	for _, key := range append([]string{tagName}, c.tags...) {
		e.limits[key] = instrument.NewLimiter(c.tagLimit, func() { e.overflowed(key) })
		e.taken[key], e.taken[key+textSuffix] = true, true
	}
	for _, key := range []string{tagFailed, fieldDuration, fieldSlow, fieldTraceID, fieldUser} {
		e.taken[key] = true
	}
	return e
}

func (e *encoder) overflowed(key string) {
	if o := e.overflow.Load(); o != nil {
		(*o)[key]()
	}
}

// seriesSize is the size of what a record has before its line: how much of the
// line names the series.
const seriesSize = 4

// encode returns the event's record: its line, with what [encoder.finish] needs
// before it. It is the same for the same event whenever it is offered.
func (e *encoder) encode(ev *monitor.Event) ([]byte, bool) {
	if ev.Time.Before(earliest) || ev.Time.After(latest) {
		return nil, false
	}
	clear(e.fields)
	b := append(e.buf[:0], 0, 0, 0, 0)
	b = append(b, ev.Kind.String()...)
	b = append(b, e.static...)
	var texts []slog.Attr // what tags could not hold
	tag := func(key, value string) {
		if value == "" {
			return
		}
		shown := instrument.Other
		if len(value) > mostTag {
			e.overflowed(key)
		} else {
			shown = e.limits[key].Value(value)
		}
		if shown != value {
			texts = append(texts, slog.String(key+textSuffix, value))
		}
		b = append(b, ',')
		b = appendTag(b, key)
		b = append(b, '=')
		b = appendTag(b, shown)
	}
	b = append(b, ","+tagFailed+"="...)
	b = strconv.AppendBool(b, ev.Failed)
	tag(tagName, ev.Name)
	for _, key := range e.chosen {
		if v, ok := ev.Attr(key); ok {
			tag(key, text(v))
		}
	}
	binary.LittleEndian.PutUint32(b, uint32(len(b)-seriesSize))

	b = append(b, " "+fieldDuration+"="...)
	b = strconv.AppendFloat(b, ev.Duration.Seconds(), 'g', -1, 64)
	b = append(b, ","+fieldSlow+"="...)
	b = strconv.AppendBool(b, ev.Slow)
	for _, a := range append(texts, slog.String(fieldTraceID, ev.TraceID), slog.String(fieldUser, ev.User)) {
		if s := a.Value.String(); s != "" {
			b = e.field(b, a.Key, a.Value)
		}
	}
	for a := range ev.Attrs() {
		if !slices.Contains(e.chosen, a.Key) {
			b = e.attribute(b, "", a, 0)
		}
	}
	b = append(b, ' ')
	b = strconv.AppendInt(b, ev.Time.UnixNano(), 10)
	e.buf = b
	return slices.Clone(b), true
}

// attribute appends an attribute under a column of its own: the first one of a
// name stands.
func (e *encoder) attribute(b []byte, prefix string, a slog.Attr, depth int) []byte {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup && depth < mostDepth {
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, inner := range v.Group() {
			b = e.attribute(b, prefix, inner, depth+1)
		}
		return b
	}
	key := prefix + a.Key
	if key == "" || reserved(key) || e.taken[key] {
		key = "attr_" + key
	}
	if e.fields[key] || len(e.fields) >= mostFields || len(key) > mostTag {
		return b
	}
	e.fields[key] = true
	return e.field(b, key, v)
}

// field appends a field, unless its value has no place in a line.
func (e *encoder) field(b []byte, key string, v slog.Value) []byte {
	var f float64
	switch v.Kind() {
	case slog.KindInt64:
		f = float64(v.Int64())
	case slog.KindUint64:
		f = float64(v.Uint64())
	case slog.KindFloat64:
		f = v.Float64()
	case slog.KindDuration:
		f = v.Duration().Seconds()
	case slog.KindBool:
		b = appendKey(b, key)
		return strconv.AppendBool(b, v.Bool())
	default:
		if e.numbersOnly {
			return b
		}
		b = appendKey(b, key)
		return appendText(b, text(v))
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return b
	}
	b = appendKey(b, key)
	return strconv.AppendFloat(b, f, 'g', -1, 64)
}

// finish makes the line of a record, at a time that no recent point of the
// series has.
func (e *encoder) finish(record []byte) []byte {
	n := int(binary.LittleEndian.Uint32(record))
	line := record[seriesSize:]
	at := strings.LastIndexByte(string(line), ' ') + 1
	stamp, _ := strconv.ParseInt(string(line[at:]), 10, 64) // encode wrote it
	free := e.recent.place(line[:n], stamp)
	if free == stamp {
		return line
	}
	return strconv.AppendInt(slices.Clip(line[:at]), free, 10)
}

// text is a value written out.
func text(v slog.Value) string {
	v = v.Resolve()
	if v.Kind() == slog.KindTime {
		return v.Time().UTC().Format(time.RFC3339Nano)
	}
	return v.String()
}

// appendKey appends the separator, a field's key and the equals sign.
func appendKey(b []byte, key string) []byte {
	b = append(b, ',')
	b = appendTag(b, key)
	return append(b, '=')
}

// appendTag appends a tag's or field's key, or a tag's value. A backslash is
// text there but before a separator or at the end, where it cannot be written.
func appendTag(b []byte, s string) []byte {
	for _, r := range s { // what is not UTF-8 becomes U+FFFD
		switch {
		case r == ',' || r == '=' || r == ' ':
			b = append(b, '\\', byte(r))
		case r == '\\':
			b = append(b, '/')
		case r < ' ' || r == 0x7f:
			b = append(b, '\\', ' ')
		default:
			b = append(b, string(r)...)
		}
	}
	return b
}

// appendText appends a field's text in quotes. A line break is written as
// backslash n, so that a line is a line; other control characters are spaces.
func appendText(b []byte, s string) []byte {
	if len(s) > mostText {
		s = s[:mostText]
	}
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\\n`...)
		case r == '\r':
			b = append(b, `\\r`...)
		case r < ' ' && r != '\t': // not all parsers take them
			b = append(b, ' ')
		default:
			b = append(b, string(r)...)
		}
	}
	return append(b, '"')
}
