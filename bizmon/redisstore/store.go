package redisstore

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/chronoretrace/chronomon/bizmon"
	"github.com/chronoretrace/chronomon/internal/sketch"
	"github.com/chronoretrace/chronomon/monitor"
)

// Store is a bizmon.SketchStore in Redis. It is safe for concurrent use.
type Store struct {
	client redis.UniversalClient
	prefix string
	tag    string // of this process, for keys that live for a moment
}

var _ bizmon.SketchStore = (*Store)(nil)

// Option configures a Store.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

type config struct{ prefix string }

// WithPrefix sets what all keys begin with, in braces. Sites that share a Redis
// have different ones. Default: "chronomon".
func WithPrefix(prefix string) Option { return optionFunc(func(c *config) { c.prefix = prefix }) }

// New returns a store that uses the host's client. It does no I/O.
func New(client redis.UniversalClient, opts ...Option) (*Store, error) {
	c := &config{prefix: "chronomon"}
	for _, o := range opts {
		if o != nil {
			o.apply(c)
		}
	}
	var errs []error
	if v := reflect.ValueOf(client); client == nil || v.Kind() == reflect.Pointer && v.IsNil() {
		errs = append(errs, fmt.Errorf("redisstore: %w: client = nil: want a client", monitor.ErrInvalidOption))
	}
	if c.prefix == "" || len(c.prefix) > 200 || strings.ContainsAny(c.prefix, "{}") {
		errs = append(errs, fmt.Errorf("redisstore: %w: WithPrefix = %q: want 1 to 200 bytes without braces", monitor.ErrInvalidOption, c.prefix))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Store{client: client, prefix: "{" + c.prefix + "}:", tag: rand.Text()}, nil
}

// keptFor is how long the note of the pseudonym key outlives the last process.
const keptFor = 40 * 24 * time.Hour

// Join implements bizmon.SketchStore.
func (s *Store) Join(ctx context.Context, fingerprint string) error {
	key := s.prefix + "key"
	if err := s.client.SetNX(ctx, key, fingerprint, keptFor).Err(); err != nil {
		return fmt.Errorf("redisstore: note the pseudonym key: %w", err)
	}
	kept, err := s.client.Get(ctx, key).Result()
	if err != nil {
		return fmt.Errorf("redisstore: read the pseudonym key's note: %w", err)
	}
	if kept != fingerprint {
		return fmt.Errorf("redisstore: %s: %w: use the same monitor.WithPseudonymKey, or another prefix", key, bizmon.ErrOtherKey)
	}
	if err := s.client.Expire(ctx, key, keptFor).Err(); err != nil {
		return fmt.Errorf("redisstore: keep the pseudonym key's note: %w", err)
	}
	return nil
}

// emptyStripe is the length of a stripe without registers, which need not be sent.
const emptyStripe = 18

// Merge implements bizmon.SketchStore: a transaction for each sketch.
func (s *Store) Merge(ctx context.Context, sketches []bizmon.StoredSketch) error {
	var failed failures
	for _, sk := range sketches {
		err := s.merge(ctx, sk)
		if err == nil {
			continue
		}
		failed.add(fmt.Errorf("redisstore: merge %s: %w", sk.Key, err))
		if answer := redis.Error(nil); !errors.As(err, &answer) {
			break // nor would it answer for the others
		}
	}
	return failed.err()
}

func (s *Store) merge(ctx context.Context, sk bizmon.StoredSketch) error {
	_, err := s.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		for stripe := range sketch.Stripes {
			data := sk.Sketch.AppendRedis(nil, stripe)
			if len(data) == emptyStripe {
				continue
			}
			key := s.stripe(sk.Key, stripe)
			temporary := s.prefix + "tmp:" + s.tag + ":" + strconv.Itoa(stripe)
			p.Set(ctx, temporary, data, time.Minute)
			p.PFMerge(ctx, key, temporary)
			p.ExpireAt(ctx, key, sk.Expires)
			p.Del(ctx, temporary)
		}
		return nil
	})
	return err
}

// failures is the first of some failures, and their number.
type failures struct {
	first error
	n     int
}

func (f *failures) add(err error) {
	f.first = cmp.Or(f.first, err)
	f.n++
}

func (f *failures) err() error {
	if f.n <= 1 {
		return f.first
	}
	return fmt.Errorf("%w, and %d more", f.first, f.n-1)
}

// atOnce is how many sketches one MGET asks for: 384 KiB at most.
const atOnce = 8

// Load implements bizmon.SketchStore. A key that holds no sketch counts as none,
// and is named in the error.
func (s *Store) Load(ctx context.Context, keys []string) ([]*bizmon.Sketch, error) {
	var failed failures
	out := make([]*bizmon.Sketch, 0, len(keys))
	for len(keys) > 0 {
		n := min(atOnce, len(keys))
		ask := make([]string, 0, n*sketch.Stripes)
		for _, key := range keys[:n] {
			for stripe := range sketch.Stripes {
				ask = append(ask, s.stripe(key, stripe))
			}
		}
		got, err := s.client.MGet(ctx, ask...).Result()
		if err != nil {
			return nil, fmt.Errorf("redisstore: load: %w", err)
		}
		for i := range n {
			sk, err := join(got[i*sketch.Stripes : (i+1)*sketch.Stripes])
			if err != nil {
				failed.add(fmt.Errorf("redisstore: load %s: %w", keys[i], err))
			}
			out = append(out, sk)
		}
		keys = keys[n:]
	}
	return out, failed.err()
}

// join makes a sketch of its stripes, nil if there are none.
func join(stripes []any) (*bizmon.Sketch, error) {
	var sk *bizmon.Sketch
	for i, v := range stripes {
		data, ok := v.(string)
		if !ok {
			continue
		}
		if sk == nil {
			sk = &bizmon.Sketch{}
		}
		if _, err := sk.MergeRedis(i, []byte(data)); err != nil {
			return nil, err
		}
	}
	return sk, nil
}

func (s *Store) stripe(key string, stripe int) string {
	return s.prefix + key + ":" + strconv.Itoa(stripe)
}
