package elastic

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/chronoretrace/chronomon/monitor"
)

const (
	mostText  = 32 << 10  // bytes of one text
	mostDoc   = 512 << 10 // bytes of a document after which attributes are left out
	mostDepth = 8         // groups within groups
	mostKeys  = 256       // attributes of one object
	mostKey   = 256       // bytes of an attribute's name
)

// tooDeep stands where groups are nested further than they may be.
const tooDeep = "[too deep]"

// daySize is the size of what a record has before its document: the day that
// its index is of.
const daySize = len(dayLayout)

const dayLayout = "2006.01.02"

// document is a JSON object in the making, behind its day.
type document struct {
	redactor *redactor
	b        []byte
	keys     []string // of attributes, in the objects that are open
	starts   []int    // where in keys those of each open object begin
}

// newDocument begins a document of that time.
func newDocument(r *redactor, buf []byte, t time.Time, kind string) document {
	t = t.UTC()
	d := document{redactor: r, b: buf[:0]}
	if y := t.Year(); y < 0 || y > 9999 { // no day of an index
		t = time.Unix(0, 0).UTC()
	}
	d.b = t.AppendFormat(d.b, dayLayout)
	d.b = append(d.b, `{"@timestamp":"`...)
	d.b = t.AppendFormat(d.b, "2006-01-02T15:04:05.000000000Z")
	d.b = append(d.b, `","kind":"`...)
	d.b = append(d.b, kind...)
	d.b = append(d.b, '"')
	return d
}

// text adds a field unless it is empty.
func (d *document) text(key, value string) {
	if value != "" {
		d.field(key)
		d.b = appendString(d.b, d.redactor.scrub(value))
	}
}

// open begins an object of attributes.
func (d *document) open() {
	d.b = append(d.b, '{')
	d.starts = append(d.starts, len(d.keys))
}

// close ends it.
func (d *document) close() {
	d.b = append(d.b, '}')
	last := len(d.starts) - 1
	d.keys, d.starts = d.keys[:d.starts[last]], d.starts[:last]
}

// key adds an attribute's key to the object that is open. Elasticsearch refuses
// a document with a key that is there twice: the second one has "_2" behind it.
// It reports false if the object is full.
func (d *document) key(key string) bool {
	own := d.keys[d.starts[len(d.starts)-1]:]
	if len(own) >= mostKeys {
		return false
	}
	if len(key) > mostKey {
		key = key[:mostKey]
	}
	if key == "" { // it has to have one
		key = "_"
	}
	name := key
	for n := 2; slices.Contains(own, name); n++ {
		name = key + "_" + strconv.Itoa(n)
	}
	d.keys = append(d.keys, name)
	d.field(name)
	return true
}

// field adds the separator and a key.
func (d *document) field(key string) {
	if last := d.b[len(d.b)-1]; last != '{' {
		d.b = append(d.b, ',')
	}
	d.b = appendString(d.b, key)
	d.b = append(d.b, ':')
}

// eventRecord returns an event's day and document.
func (s *Store) eventRecord(e *monitor.Event) []byte {
	d := newDocument(s.redactor, nil, e.Time, e.Kind.String())
	d.text("name", e.Name)
	if e.Duration != 0 {
		d.field("duration_seconds")
		d.b = strconv.AppendFloat(d.b, e.Duration.Seconds(), 'g', -1, 64)
	}
	if e.Failed {
		d.b = append(d.b, `,"failed":true`...)
	}
	if e.Slow {
		d.b = append(d.b, `,"slow":true`...)
	}
	d.text("trace_id", e.TraceID)
	d.text("user", e.User)
	message := ""
	if v, ok := e.Attr("message"); ok && e.Kind == monitor.KindLog {
		message = v.String()
		d.text("message", message)
	}
	d.field("attributes")
	d.open()
	for a := range e.Attrs() {
		if a.Key != "message" || message == "" {
			d.attribute(a, 0)
		}
	}
	d.close()
	return append(d.b, '}')
}

