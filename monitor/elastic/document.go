package elastic

import (
	"cmp"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/chronoretrace/chronomon/internal/redact"
	"github.com/chronoretrace/chronomon/monitor"
)

const (
	mostText   = 32 << 10  // bytes of one text
	mostSecret = 1 << 10   // bytes behind them that are looked at for the rest of a secret
	mostDoc    = 512 << 10 // bytes of a document after which attributes are left out
	mostDepth  = 8         // groups within groups
	mostKeys   = 256       // attributes of one object
	mostKey    = 256       // bytes of an attribute's name
)

// tooDeep stands where groups are nested further than they may be.
const tooDeep = "[too deep]"

// daySize is the size of what a record has before its document: the day that
// its index is of.
const daySize = len(dayLayout)

const dayLayout = "2006.01.02"

// document is a JSON object in the making, behind its day.
type document struct {
	redactor *redact.Redactor
	b        []byte
	keys     []string // of attributes, in the objects that are open
	starts   []int    // where in keys those of each open object begin
}

// newDocument begins a document of that time.
func newDocument(r *redact.Redactor, buf []byte, t time.Time, kind string) document {
	t = t.UTC()
	d := document{redactor: r, b: buf[:0]}
	if y := t.Year(); y < 1970 || y > 2261 { // no time of Elasticsearch's date_nanos
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
		d.b = appendString(d.b, d.scrub(value))
	}
}

// scrub returns a text without what is secret in it, also where it will be cut at
// mostText.
func (d *document) scrub(s string) string {
	return d.redactor.Text(s[:min(len(s), mostText+mostSecret)])
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
	key = validKey(key)
	name := key
	for n := 2; slices.Contains(own, name); n++ {
		name = key + "_" + strconv.Itoa(n)
	}
	d.keys = append(d.keys, name)
	d.field(name)
	return true
}

// validKey returns the key as the document will have it, so that two of them are
// equal there if they are here: U+FFFD stands for what is not UTF-8 and for NUL,
// which flattened fields do not take; it is cut between runes and is not empty.
func validKey(key string) string {
	key = strings.ReplaceAll(strings.ToValidUTF8(key, "\uFFFD"), "\x00", "\uFFFD")
	if len(key) > mostKey {
		n := mostKey
		for !utf8.RuneStart(key[n]) {
			n--
		}
		key = key[:n]
	}
	return cmp.Or(key, "_")
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
	case group && !d.redactor.Secret(a.Key):
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
