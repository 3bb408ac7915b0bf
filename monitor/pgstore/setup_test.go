package pgstore_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chronoretrace/chronomon/internal/testenv/pgtest"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/pgstore"
)

// TestMain is also a process of TestMigrateTogether.
func TestMain(m *testing.M) {
	if dsn := os.Getenv("CHRONOMON_TEST_MIGRATE"); dsn != "" {
		if err := migrateOnce(dsn, os.Getenv("CHRONOMON_TEST_SCHEMA")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// fixture is a store with tables of its own.
type fixture struct {
	*pgstore.Store
	m      *monitor.Monitor
	pool   *pgxpool.Pool
	schema string
}

func newMonitor(t testing.TB) *monitor.Monitor {
	t.Helper()
	m, err := monitor.New(monitor.WithLogger(slog.New(slog.DiscardHandler)))
	require.NoError(t, err)
	return m
}

// database is a server, or a pooler in front of one.
type database interface{ DSN() string }

// open returns a store in a new schema of the database.
func open(t testing.TB, db database, mode pgx.QueryExecMode, opts ...pgstore.Option) *fixture {
	t.Helper()
	f := &fixture{m: newMonitor(t), pool: pgtest.Connect(t, db.DSN(), mode), schema: strings.ReplaceAll(t.Name(), "/", " ")}
	f.schema = f.schema[max(0, len(f.schema)-60):]
	_, err := f.pool.Exec(t.Context(), "CREATE SCHEMA "+pgx.Identifier{f.schema}.Sanitize())
	require.NoError(t, err)
	f.Store = f.another(t, opts...)
	require.NoError(t, f.Migrate(t.Context()))
	return f
}

// another returns a store on the same tables.
func (f *fixture) another(t testing.TB, opts ...pgstore.Option) *pgstore.Store {
	t.Helper()
	s, err := pgstore.New(f.m, f.pool, append([]pgstore.Option{pgstore.WithSchema(f.schema)}, opts...)...)
	require.NoError(t, err)
	return s
}

// table is a table's name in full.
func (f *fixture) table(name string) string { return pgx.Identifier{f.schema, name}.Sanitize() }

// count returns how many rows there are.
func (f *fixture) count(t testing.TB, from string) (n int) {
	t.Helper()
	require.NoError(t, f.pool.QueryRow(t.Context(), "SELECT count(*) FROM "+from).Scan(&n))
	return n
}

func (f *fixture) exposition() string {
	w := httptest.NewRecorder()
	f.m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	return w.Body.String()
}

// t0 is a time that is not UTC's, and finer than PostgreSQL's.
var t0 = time.Date(2026, 3, 2, 9, 30, 0, 123456789, time.FixedZone("CST", 8*3600))

func migrateOnce(dsn, schema string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	pool, err := pgxpool.New(ctx, dsn)
	if err != nil {
		return err
	}
	defer pool.Close()
	m, err := monitor.New()
	if err != nil {
		return err
	}
	s, err := pgstore.New(m, pool, pgstore.WithSchema(schema))
	if err != nil {
		return err
	}
	return s.Migrate(ctx)
}
