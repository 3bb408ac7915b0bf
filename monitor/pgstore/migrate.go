package pgstore

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chronoretrace/chronomon/internal/pgerror"
)

//go:embed migrations/*.sql
var files embed.FS

// migration is one step of the schema.
type migration struct {
	version int
	name    string
	sql     string
}

// migrations lists the steps: files are numbered from 1 on.
func migrations() ([]migration, error) {
	names, err := fs.Glob(files, "migrations/*.sql") // in ascending order
	if err != nil {
		return nil, err
	}
	var out []migration
	for i, path := range names {
		sql, err := files.ReadFile(path)
		if err != nil {
			return nil, err
		}
		number, name, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(path, "migrations/"), ".sql"), "_")
		version, err := strconv.Atoi(number)
		if err != nil || version != i+1 {
			return nil, fmt.Errorf("%s: want number %d", path, i+1)
		}
		out = append(out, migration{version, name, string(sql)})
	}
	return out, nil
}

// migrationTimeout bounds a migration, with the waiting for others: indexes of
// tables that are there already may take their time.
const migrationTimeout = 10 * time.Minute

// migrationLock is the advisory lock of those who migrate. It ends with the
// transaction.
const migrationLock = 7164773562916

// Migrate brings the tables to this release's form, in one transaction: all of
// it or nothing. Any number of processes may call it at the same time. Tables of
// the design that are there already are kept; if they have rows that are there
// twice the error says so (SQLSTATE 23505). A schema of a later release is left
// as it is. A server that is starting is tried again, as for writes. What the
// role's timeouts are does not matter: ctx bounds it, and ten minutes.
func (s *Store) Migrate(ctx context.Context) error {
	steps, err := migrations()
	if err == nil {
		err = s.leases.Migrate(ctx)
	}
	if err == nil {
		err = s.retry(ctx, migrationTimeout, func(ctx context.Context) error { return s.migrate(ctx, steps) })
	}
	return failed("migrate", err)
}

func (s *Store) migrate(ctx context.Context, steps []migration) (err error) {
	tx, err := s.pool.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			rollback, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.timeout)
			defer cancel()
			_ = tx.Rollback(rollback) // the error is why
		}
	}()
	begin := fmt.Sprintf(`
SELECT set_config(name, '0', true) FROM pg_settings WHERE name IN ('statement_timeout', 'lock_timeout', 'transaction_timeout');
SET LOCAL idle_in_transaction_session_timeout = '1min';
SELECT pg_advisory_xact_lock(%d);
CREATE TABLE IF NOT EXISTS {schema}.monitoring_migrations (
	version INTEGER PRIMARY KEY,
	name TEXT NOT NULL,
	applied_at TIMESTAMP NOT NULL
)`, migrationLock)
	if _, err := tx.Exec(ctx, s.sql.Replace(begin)); err != nil {
		return err
	}
	var at int
	err = tx.QueryRow(ctx, s.sql.Replace("SELECT coalesce(max(version), 0) FROM {schema}.monitoring_migrations")).Scan(&at)
	if err != nil {
		return err
	}
	for _, step := range steps {
		if step.version <= at {
			continue
		}
		if err := s.step(ctx, tx, step); err != nil {
			return fmt.Errorf("step %d, %s: %w", step.version, step.name, pgerror.Plain(err))
		}
	}
	return tx.Commit(ctx)
}

func (s *Store) step(ctx context.Context, tx pgx.Tx, step migration) error {
	// Without arguments all statements of the text are one query.
	_, err := tx.Exec(ctx, s.sql.Replace(step.sql))
	if err != nil {
		return err
	}
	tag, err := tx.Exec(ctx, s.sql.Replace(
		"INSERT INTO {schema}.monitoring_migrations (version, name, applied_at) VALUES ($1::integer, $2::text, {now})"),
		step.version, step.name)
	if err == nil && tag.RowsAffected() != 1 {
		err = errors.New("it could not be noted")
	}
	return err
}
