package elastic

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"time"

	"github.com/chronoretrace/chronomon/internal/redact"
)

// value adds the value of an attribute of that name. Numbers that JSON has no
// words for are texts, durations are seconds.
func (d *document) value(key string, v slog.Value) {
	if d.redactor.Secret(key) {
		d.b = appendString(d.b, redact.Mark)
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
		d.b = appendString(d.b, d.scrub(v.String()))
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
		d.b = appendString(d.b, d.scrub(v.Error()))
	case encoding.TextMarshaler:
		text, err := v.MarshalText()
		if err != nil {
			text = []byte(err.Error())
		}
		d.b = appendString(d.b, d.scrub(string(text)))
	default:
		d.marshalled(v)
	}
}

// marshalled adds what a value marshals itself to, with what is secret in it
// replaced.
func (d *document) marshalled(v any) {
	data, err := json.Marshal(v)
	if err != nil || len(data) > mostText {
		d.b = appendString(d.b, d.scrub(fmt.Sprintf("%T", v)))
		return
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	d.decoded(dec, 0)
}

// decoded adds the value that comes next, which json.Marshal wrote. Its objects
// are treated as groups are.
func (d *document) decoded(dec *json.Decoder, depth int) {
	token, _ := dec.Token()
	switch v := token.(type) {
	case json.Delim:
		switch {
		case depth >= mostDepth:
			skip(dec)
			d.b = appendString(d.b, tooDeep)
		case v == '{':
			d.object(dec, depth)
		default:
			d.list(dec, depth)
		}
		_, _ = dec.Token() // the end of it
	case json.Number:
		d.b = append(d.b, v...)
	case string:
		d.b = appendString(d.b, d.scrub(v))
	case bool:
		d.b = strconv.AppendBool(d.b, v)
	default:
		d.b = append(d.b, "null"...)
	}
}

func (d *document) object(dec *json.Decoder, depth int) {
	d.open()
	for dec.More() {
		token, _ := dec.Token()
		key, _ := token.(string)
		var secret json.RawMessage
		switch {
		case !d.key(key):
			_ = dec.Decode(&secret) // there is no room for it
		case d.redactor.Secret(key):
			_ = dec.Decode(&secret)
			d.b = appendString(d.b, redact.Mark)
		default:
			d.decoded(dec, depth+1)
		}
	}
	d.close()
}

func (d *document) list(dec *json.Decoder, depth int) {
	d.b = append(d.b, '[')
	for n := 0; dec.More(); n++ {
		if n > 0 {
			d.b = append(d.b, ',')
		}
		d.decoded(dec, depth+1)
	}
	d.b = append(d.b, ']')
}

// skip leaves out the rest of an object or a list.
func skip(dec *json.Decoder) {
	for dec.More() {
		if token, err := dec.Token(); err != nil {
			return
		} else if _, opens := token.(json.Delim); opens {
			skip(dec)
			_, _ = dec.Token()
		}
	}
}
