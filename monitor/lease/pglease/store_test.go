package pglease_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/testenv"
	"github.com/chronoretrace/chronomon/internal/testenv/pgtest"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/lease"
	"github.com/chronoretrace/chronomon/monitor/lease/leasetest"
	"github.com/chronoretrace/chronomon/monitor/lease/pglease"
)

// TestStore shares a server whose time zone is the host's.
func TestStore(t *testing.T) {
	t.Parallel()
	server := testenv.Postgres(t, "timezone=Asia/Shanghai")
	for name, test := range map[string]func(*testing.T, *testenv.PostgresServer){
		"Conformance": testConformance, "MigrateTogether": testMigrateTogether, "ClockSteps": testClockSteps,
		"GuardAndRenewal": testGuardAndRenewal, "Pooler": testPooler, "Collision": testCollision, "Loss": testLoss,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, server)
		})
	}
}

// testConformance in every way that pgx can ask.
func testConformance(t *testing.T, server *testenv.PostgresServer) {
	t.Helper()
	for _, mode := range pgtest.Modes {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			leasetest.TestStore(t, func(t testing.TB) func() lease.Store {
				pool := pgtest.Connect(t, server.DSN(), mode)
				return func() lease.Store { return open(t, pool, t.Name()) }
			})
		})
	}
}

// testPooler: behind PgBouncer in transaction mode, each call may have another
// connection, and there are two for all.
func testPooler(t *testing.T, server *testenv.PostgresServer) {
	t.Helper()
	dsn := testenv.Pooler(t, server).DSN()
	for _, mode := range pgtest.PooledModes {
		t.Run(mode.String(), func(t *testing.T) {
			leasetest.TestStore(t, func(t testing.TB) func() lease.Store {
				return func() lease.Store { return open(t, pgtest.Connect(t, dsn, mode), t.Name()) }
			})
		})
	}
}

// testMigrateTogether: the table is made once, whoever comes first.
func testMigrateTogether(t *testing.T, server *testenv.PostgresServer) {
	t.Helper()
	pool := pgtest.Connect(t, server.DSN(), pgx.QueryExecModeCacheStatement)
	_, err := pool.Exec(t.Context(), `CREATE SCHEMA "Odd ""schema"""`)
	require.NoError(t, err)
	const replicas = 8
	errs := make([]error, replicas)
	var all sync.WaitGroup
	for i := range replicas {
		s := open(t, pgtest.Connect(t, server.DSN(), pgtest.Modes[i%len(pgtest.Modes)]), "x", pglease.WithSchema(`Odd "schema"`))
		all.Go(func() { errs[i] = s.Migrate(t.Context()) })
	}
	all.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	s := open(t, pool, "x", pglease.WithSchema("not there"))
	_, err = s.Acquire(t.Context(), "a", time.Minute)
	pg := &pgconn.PgError{}
	require.ErrorAs(t, err, &pg)
	require.EqualError(t, err, "pglease: make the table: SQLSTATE 3F000: the schema does not exist")
}

// testClockSteps: the database's clock cannot be set here, but what it would
// have written before it was can be.
func testClockSteps(t *testing.T, server *testenv.PostgresServer) {
	t.Helper()
	pool := pgtest.Connect(t, server.DSN(), pgx.QueryExecModeCacheStatement)
	s := open(t, pool, "clock")
	const ttl = time.Minute
	old, err := s.Acquire(t.Context(), "a", ttl)
	require.NoError(t, err)
	move := func(by string) {
		t.Helper()
		_, err := pool.Exec(t.Context(), "UPDATE monitoring_leases SET expires_at = expires_at + $1::text::interval WHERE name = 'clock'", by)
		require.NoError(t, err)
	}
	move("15 seconds") // set back by less than half a lease: nobody minds
	_, err = s.Acquire(t.Context(), "b", ttl)
	require.ErrorIs(t, err, lease.ErrHeld)
	move("1 day") // set back by a day
	require.NoError(t, s.Renew(t.Context(), "a", old, ttl), "the leader goes on if it is the first to notice")
	move("1 day")
	future := old + uint64((24 * time.Hour).Milliseconds())
	_, err = pool.Exec(t.Context(), "UPDATE monitoring_leases SET epoch = $1 WHERE name = 'clock'", int64(future))
	require.NoError(t, err)
	epoch, err := s.Acquire(t.Context(), "b", ttl)
	require.NoError(t, err, "it is not held for a day")
	require.Equal(t, future+1, epoch)
	require.ErrorIs(t, s.Renew(t.Context(), "a", future, ttl), lease.ErrLost)
	move("-2 minutes") // set forward: expired
	require.ErrorIs(t, s.Renew(t.Context(), "b", epoch, ttl), lease.ErrLost)
}

