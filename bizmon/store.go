package bizmon

import (
	"context"
	"errors"
	"time"

	"github.com/chronoretrace/chronomon/internal/sketch"
)

// Sketch summarises a set of users in at most 64 KiB: how many there are, to
// within [StandardError], and nothing about who they are. Its Merge is exactly
// the sketch of the union, in any order and any number of times; AppendBinary and
// UnmarshalBinary write and read it.
type Sketch = sketch.HyperLogLog

// StandardError is the standard error of a number of active users, relative: 95
// of 100 estimates are within twice that, 0.8 %.
const StandardError = sketch.StandardError

// ErrOtherKey is what a [SketchStore] returns if what it holds was made under
// another [monitor.WithPseudonymKey]: merged, each user would count several times.
var ErrOtherKey = errors.New("the sketches were made under another pseudonym key")

// A StoredSketch is the users of one slot of time.
type StoredSketch struct {
	Key     string    // lower-case letters, digits, "/": the same in all processes
	Sketch  *Sketch   // the store must not change it
	Expires time.Time // it may go after that
}

// A SketchStore keeps sketches for a fleet. One goroutine of each process calls
// it; it may block until ctx is done. An error is counted, logged once, and
// answered by trying again later with all that is missing. bizmon/redisstore is
// one; bizmon/bizmontest tests others.
type SketchStore interface {
	// Join says under which key the caller's sketches are made. Every exchange
	// begins with it. The first caller decides, for as long as anybody comes back;
	// for others with a different fingerprint it returns ErrOtherKey.
	Join(ctx context.Context, fingerprint string) error

	// Merge merges each sketch into the one kept under its key, atomically for
	// each: what others merge meanwhile is not lost. It may be given what it
	// has already. One that cannot be merged does not keep others from it.
	Merge(ctx context.Context, sketches []StoredSketch) error

	// Load returns the sketch kept under each of the keys, nil where there is
	// none. The result is the caller's. Where only some can be read it returns
	// those, as many entries as keys, and an error for the rest.
	Load(ctx context.Context, keys []string) ([]*Sketch, error)
}
