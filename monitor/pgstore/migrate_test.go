package pgstore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/testenv"
	"github.com/chronoretrace/chronomon/internal/testenv/pgtest"
	"github.com/chronoretrace/chronomon/monitor/pgstore"
)

// design is Section 5.3.
const design = `
CREATE TABLE monitoring_configs (
    id SERIAL PRIMARY KEY,
    config_name VARCHAR(100) NOT NULL,
    config_type VARCHAR(50) NOT NULL,
    config_data JSONB NOT NULL,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE alert_history (
    id SERIAL PRIMARY KEY,
    alert_id VARCHAR(100) NOT NULL,
    alert_name VARCHAR(200) NOT NULL,
    severity VARCHAR(20) NOT NULL,
    status VARCHAR(20) NOT NULL,
    started_at TIMESTAMP NOT NULL,
    resolved_at TIMESTAMP,
    duration_seconds INTEGER,
    affected_services TEXT[],
    recovery_actions JSONB,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE anomaly_detections (
    id SERIAL PRIMARY KEY,
    metric_name VARCHAR(100) NOT NULL,
    detection_method VARCHAR(50) NOT NULL,
    anomaly_score FLOAT NOT NULL,
    threshold FLOAT NOT NULL,
    detected_at TIMESTAMP NOT NULL,
    context_data JSONB,
    is_confirmed BOOLEAN DEFAULT FALSE,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE capacity_plans (
    id SERIAL PRIMARY KEY,
    resource_type VARCHAR(50) NOT NULL,
    current_usage JSONB NOT NULL,
    predicted_usage JSONB NOT NULL,
    recommendations JSONB NOT NULL,
    forecast_period VARCHAR(20) NOT NULL,
    confidence_score FLOAT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);`

// columns describes the design's tables in a schema, as PostgreSQL sees them.
func columns(t *testing.T, f *fixture, schema string) (out []string) {
	t.Helper()
	rows, err := f.pool.Query(t.Context(), `
SELECT table_name || '.' || ordinal_position || ' ' || column_name || ' ' || data_type || ' ' || udt_name || ' ' ||
	coalesce(character_maximum_length::text, '-') || ' ' || is_nullable || ' ' ||
	coalesce(regexp_replace(column_default, 'nextval\(.*', 'serial'), '-')
FROM information_schema.columns
WHERE table_schema = $1 AND table_name IN ('monitoring_configs', 'alert_history', 'anomaly_detections', 'capacity_plans')
ORDER BY table_name, ordinal_position`, schema)
	require.NoError(t, err)
	out, err = pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return out
}

// TestStore shares a server whose time zone is the host's.
func TestStore(t *testing.T) {
	t.Parallel()
	server := testenv.Postgres(t, "timezone=Asia/Shanghai")
	for name, test := range map[string]func(*testing.T, *testenv.PostgresServer){
		"Design": testDesign, "Adopted": testAdopted, "Twice": testAdoptedTwice, "MigrateTogether": testMigrateTogether, "MigrateStarting": testMigrateStarting,
		"MigrateTimeouts": testMigrateTimeouts, "Rejected": testRejected, "Apart": testApart, "Series": testSeries, "Big": testBig, "Queries": testQueries, "Locked": testLocked,
		"Widths": testWidths, "Limits": testLimits, "Kept": testKept, "Pieces": testPieces, "Off": testOff, "Meanwhile": testMeanwhile, "Order": testOrder,
		"Later": testLaterSchema, "Modes": testModes, "Pooler": testPooler, "ConfigRace": testConfigRace,
		"Prune": testPrune, "Invalid": testInvalid, "Errors": testErrors, "Full": testFull, "Pages": testPages, "Run": testRun,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, server)
		})
	}
}

// testDesign: the tables are the design's, letter for letter.
func testDesign(t *testing.T, server *testenv.PostgresServer) {
	t.Helper()
	f := open(t, server, pgx.QueryExecModeCacheStatement)
	_, err := f.pool.Exec(t.Context(), `CREATE SCHEMA letter; SET search_path = letter; `+design+`; RESET search_path`)
	require.NoError(t, err)
	want := columns(t, f, "letter")
	require.Len(t, want, 6+11+9+8)
	require.Equal(t, want, columns(t, f, f.schema))
	require.NoError(t, f.Migrate(t.Context()), "again")
	require.Equal(t, 3, f.count(t, f.table("monitoring_migrations")))
}

// testAdopted: a host that made the tables itself keeps its rows, and its
// configurations have a first version.
func testAdopted(t *testing.T, server *testenv.PostgresServer) {
	t.Helper()
	pool := pgtest.Connect(t, server.DSN(), pgx.QueryExecModeSimpleProtocol)
	_, err := pool.Exec(t.Context(), `CREATE SCHEMA adopted; SET search_path = adopted; `+design+`
INSERT INTO alert_history (alert_id, alert_name, severity, status, started_at) VALUES ('1', 'Old', 'info', 'firing', '2020-01-01');
INSERT INTO anomaly_detections (metric_name, detection_method, anomaly_score, threshold, detected_at, context_data)
	VALUES ('m', 'sigma', 3, 2, '2020-01-01', '[1]');
INSERT INTO monitoring_configs (config_name, config_type, config_data) VALUES ('main', 'rules', '{"a": 1}'); RESET search_path`)
	require.NoError(t, err)
	s, err := pgstore.New(newMonitor(t), pool, pgstore.WithSchema("adopted"))
	require.NoError(t, err)
	require.NoError(t, s.Migrate(t.Context()))
	alerts, err := s.Alerts(t.Context(), pgstore.AlertQuery{})
	require.NoError(t, err)
	require.Len(t, alerts, 1)
	require.Equal(t, "Old", alerts[0].Name)
	anomalies, err := s.Anomalies(t.Context(), pgstore.AnomalyQuery{})
	require.NoError(t, err)
	require.Len(t, anomalies, 1)
	version, err := s.SaveConfig(t.Context(), pgstore.Config{Type: "rules", Name: "main", Data: json.RawMessage(`{"a": 2}`)}, 1)
	require.NoError(t, err)
	require.Equal(t, 2, version)
	first, err := s.Config(t.Context(), "rules", "main", 1)
	require.NoError(t, err)
	require.JSONEq(t, `{"a": 1}`, string(first.Data))
}

