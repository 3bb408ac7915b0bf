package pglease

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chronoretrace/chronomon/internal/pgerror"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/lease"
)

// Pool is what a store needs of a pgxpool.Pool. It is the host's.
type Pool interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Table is the name of the table of leases.
const Table = "monitoring_leases"

// Store is a lease.Store in PostgreSQL. It is safe for concurrent use.
type Store struct {
	pool   Pool
	name   string
	schema string

	migrate, acquire, renew, release, check string
}

var _ lease.Store = (*Store)(nil)

// Option configures a Store.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

type config struct{ schema string }

// WithSchema sets the schema that the table is in, which is there already.
// Default: "public".
func WithSchema(name string) Option { return optionFunc(func(c *config) { c.schema = name }) }

// New returns the lease of that name, 1 to 100 bytes of UTF-8 without NUL. It uses the host's pool
// and does no I/O.
func New(pool Pool, name string, opts ...Option) (*Store, error) {
	c := &config{schema: "public"}
	for _, o := range opts {
		if o != nil {
			o.apply(c)
		}
	}
	var errs []error
	bad := func(option string, value any, want string) {
		errs = append(errs, fmt.Errorf("pglease: %w: %s = %v: want %s", monitor.ErrInvalidOption, option, value, want))
	}
	if v := reflect.ValueOf(pool); pool == nil || v.Kind() == reflect.Pointer && v.IsNil() {
		bad("pool", nil, "a pool")
	}
	storable := func(s string, most int) bool {
		return s != "" && len(s) <= most && utf8.ValidString(s) && strings.IndexByte(s, 0) < 0
	}
	if !storable(name, 100) {
		bad("name", strconv.Quote(name), "1 to 100 bytes, UTF-8 without NUL")
	}
	if !storable(c.schema, 63) {
		bad("WithSchema", strconv.Quote(c.schema), "1 to 63 bytes, UTF-8 without NUL")
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	s := &Store{pool: pool, name: name, schema: c.schema}
	table := pgx.Identifier{c.schema, Table}.Sanitize()
	for _, q := range []struct {
		to  *string
		sql string
	}{
		{&s.migrate, migrateSQL}, {&s.acquire, acquireSQL}, {&s.renew, renewSQL}, {&s.release, releaseSQL}, {&s.check, checkSQL},
	} {
		*q.to = strings.ReplaceAll(q.sql, "{table}", table)
	}
	return s, nil
}

// A lease that ends later than one and a half times from now was made before
// the clock was set back: nobody would have it otherwise, for as long as it was
// set. The lock of the migration ends with its transaction, which is this text.
const (
	migrateSQL = `
SELECT pg_advisory_xact_lock(7164773562915);
CREATE TABLE IF NOT EXISTS {table} (
	name text PRIMARY KEY,
	holder text NOT NULL,
	epoch bigint NOT NULL,
	ttl interval NOT NULL,
	expires_at timestamptz NOT NULL,
	UNIQUE (name, epoch)
)`

	acquireSQL = `
INSERT INTO {table} AS l (name, holder, epoch, ttl, expires_at)
SELECT $1::text, $2::text, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint, t.ttl, clock_timestamp() + t.ttl
FROM (SELECT $3::bigint * interval '1 millisecond' AS ttl) t
WHERE NOT EXISTS (
	SELECT FROM {table} o
	WHERE o.name = $1::text AND o.holder <> $2::text
	AND o.expires_at > clock_timestamp() AND o.expires_at <= clock_timestamp() + o.ttl * 1.5
)
ON CONFLICT (name) DO UPDATE
SET holder = excluded.holder, epoch = greatest(l.epoch + 1, excluded.epoch), ttl = excluded.ttl, expires_at = clock_timestamp() + excluded.ttl
WHERE l.holder = excluded.holder OR l.expires_at <= clock_timestamp() OR l.expires_at > clock_timestamp() + l.ttl * 1.5
RETURNING l.epoch`

	renewSQL = `
UPDATE {table} SET ttl = t.ttl, expires_at = clock_timestamp() + t.ttl
FROM (SELECT $4::bigint * interval '1 millisecond' AS ttl) t
WHERE name = $1::text AND holder = $2::text AND epoch = $3::bigint AND expires_at > clock_timestamp()`

	releaseSQL = `
UPDATE {table} SET expires_at = '-infinity'
WHERE name = $1::text AND holder = $2::text AND epoch = $3::bigint`

	checkSQL = `
SELECT count(*) FROM {table}
WHERE name = $1::text AND epoch = $2::bigint AND expires_at > clock_timestamp()`
)

// Migrate makes the table if it is not there. Any number of processes may call
// it at the same time. A server that is starting, or away, is tried again: four
// times within about a second.
func (s *Store) Migrate(ctx context.Context) error {
	err := pgerror.Retry(ctx, nil, func() error {
		// Without arguments the text is one simple query, and so one transaction.
		_, err := s.pool.Exec(ctx, s.migrate)
		return err
	})
	if err != nil {
		return fmt.Errorf("pglease: make the table: %w", pgerror.Plain(err))
	}
	return nil
}

// Name implements lease.Store.
func (s *Store) Name() string { return s.name }

// Acquire implements lease.Store.
func (s *Store) Acquire(ctx context.Context, holder string, ttl time.Duration) (epoch uint64, err error) {
	ask := func() error {
		return s.pool.QueryRow(ctx, s.acquire, s.name, holder, ttl.Milliseconds()).Scan(&epoch)
	}
	err = ask()
	if undefinedTable(err) {
		if err := s.Migrate(ctx); err != nil {
			return 0, err
		}
		err = ask()
	}
	// Of those who insert the first row at the same time one may run into the other
	// key's index, which ON CONFLICT does not look at. Then the row is there.
	if pgerror.Code(err) == "23505" {
		err = ask()
	}
	if errors.Is(err, pgx.ErrNoRows) {
		err = lease.ErrHeld
	}
	if err != nil {
		return 0, s.failed("acquire", err)
	}
	return epoch, nil
}

// Renew implements lease.Store.
func (s *Store) Renew(ctx context.Context, holder string, epoch uint64, ttl time.Duration) error {
	tag, err := s.pool.Exec(ctx, s.renew, s.name, holder, int64(epoch), ttl.Milliseconds())
	if err == nil && tag.RowsAffected() == 0 {
		err = lease.ErrLost
	}
	if err != nil {
		return s.failed("renew", err)
	}
	return nil
}

// Release implements lease.Store.
func (s *Store) Release(ctx context.Context, holder string, epoch uint64) error {
	_, err := s.pool.Exec(ctx, s.release, s.name, holder, int64(epoch))
	if err != nil && !undefinedTable(err) {
		return s.failed("release", err)
	}
	return nil
}

// Check implements lease.Store.
func (s *Store) Check(ctx context.Context, epoch uint64) error {
	var n int
	err := s.pool.QueryRow(ctx, s.check, s.name, int64(epoch)).Scan(&n)
	if err == nil && n == 0 || undefinedTable(err) {
		err = lease.ErrLost
	}
	if err != nil {
		return s.failed("check", err)
	}
	return nil
}

func undefinedTable(err error) bool { return pgerror.Code(err) == "42P01" }

func (s *Store) failed(what string, err error) error {
	return fmt.Errorf("pglease: %s %q: %w", what, s.name, pgerror.Plain(err))
}
