package pgstore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chronoretrace/chronomon/internal/pgerror"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/lease"
	"github.com/chronoretrace/chronomon/monitor/lease/pglease"
)

// Pool is what a store needs of a pgxpool.Pool. It is the host's, which closes
// it after the store was used last.
type Pool interface {
	Begin(ctx context.Context) (pgx.Tx, error)
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

var (
	// ErrInvalid is returned for what a table does not take, such as a name that
	// is too long. It is not for trying again.
	ErrInvalid = errors.New("invalid value")
	// ErrNotFound is returned where one row is asked for that is not there.
	ErrNotFound = errors.New("not found")
)

// Store keeps things in PostgreSQL. It is safe for concurrent use.
type Store struct {
	m         *monitor.Monitor
	pool      Pool
	leases    *pglease.Store
	schema    string
	lease     string // "" if writes depend on none
	timeout   time.Duration
	retention Retention
	metrics   *metrics
	sql       *strings.Replacer
}

// New returns a store that uses the host's pool. It does no I/O: see
// [Store.Migrate].
func New(m *monitor.Monitor, pool Pool, opts ...Option) (*Store, error) {
	c, err := newConfig(opts)
	errs := []error{err}
	if m == nil {
		errs = append(errs, fmt.Errorf("pgstore: %w: monitor = nil: want a monitor", monitor.ErrInvalidOption))
	}
	if v := reflect.ValueOf(pool); pool == nil || v.Kind() == reflect.Pointer && v.IsNil() {
		errs = append(errs, fmt.Errorf("pgstore: %w: pool = nil: want a pool", monitor.ErrInvalidOption))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	s := &Store{m: m, pool: pool, schema: pgx.Identifier{c.schema}.Sanitize(), lease: c.lease, timeout: c.timeout, retention: c.retention}
	s.sql = s.replacer()
	name := c.lease
	if name == "" {
		name = "none" // for the table only
	}
	if s.leases, err = pglease.New(pool, name, pglease.WithSchema(c.schema)); err != nil {
		return nil, fmt.Errorf("pgstore: %w", err)
	}
	if s.metrics, err = newMetrics(m); err != nil {
		return nil, fmt.Errorf("pgstore: %w", err)
	}
	return s, nil
}

// replacer completes the text of statements. {term} is a row if the write may
// be done, and keeps it so until the statement ends: a takeover waits for it. So
// the statement waits for no lock longer than a term lasts, even if who asked is
// frozen and cannot end it, and no longer than the role may.
func (s *Store) replacer() *strings.Replacer {
	term := "term AS (SELECT 1 WHERE $1::text = '' AND $2::bigint = 0)"
	if s.lease != "" {
		term = "term AS (SELECT set_config('lock_timeout', (1000 * extract(epoch FROM " +
			"least(nullif(current_setting('lock_timeout')::interval, interval '0'), ttl)))::bigint::text, true) FROM " +
			s.schema + "." + pglease.Table + " WHERE name = $1::text AND epoch = $2::bigint AND expires_at > clock_timestamp() FOR KEY SHARE)"
	}
	return strings.NewReplacer("{schema}", s.schema, "{term}", term, "{now}", "(clock_timestamp() AT TIME ZONE 'UTC')")
}

// epoch returns the epoch that a write with that context is of.
func (s *Store) epoch(ctx context.Context) (int64, error) {
	if s.lease == "" {
		return 0, nil
	}
	term, ok := lease.FromContext(ctx)
	if !ok || term.Lease != s.lease {
		return 0, fmt.Errorf("the context is of no term of lease %q: %w", s.lease, lease.ErrLost)
	}
	return int64(term.Epoch), nil
}

// write does a statement that begins "WITH {term}", takes the arguments from $3
// on, and answers with the number of terms and what else is scanned.
func (s *Store) write(ctx context.Context, table, what, sql string, args, scan []any) error {
	return failed(what, s.do(ctx, table, sql, args, scan))
}

// do is write, whose error says what PostgreSQL does.
func (s *Store) do(ctx context.Context, table, sql string, args, scan []any) error {
	err := s.tryWrite(ctx, sql, args, scan)
	s.metrics.wrote(table, err)
	return err
}

func (s *Store) tryWrite(ctx context.Context, sql string, args, scan []any) error {
	epoch, err := s.epoch(ctx)
	if err != nil {
		return err
	}
	var terms int
	args = append([]any{s.lease, epoch}, args...)
	scan = append([]any{&terms}, scan...)
	err = s.retry(ctx, s.timeout, func(ctx context.Context) error {
		return s.pool.QueryRow(ctx, s.sql.Replace(sql), args...).Scan(scan...)
	})
	if err == nil && terms == 0 {
		return lease.ErrLost
	}
	return err
}

// retry calls f, with so much time, and does so again if that may help:
// everything that is written may be written twice.
func (s *Store) retry(ctx context.Context, timeout time.Duration, f func(context.Context) error) error {
	return pgerror.Retry(ctx, s.metrics.retried, func() error {
		bounded, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		return f(bounded)
	})
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// failed says what went wrong, and nothing that a value says.
func failed(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("pgstore: %s: %w", what, pgerror.Plain(err))
}

// collect returns the rows of a query that only reads, if its arguments are fine.
func collect[T any](ctx context.Context, s *Store, what string, c checker, sql string, args []any, scan func(pgx.CollectableRow) (T, error)) (out []T, err error) {
	if err := c.err(); err != nil {
		return nil, failed(what, err)
	}
	err = s.retry(ctx, s.timeout, func(ctx context.Context) error {
		rows, err := s.pool.Query(ctx, s.sql.Replace(sql), args...)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, scan)
		return err
	})
	return out, failed(what, err)
}

// stampLayout is how timestamps are written: UTC, and without a zone.
const stampLayout = "2006-01-02T15:04:05.000000"

// stamp writes a timestamp as the columns keep it, in whole microseconds; a zero
// one is no value.
func stamp(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.UTC().Format(stampLayout)
	return &s
}

// instant is a time to compare stamps with. It may be any: those that are kept
// are of the years from 1970 to 9999.
func instant(t time.Time) string {
	switch year := t.UTC().Year(); {
	case year < 1:
		return "-infinity"
	case year > 9999:
		return "infinity"
	}
	return t.UTC().Format(stampLayout)
}

// checker collects what is wrong with values, without showing them.
type checker []error

func (c *checker) text(column, value string, most int) {
	if n := utf8.RuneCountInString(value); n == 0 || n > most {
		*c = append(*c, fmt.Errorf("%w: %s has %d characters: want 1 to %d", ErrInvalid, column, n, most))
	}
}

// key is for texts by which a row is known, which are not to be changed: two
// would become one.
func (c *checker) key(column, value string, most int) {
	c.text(column, value, most)
	c.utf8(column, value)
}

func (c *checker) utf8(column, value string) {
	c.that(utf8.ValidString(value) && strings.IndexByte(value, 0) < 0, column, "UTF-8 without NUL")
}

func (c *checker) time(column string, t time.Time) {
	if year := t.UTC().Year(); year < 1970 || year > 9999 {
		*c = append(*c, fmt.Errorf("%w: %s is in the year %d: want 1970 to 9999", ErrInvalid, column, year))
	}
}

func (c *checker) that(ok bool, column, want string) {
	if !ok {
		*c = append(*c, fmt.Errorf("%w: %s: want %s", ErrInvalid, column, want))
	}
}

func (c *checker) json(column string, data json.RawMessage) {
	c.that(json.Valid(data), column, "JSON")
}

func (c *checker) err() error { return errors.Join(*c...) }

// document encodes what becomes a parameter: one text, in every way that pgx
// can send it. PostgreSQL's jsonb has no NUL, which is replaced as invalid
// UTF-8 is.
func document(v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	for at := 0; ; {
		i := bytes.IndexByte(b[at:], '\\')
		if i < 0 {
			return string(b), nil
		}
		at += i
		if bytes.HasPrefix(b[at:], []byte(`\u0000`)) {
			copy(b[at:], `\ufffd`)
		}
		at += 2
	}
}

// noNUL is for texts that are parameters of their own.
func noNUL(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\x00", "\ufffd")
}