// testAdoptedTwice: rows that are there twice are an error that says what is
// wrong, and nothing is half done.
func testAdoptedTwice(t *testing.T, server *testenv.PostgresServer) {
	t.Helper()
	pool := pgtest.Connect(t, server.DSN(), pgx.QueryExecModeExec)
	_, err := pool.Exec(t.Context(), `CREATE SCHEMA twice; SET search_path = twice; `+design+`
INSERT INTO alert_history (alert_id, alert_name, severity, status, started_at)
	SELECT 'secret', 'Old', 'info', 'firing', '2020-01-01' FROM generate_series(1, 2); RESET search_path`)
	require.NoError(t, err)
	s, err := pgstore.New(newMonitor(t), pool, pgstore.WithSchema("twice"))
	require.NoError(t, err)
	require.EqualError(t, s.Migrate(t.Context()), "pgstore: migrate: step 1, tables: SQLSTATE 23505: a row is there already")
	_, err = pool.Exec(t.Context(), "DELETE FROM twice.alert_history WHERE id = 1")
	require.NoError(t, err)
	require.NoError(t, s.Migrate(t.Context()))
}

func testMigrateTogether(t *testing.T, server *testenv.PostgresServer) {
	t.Helper()
	migrateTogether(t, server, "together", pgtest.Modes)
}

// migrateTogether starts eight processes, and eight goroutines of this one, at
// the same time.
func migrateTogether(t *testing.T, db database, schema string, modes []pgx.QueryExecMode) {
	t.Helper()
	pool := pgtest.Connect(t, db.DSN(), pgx.QueryExecModeExec)
	_, err := pool.Exec(t.Context(), "CREATE SCHEMA "+schema)
	require.NoError(t, err)
	exe, err := os.Executable()
	require.NoError(t, err)
	errs := make([]error, 16)
	var all sync.WaitGroup
	for i := range 8 {
		mode := modes[i%len(modes)]
		all.Go(func() {
			cmd := exec.CommandContext(t.Context(), exe)
			cmd.Env = append(os.Environ(), "CHRONOMON_TEST_SCHEMA="+schema,
				"CHRONOMON_TEST_MIGRATE="+db.DSN()+"&default_query_exec_mode="+strings.ReplaceAll(mode.String(), " ", "_"))
			if out, err := cmd.CombinedOutput(); err != nil {
				errs[i] = fmt.Errorf("%w: %s", err, out)
			}
		})
		s, err := pgstore.New(newMonitor(t), pgtest.Connect(t, db.DSN(), mode), pgstore.WithSchema(schema))
		require.NoError(t, err)
		all.Go(func() { errs[8+i] = s.Migrate(t.Context()) })
	}
	all.Wait()
	require.NoError(t, errors.Join(errs...))
	var n int
	require.NoError(t, pool.QueryRow(t.Context(), "SELECT count(*) FROM "+schema+".monitoring_migrations").Scan(&n))
	require.Equal(t, 3, n)
}

// testLaterSchema: an older release runs with what a later one made.
func testLaterSchema(t *testing.T, server *testenv.PostgresServer) {
	t.Helper()
	f := open(t, server, pgx.QueryExecModeCacheStatement)
	_, err := f.pool.Exec(t.Context(), "INSERT INTO "+f.table("monitoring_migrations")+" VALUES (99, 'later', now())")
	require.NoError(t, err)
	require.NoError(t, f.Migrate(t.Context()))
	require.Equal(t, 4, f.count(t, f.table("monitoring_migrations")))
}

// starting is a pool of a server that takes connections after two tries of each
// kind.
type starting struct {
	*pgxpool.Pool
	execs, begins int
}

func (p *starting) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	if p.execs++; p.execs <= 2 {
		return pgconn.CommandTag{}, &pgconn.PgError{Code: "57P03"}
	}
	return p.Pool.Exec(ctx, sql, args...)
}

func (p *starting) Begin(ctx context.Context) (pgx.Tx, error) {
	if p.begins++; p.begins <= 2 {
		return nil, &pgconn.PgError{Code: "57P03"}
	}
	return p.Pool.Begin(ctx)
}

// testMigrateStarting: a host that starts with its server waits for it.
func testMigrateStarting(t *testing.T, server *testenv.PostgresServer) {
	t.Helper()
	pool := &starting{Pool: pgtest.Connect(t, server.DSN(), pgx.QueryExecModeExec)}
	_, err := pool.Pool.Exec(t.Context(), "CREATE SCHEMA starting")
	require.NoError(t, err)
	s, err := pgstore.New(newMonitor(t), pool, pgstore.WithSchema("starting"))
	require.NoError(t, err)
	require.NoError(t, s.Migrate(t.Context()))
	require.Equal(t, []int{3, 3}, []int{pool.execs, pool.begins})

	s, err = pgstore.New(newMonitor(t), pool, pgstore.WithSchema("not there"))
	require.NoError(t, err)
	require.EqualError(t, s.Migrate(t.Context()), "pgstore: migrate: pglease: make the table: SQLSTATE 3F000: the schema does not exist")
}
