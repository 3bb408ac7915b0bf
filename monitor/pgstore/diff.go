package pgstore

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Change is one difference between two JSON documents.
type Change struct {
	Path          string          // JSON pointer (RFC 6901): "/alerting/rules/0/for"; "" is the whole
	Before, After json.RawMessage // nil where it is not there
}

// Diff returns what has to change in one document to make it the other, in the
// order of the paths. Objects are compared key by key and arrays element by
// element; numbers are compared as they are written.
func Diff(before, after json.RawMessage) ([]Change, error) {
	a, err := parse(before)
	if err != nil {
		return nil, failed("compare", err)
	}
	b, err := parse(after)
	if err != nil {
		return nil, failed("compare", err)
	}
	return diff(nil, "", a, b), nil
}

func parse(data json.RawMessage) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("%w: not JSON", ErrInvalid)
	}
	return v, nil
}

// absent is what is not there, unlike null.
type absent struct{}

func diff(out []Change, path string, a, b any) []Change {
	switch x := a.(type) {
	case map[string]any:
		if y, ok := b.(map[string]any); ok {
			keys := map[string]bool{}
			for k := range x {
				keys[k] = true
			}
			for k := range y {
				keys[k] = true
			}
			for _, k := range slices.Sorted(maps.Keys(keys)) {
				out = diff(out, path+"/"+escape.Replace(k), member(x, k), member(y, k))
			}
			return out
		}
	case []any:
		if y, ok := b.([]any); ok {
			for i := range max(len(x), len(y)) {
				out = diff(out, path+"/"+strconv.Itoa(i), element(x, i), element(y, i))
			}
			return out
		}
	}
	before, after := raw(a), raw(b)
	if !bytes.Equal(before, after) {
		out = append(out, Change{path, before, after})
	}
	return out
}

var escape = strings.NewReplacer("~", "~0", "/", "~1")

func member(m map[string]any, key string) any {
	if v, ok := m[key]; ok {
		return v
	}
	return absent{}
}

func element(s []any, i int) any {
	if i < len(s) {
		return s[i]
	}
	return absent{}
}

// raw encodes what was decoded, nil for what is not there.
func raw(v any) json.RawMessage {
	if v == (absent{}) {
		return nil
	}
	b, _ := json.Marshal(v) // it was decoded from JSON
	return b
}
