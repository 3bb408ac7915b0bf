package evidence

import (
	"bytes"
	"encoding/json"
	"io"
	"unicode/utf8"

	"github.com/chronoretrace/chronomon/internal/redact"
)

// longest is how many bytes a name or an error may have in a bundle.
const longest = 1000

// clip is a text of no more than that, up to the end of a character.
func clip(s string) string {
	if len(s) <= longest {
		return s
	}
	n := longest
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// writeClean writes a value as JSON without the secrets that are in it.
func (r *Recorder) writeClean(w io.Writer, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber() // digits stay what they are
	var plain any
	if err := d.Decode(&plain); err != nil {
		return err
	}
	return writeJSON(w, r.clean(plain))
}

// clean replaces secrets: the values of what is secret by its name, and what looks
// like one within a text.
func (r *Recorder) clean(v any) any {
	switch v := v.(type) {
	case string:
		return r.secrets.Text(v)
	case []any:
		for i := range v {
			v[i] = r.clean(v[i])
		}
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, value := range v {
			if r.secrets.Secret(key) && value != nil {
				value = redact.Mark
			}
			out[r.secrets.Text(key)] = r.clean(value)
		}
		return out
	}
	return v
}
