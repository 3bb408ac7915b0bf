package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Keyed is state by key that outlives the process. It has only basic types, so
// that an engine declares the part that it needs; [Store] is one on disk,
// pgstore has one in PostgreSQL. It is safe for concurrent use.
type Keyed interface {
	// Write makes the changes, all of them or none, and returns when they are
	// durable; a nil value deletes its key. After an error that wraps ErrInvalid
	// or ErrFull they were not made; after any other it is not known. The map and
	// its values stay the caller's.
	Write(ctx context.Context, changes map[string][]byte) error
	// Range calls f for the keys that begin with prefix, in ascending order. The
	// value is f's to keep. An error of f ends it and is returned.
	Range(ctx context.Context, prefix string, f func(key string, value []byte) error) error
}

// What a Keyed takes.
const (
	MaxKey    = 512     // bytes of a key, which is UTF-8 without NUL and not empty
	MaxValue  = 1 << 20 // bytes of a value
	MaxWrite  = 8 << 20 // bytes of the keys and values of one write
	MaxChange = 10_000  // keys of one write
	overhead  = 64      // what a key costs beyond its bytes, roughly
)

var (
	// ErrInvalid is returned for a change that no Keyed takes.
	ErrInvalid = errors.New("invalid change")
	// ErrFull is returned if the state would outgrow its bound.
	ErrFull = errors.New("the state is full")
)

// Validate returns an error that wraps [ErrInvalid] if the changes are not what
// a Keyed takes. It does not show values.
func Validate(changes map[string][]byte) error {
	if len(changes) > MaxChange {
		return fmt.Errorf("%w: %d keys: want %d at most", ErrInvalid, len(changes), MaxChange)
	}
	size := 0
	for key, value := range changes {
		if err := (change{key, value}).validate(); err != nil {
			return err
		}
		size += len(key) + len(value)
	}
	if size > MaxWrite {
		return fmt.Errorf("%w: %d bytes in one write: want %d at most", ErrInvalid, size, MaxWrite)
	}
	return nil
}

func (c change) validate() error {
	switch {
	case c.key == "" || len(c.key) > MaxKey:
		return fmt.Errorf("%w: a key of %d bytes: want 1 to %d", ErrInvalid, len(c.key), MaxKey)
	case !utf8.ValidString(c.key) || strings.IndexByte(c.key, 0) >= 0:
		return fmt.Errorf("%w: key %q: want UTF-8 without NUL", ErrInvalid, c.key)
	case len(c.value) > MaxValue:
		return fmt.Errorf("%w: key %q: a value of %d bytes: want %d at most", ErrInvalid, c.key, len(c.value), MaxValue)
	}
	return nil
}

// PutJSON writes v, as JSON, under the key.
func PutJSON(ctx context.Context, k Keyed, key string, v any) error {
	value, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("journal: put %q: %w", key, err)
	}
	return k.Write(ctx, map[string][]byte{key: value})
}

// Delete deletes the keys; those that are not there are passed over.
func Delete(ctx context.Context, k Keyed, keys ...string) error {
	changes := make(map[string][]byte, len(keys))
	for _, key := range keys {
		changes[key] = nil
	}
	return k.Write(ctx, changes)
}

// LoadJSON returns what is under the keys that begin with prefix. Values that
// do not decode are left out and named in the error; the others are returned
// all the same.
func LoadJSON[T any](ctx context.Context, k Keyed, prefix string) (map[string]T, error) {
	out := map[string]T{}
	var bad []error
	err := k.Range(ctx, prefix, func(key string, value []byte) error {
		var v T
		if err := json.Unmarshal(value, &v); err != nil {
			bad = append(bad, fmt.Errorf("journal: load %q: %w", key, err))
			return nil
		}
		out[key] = v
		return nil
	})
	return out, errors.Join(append(bad, err)...)
}