// testGuardAndRenewal: a statement that checks the epoch holds up a takeover,
// and not a renewal.
func testGuardAndRenewal(t *testing.T, server *testenv.PostgresServer) {
	t.Helper()
	pool := pgtest.Connect(t, server.DSN(), pgx.QueryExecModeCacheStatement)
	s := open(t, pool, "guard")
	epoch, err := s.Acquire(t.Context(), "a", 10*time.Second)
	require.NoError(t, err)
	tx, err := pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(t.Context()) }()
	tag, err := tx.Exec(t.Context(), `SELECT FROM monitoring_leases
		WHERE name = $1 AND epoch = $2 AND expires_at > clock_timestamp() FOR KEY SHARE`, "guard", int64(epoch))
	require.NoError(t, err)
	require.Equal(t, int64(1), tag.RowsAffected())
	require.NoError(t, s.Renew(t.Context(), "a", epoch, 300*time.Millisecond))
	_, err = s.Acquire(t.Context(), "b", time.Minute)
	require.ErrorIs(t, err, lease.ErrHeld, "and not for those who only ask")

	time.Sleep(350 * time.Millisecond)
	taken := make(chan error)
	go func() {
		_, err := s.Acquire(t.Context(), "b", time.Minute)
		taken <- err
	}()
	select {
	case err := <-taken:
		t.Fatalf("it was taken over while a guarded transaction was under way: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	require.NoError(t, tx.Commit(t.Context()))
	require.NoError(t, <-taken)
	require.ErrorIs(t, s.Check(t.Context(), epoch), lease.ErrLost)
}

// testLoss: somebody deletes the rows. Epochs of before they were milliseconds
// go on.
func testLoss(t *testing.T, server *testenv.PostgresServer) {
	t.Helper()
	pool := pgtest.Connect(t, server.DSN(), pgx.QueryExecModeExec)
	_, err := pool.Exec(t.Context(), "CREATE SCHEMA lost")
	require.NoError(t, err)
	do := func(sql string) func() {
		return func() {
			_, err := pool.Exec(t.Context(), sql)
			require.NoError(t, err)
		}
	}
	leasetest.TestLoss(t, func() lease.Store { return open(t, pool, "x", pglease.WithSchema("lost")) }, map[string]func(){
		"deleted": do("DELETE FROM lost.monitoring_leases"), "truncated": do("TRUNCATE lost.monitoring_leases"), "dropped": do("DROP TABLE lost.monitoring_leases"),
	})
	s := open(t, pool, "old", pglease.WithSchema("lost"))
	for range 2 {
		epoch, err := s.Acquire(t.Context(), "a", time.Minute)
		require.NoError(t, err)
		require.InDelta(t, time.Now().UnixMilli(), epoch, 60_000)
		do("UPDATE lost.monitoring_leases SET epoch = 7 WHERE name = 'old'")()
	}
}

// colliding is a pool whose first query runs into a key of another's, which is
// in time only now and then.
type colliding struct {
	pglease.Pool
	queries int
}

func (p *colliding) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	if p.queries++; p.queries == 1 {
		return collision{}
	}
	return p.Pool.QueryRow(ctx, sql, args...)
}

type collision struct{}

func (collision) Scan(...any) error { return &pgconn.PgError{Code: "23505"} }

// testCollision: who asks for a lease for the first time, at the same time as
// another, is told that it is held.
func testCollision(t *testing.T, server *testenv.PostgresServer) {
	t.Helper()
	pool := pgtest.Connect(t, server.DSN(), pgx.QueryExecModeExec)
	_, err := open(t, pool, "collision").Acquire(t.Context(), "a", time.Minute)
	require.NoError(t, err)
	_, err = open(t, &colliding{Pool: pool}, "collision").Acquire(t.Context(), "b", time.Minute)
	require.ErrorIs(t, err, lease.ErrHeld)
}

// TestOutage: the database hangs, and is gone.
func TestOutage(t *testing.T) {
	server := testenv.Postgres(t)
	modes := pgtest.Modes
	leasetest.TestOutage(t, func() lease.Store {
		pool := pgtest.Connect(t, server.DSN(), modes[0])
		modes = modes[1:] // another one for each replica
		return open(t, pool, "x")
	}, 1500*time.Millisecond, map[string]leasetest.Outage{
		"hangs": {Begin: server.Pause, End: server.Resume}, "gone": {Begin: server.Stop, End: server.Start},
	})
}

// TestNoSecrets: what may hold one is left out of errors.
func TestNoSecrets(t *testing.T) {
	t.Parallel()
	pool := pgtest.Connect(t, "postgres://someuser:hunter2@127.0.0.1:1/somedb?sslmode=disable", pgx.QueryExecModeExec)
	s := open(t, pool, "x")
	for _, err := range []error{s.Renew(t.Context(), "a", 1, time.Minute), s.Migrate(t.Context()), s.Check(t.Context(), 1)} {
		require.Error(t, err)
		for _, secret := range []string{"hunter2", "someuser", "somedb"} {
			require.NotContains(t, err.Error(), secret)
		}
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	_, err := pglease.New(nil, strings.Repeat("n", 101), pglease.WithSchema(""), nil)
	require.ErrorIs(t, err, monitor.ErrInvalidOption)
	for _, want := range []string{"pool = <nil>", "name = ", `WithSchema = ""`} {
		require.ErrorContains(t, err, want)
	}
	_, err = pglease.New((*pgxpool.Pool)(nil), "x")
	require.ErrorIs(t, err, monitor.ErrInvalidOption)
	require.ErrorContains(t, err, "pool = <nil>")
	pool := &colliding{}
	for name, want := range map[string]error{
		"": monitor.ErrInvalidOption, "a\x00b": monitor.ErrInvalidOption, "a\xffb": monitor.ErrInvalidOption, strings.Repeat("n", 100): nil,
	} {
		_, err = pglease.New(pool, name)
		require.ErrorIs(t, err, want, "%q", name)
	}
	for schema, want := range map[string]error{
		"a\x00b": monitor.ErrInvalidOption, "a\xffb": monitor.ErrInvalidOption, strings.Repeat("s", 63): nil, strings.Repeat("s", 64): monitor.ErrInvalidOption,
	} {
		_, err = pglease.New(pool, "x", pglease.WithSchema(schema))
		require.ErrorIs(t, err, want, "%q", schema)
	}
}