// attribute adds an attribute, unless it is none or the document is full.
func (d *document) attribute(a slog.Attr, depth int) {
	if len(d.b) > mostDoc || empty(a) {
		return
	}
	v := a.Value.Resolve()
	group := v.Kind() == slog.KindGroup && a.Key != ""
	switch {
	case v.Kind() == slog.KindGroup && a.Key == "":
		for _, inner := range v.Group() {
			d.attribute(inner, depth)
		}
	case !d.key(a.Key):
	case group && depth >= mostDepth:
		d.b = appendString(d.b, tooDeep)
	case group && !d.redactor.secret(a.Key):
		d.open()
		for _, inner := range v.Group() {
			d.attribute(inner, depth+1)
		}
		d.close()
	default:
		d.value(a.Key, v)
	}
}

// empty reports whether nothing would be written of an attribute.
func empty(a slog.Attr) bool {
	v := a.Value.Resolve()
	if v.Kind() != slog.KindGroup {
		return a.Key == "" && v.Equal(slog.Value{})
	}
	return !slices.ContainsFunc(v.Group(), func(a slog.Attr) bool { return !empty(a) })
}

// value adds the value of an attribute of that name. Numbers that JSON has no
// words for are texts, durations are seconds.
func (d *document) value(key string, v slog.Value) {
	if d.redactor.secret(key) {
		d.b = appendString(d.b, redacted)
		return
	}
	switch v.Kind() {
	case slog.KindInt64:
		d.b = strconv.AppendInt(d.b, v.Int64(), 10)
	case slog.KindUint64:
		d.b = strconv.AppendUint(d.b, v.Uint64(), 10)
	case slog.KindBool:
		d.b = strconv.AppendBool(d.b, v.Bool())
	case slog.KindFloat64:
		d.number(v.Float64())
	case slog.KindDuration:
		d.number(v.Duration().Seconds())
	case slog.KindTime:
		d.b = append(d.b, '"')
		d.b = v.Time().UTC().AppendFormat(d.b, time.RFC3339Nano)
		d.b = append(d.b, '"')
	case slog.KindAny:
		d.any(v.Any())
	default:
		d.b = appendString(d.b, d.redactor.scrub(v.String()))
	}
}

func (d *document) number(f float64) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		d.b = appendString(d.b, strconv.FormatFloat(f, 'g', -1, 64))
		return
	}
	d.b = strconv.AppendFloat(d.b, f, 'g', -1, 64)
}

// any adds a value of the host's own type, whose methods may panic: an error by
// its text, others as they marshal themselves.
func (d *document) any(v any) {
	start := len(d.b)
	defer func() {
		if recover() != nil {
			d.b = appendString(d.b[:start], fmt.Sprintf("panicked: %T", v))
		}
	}()
	switch v := v.(type) {
	case nil:
		d.b = append(d.b, "null"...)
	case error:
		d.b = appendString(d.b, d.redactor.scrub(v.Error()))
	case encoding.TextMarshaler:
		text, err := v.MarshalText()
		if err != nil {
			text = []byte(err.Error())
		}
		d.b = appendString(d.b, d.redactor.scrub(string(text)))
	default:
		d.marshalled(v)
	}
}

// marshalled adds what a value marshals itself to, with what is secret in it
// replaced.
func (d *document) marshalled(v any) {
	data, err := json.Marshal(v)
	if err != nil || len(data) > mostText {
		d.b = appendString(d.b, d.redactor.scrub(fmt.Sprintf("%T", v)))
		return
	}
	var tree any
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	_ = dec.Decode(&tree) // Marshal wrote it
	data, _ = json.Marshal(d.redactor.clean(tree, 0))
	d.b = append(d.b, data...)
}

const hex = "0123456789abcdef"

// appendString appends a text as JSON, cut at mostText.
func appendString(b []byte, s string) []byte {
	if len(s) > mostText {
		s = s[:mostText]
	}
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' {
				i++
				continue
			}
			b = append(b, s[from:i]...)
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\n':
				b = append(b, `\n`...)
			case 0: // which flattened fields do not take
				b = append(b, "\uFFFD"...)
			default:
				b = append(b, `\u00`...)
				b = append(b, hex[c>>4], hex[c&15])
			}
			i++
			from = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			b = append(b, s[from:i]...)
			b = append(b, "\uFFFD"...)
			from = i + size
		}
		i += size
	}
	b = append(b, s[from:]...)
	return append(b, '"')
}
