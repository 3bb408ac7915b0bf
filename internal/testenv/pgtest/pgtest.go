// Package pgtest connects tests to PostgreSQL, in each of the ways that a host
// may have chosen.
package pgtest

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Modes are the ways in which pgx can send a query. PooledModes are those for
// which each statement may go to another session, as behind a pooler.
var (
	Modes = []pgx.QueryExecMode{
		pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec,
		pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
	}
	PooledModes = []pgx.QueryExecMode{pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol}
)

// Connect returns a pool of ten connections at most, which is closed when the
// test ends. None is made yet.
func Connect(t testing.TB, dsn string, mode pgx.QueryExecMode) *pgxpool.Pool {
	t.Helper()
	c, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	c.ConnConfig.DefaultQueryExecMode = mode
	c.MaxConns = 10
	pool, err := pgxpool.NewWithConfig(t.Context(), c)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(pool.Close)
	return pool
}
