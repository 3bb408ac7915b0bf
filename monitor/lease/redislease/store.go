package redislease

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/redis/go-redis/v9"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/lease"
)

// Store is a lease.Store in Redis. It is safe for concurrent use.
type Store struct {
	client redis.UniversalClient
	name   string
	key    []string
}

var _ lease.Store = (*Store)(nil)

// Option configures a Store.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

type config struct{ prefix string }

// WithPrefix sets what the key begins with. Sites that share a Redis have
// different ones. Default: "chronomon:lease:".
func WithPrefix(prefix string) Option { return optionFunc(func(c *config) { c.prefix = prefix }) }

// New returns the lease of that name, 1 to 100 bytes of UTF-8 without NUL. It uses the host's client
// and does no I/O. A client with ContextTimeoutEnabled keeps the deadlines of the
// elector; any other one its own timeouts.
func New(client redis.UniversalClient, name string, opts ...Option) (*Store, error) {
	c := &config{prefix: "chronomon:lease:"}
	for _, o := range opts {
		if o != nil {
			o.apply(c)
		}
	}
	var errs []error
	bad := func(option string, value any, want string) {
		errs = append(errs, fmt.Errorf("redislease: %w: %s = %v: want %s", monitor.ErrInvalidOption, option, value, want))
	}
	if v := reflect.ValueOf(client); client == nil || v.Kind() == reflect.Pointer && v.IsNil() {
		bad("client", nil, "a client")
	}
	if name == "" || len(name) > 100 || !utf8.ValidString(name) || strings.IndexByte(name, 0) >= 0 {
		bad("name", strconv.Quote(name), "1 to 100 bytes, UTF-8 without NUL")
	}
	if c.prefix == "" || len(c.prefix) > 200 {
		bad("WithPrefix", strconv.Quote(c.prefix), "1 to 200 bytes")
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Store{client: client, name: name, key: []string{c.prefix + name}}, nil
}

// now is the time of Redis in milliseconds, and what the key holds. A lease that
// ends later than one and a half times from now was made before the clock was
// set back: nobody would have it otherwise, for as long as it was set.
const now = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local h = redis.call('HMGET', KEYS[1], 'holder', 'epoch', 'until', 'ttl')
local epoch, till, ttl = tonumber(h[2] or 0), tonumber(h[3] or 0), tonumber(h[4] or 0)
`

var (
	acquire = redis.NewScript(now + `
if h[1] ~= ARGV[1] and now < till and till <= now + ttl * 1.5 then return '0' end
epoch = string.format('%.0f', math.max(epoch + 1, now))
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'epoch', epoch, 'until', string.format('%.0f', now + ARGV[2]), 'ttl', ARGV[2])
return epoch`)

	renew = redis.NewScript(now + `
if h[1] ~= ARGV[1] or epoch ~= tonumber(ARGV[2]) or now >= till then return 0 end
redis.call('HSET', KEYS[1], 'until', string.format('%.0f', now + ARGV[3]), 'ttl', ARGV[3])
return 1`)

	release = redis.NewScript(now + `
if h[1] == ARGV[1] and epoch == tonumber(ARGV[2]) then redis.call('HSET', KEYS[1], 'until', '0') end
return 1`)

	check = redis.NewScript(now + `
if epoch == tonumber(ARGV[1]) and now < till then return 1 end
return 0`)
)

// Name implements lease.Store.
func (s *Store) Name() string { return s.name }

// Acquire implements lease.Store.
func (s *Store) Acquire(ctx context.Context, holder string, ttl time.Duration) (epoch uint64, err error) {
	text, err := acquire.Run(ctx, s.client, s.key, holder, ttl.Milliseconds()).Text()
	if err != nil {
		return 0, s.failed("acquire", err)
	}
	if epoch, err = strconv.ParseUint(text, 10, 64); err != nil {
		return 0, s.failed("acquire", err)
	}
	if epoch == 0 {
		return 0, s.failed("acquire", lease.ErrHeld)
	}
	return epoch, nil
}

// Renew implements lease.Store.
func (s *Store) Renew(ctx context.Context, holder string, epoch uint64, ttl time.Duration) error {
	return s.ask(ctx, "renew", renew, holder, epoch, ttl.Milliseconds())
}

// Release implements lease.Store.
func (s *Store) Release(ctx context.Context, holder string, epoch uint64) error {
	return s.ask(ctx, "release", release, holder, epoch)
}

// Check implements lease.Store.
func (s *Store) Check(ctx context.Context, epoch uint64) error {
	return s.ask(ctx, "check", check, epoch)
}

// ask runs a script that answers whether the term lasts.
func (s *Store) ask(ctx context.Context, what string, script *redis.Script, args ...any) error {
	lasts, err := script.Run(ctx, s.client, s.key, args...).Bool()
	if err == nil && !lasts {
		err = lease.ErrLost
	}
	if err != nil {
		return s.failed(what, err)
	}
	return nil
}

func (s *Store) failed(what string, err error) error {
	return fmt.Errorf("redislease: %s %q: %w", what, s.name, err)
}
