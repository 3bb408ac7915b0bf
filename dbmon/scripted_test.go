package dbmon_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/dbmon"
)

// scripted returns a connection over a pipe to a server that answers each
// query with answer, which sends what it likes before ReadyForQuery.
func scripted(t testing.TB, tracer pgx.QueryTracer, answer func(*pgproto3.Backend)) *pgx.Conn {
	t.Helper()
	config, err := pgx.ParseConfig(scriptedDSN)
	require.NoError(t, err)
	config.Tracer = tracer
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	servers := dial(config, answer)
	conn, err := pgx.ConnectConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = conn.Close(context.WithoutCancel(t.Context()))
		servers.Wait()
	})
	return conn
}

// scriptedPool returns a pool of such connections.
func scriptedPool(t testing.TB, tracer pgx.QueryTracer, answer func(*pgproto3.Backend)) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(scriptedDSN)
	require.NoError(t, err)
	config.ConnConfig.Tracer = tracer
	servers := dial(config.ConnConfig, answer)
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(func() { pool.Close(); servers.Wait() })
	return pool
}

const scriptedDSN = "host=scripted user=u dbname=d sslmode=disable"

// dial connects to servers of its own, which end with their connections.
func dial(config *pgx.ConnConfig, answer func(*pgproto3.Backend)) *sync.WaitGroup {
	servers := &sync.WaitGroup{}
	config.LookupFunc = func(context.Context, string) ([]string, error) { return []string{"scripted"}, nil }
	config.DialFunc = func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		servers.Go(func() {
			defer server.Close()
			serve(server, answer)
		})
		return client, nil
	}
	return servers
}

func serve(server net.Conn, answer func(*pgproto3.Backend)) {
	b := pgproto3.NewBackend(server, server)
	if _, err := b.ReceiveStartupMessage(); err != nil {
		return
	}
	b.Send(&pgproto3.AuthenticationOk{})
	b.Send(&pgproto3.ParameterStatus{Name: "standard_conforming_strings", Value: "on"})
	b.Send(&pgproto3.ParameterStatus{Name: "client_encoding", Value: "UTF8"})
	for {
		b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		if b.Flush() != nil || !receive(b) {
			return
		}
		answer(b)
	}
}

// receive waits for a query, simple or extended, and reports whether one came.
func receive(b *pgproto3.Backend) bool {
	for {
		m, err := b.Receive()
		if err != nil {
			return false
		}
		switch m.(type) {
		case *pgproto3.Query:
			return true
		case *pgproto3.Parse, *pgproto3.Bind, *pgproto3.Describe, *pgproto3.Execute:
		case *pgproto3.Sync:
			b.Send(&pgproto3.ParseComplete{})
			b.Send(&pgproto3.BindComplete{})
			return true
		default:
			return false
		}
	}
}

// TestBatchTimeIsTheStatementsOwn: where the server sends results as they come,
// the slow statement of a batch is the one that shows the time.
func TestBatchTimeIsTheStatementsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, nil)
		conn := scripted(t, b.Tracer, func(s *pgproto3.Backend) {
			for i, d := range []time.Duration{10 * time.Millisecond, 3 * time.Second, 20 * time.Millisecond} {
				time.Sleep(d)
				s.Send(&pgproto3.CommandComplete{CommandTag: fmt.Appendf(nil, "SELECT %d", i)})
				_ = s.Flush()
			}
		})
		batch := &pgx.Batch{}
		for _, table := range []string{"a", "b", "c"} {
			batch.Queue("select * from " + table)
		}
		require.NoError(t, conn.SendBatch(t.Context(), batch).Close())
		for table, want := range map[string]float64{"a": 0.01, "b": 3, "c": 0.02} {
			require.InDelta(t, want, b.value(t, fmt.Sprintf(`db_query_duration_seconds_sum{query_type="SELECT",table=%q}`, table)), 1e-9, table)
			require.InDelta(t, 1, b.queries(t, "SELECT", table), 0)
		}
		require.InDelta(t, 3.03, b.value(t, "db_batch_duration_seconds_sum"), 1e-6)
		require.InDelta(t, 1, b.value(t, `db_slow_queries_total{query_type="SELECT",table="b"}`), 0)
		require.NoError(t, conn.Close(t.Context()))
		synctest.Wait()
	})
}

// TestBatchThatDoesNotEnd: all statements went well, and then the server is
// heard of no more.
func TestBatchThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, nil)
		conn := scripted(t, b.Tracer, func(s *pgproto3.Backend) {
			for range 2 {
				s.Send(&pgproto3.CommandComplete{CommandTag: []byte("DELETE 1")})
			}
			_ = s.Flush()
			time.Sleep(time.Minute)
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		batch := &pgx.Batch{}
		batch.Queue("delete from a")
		batch.Queue("delete from a")
		require.ErrorIs(t, conn.SendBatch(ctx, batch).Close(), context.DeadlineExceeded)
		require.InDelta(t, 2, b.queries(t, "DELETE", "a"), 0)
		require.InDelta(t, 1, b.failures(t, "BATCH", "none", "timeout"), 0)
		require.InDelta(t, 1, total(t, b.exposition("db_query_errors_total")), 0)
	})
}

// TestHostileAnswers: whatever a server says is an error class of two
// characters or a word of ours.
func TestHostileAnswers(t *testing.T) {
	t.Parallel()
	for code, class := range map[string]string{
		"40P01": "40", "": "unknown", "4": "unknown", "\x01\x02\x03\x04\x05": "unknown", "secret": "unknown", "57014": "57",
	} {
		b := setup(t, nil)
		conn := scripted(t, b.Tracer, func(s *pgproto3.Backend) {
			s.Send(&pgproto3.ErrorResponse{Severity: "ERROR", Code: code, Message: "secret"})
		})
		_, err := conn.Exec(t.Context(), "delete from a")
		_, ok := err.(*pgconn.PgError) //nolint:errorlint // what it is exactly
		require.True(t, ok, "the host gets pgx's own error")
		require.InDelta(t, 1, b.failures(t, "DELETE", "a", class), 0, "%q: %v", code, b.exposition("db_query_errors_total"))
		require.NotContains(t, fmt.Sprint(b.exposition("")), "secret")
	}
}

// TestFailureClasses: each failure has its class, or is none.
func TestFailureClasses(t *testing.T) {
	t.Parallel()
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	stopped := &pgconn.PgError{Code: "57014"}
	for _, c := range []struct {
		ctx   context.Context
		err   error
		class string
	}{
		{t.Context(), pgx.ErrNoRows, ""},
		{t.Context(), fmt.Errorf("load: %w", pgx.ErrNoRows), ""},
		{canceled, stopped, "canceled"},
		{late, stopped, "timeout"},
		{t.Context(), stopped, "57"},
		{canceled, &pgconn.PgError{Code: "23505"}, "23"},
		{t.Context(), fmt.Errorf("load: %w", stopped), "57"},
		{t.Context(), fmt.Errorf("load: %w", context.Canceled), "canceled"},
		{t.Context(), fmt.Errorf("load: %w", context.DeadlineExceeded), "timeout"},
		{t.Context(), io.EOF, "connection"},
		{t.Context(), io.ErrUnexpectedEOF, "connection"},
		{t.Context(), net.ErrClosed, "connection"},
		{t.Context(), &net.DNSError{}, "connection"},
		{t.Context(), &pgconn.ConnectError{}, "connection"},
		{t.Context(), errors.New("expected 1 arguments, got 2"), "client"},
	} {
		b := setup(t, nil)
		query(c.ctx, b.Tracer, idle(t), "select 1 from a", c.err)
		require.InDelta(t, 1, b.queries(t, "SELECT", "a"), 0)
		if c.class == "" {
			require.Empty(t, b.exposition("db_query_errors_total"), c.err)
		} else {
			require.InDelta(t, 1, b.failures(t, "SELECT", "a", c.class), 0, "%v", c.err)
			require.InDelta(t, 1, total(t, b.exposition("db_query_errors_total")), 0)
		}
		require.EqualValues(t, total(t, b.exposition("db_query_errors_total")), b.TopQueries(1)[0].Errors)
	}
}

// TestSlowFromTheThresholdOn: what takes as long as the threshold is slow.
func TestSlowFromTheThresholdOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, nil, dbmon.WithSlowThreshold(time.Second))
		takes := time.Second - 1
		conn := scripted(t, b.Tracer, func(s *pgproto3.Backend) {
			time.Sleep(takes)
			takes++
			s.Send(&pgproto3.CommandComplete{CommandTag: []byte("SELECT 1")})
		})
		for range 3 {
			_, err := conn.Exec(t.Context(), "select 1 from a")
			require.NoError(t, err)
		}
		slow := b.SlowQueries()
		require.Len(t, slow, 2)
		require.Equal(t, time.Second+1, slow[0].Duration)
		require.Equal(t, time.Second, slow[1].Duration)
		require.InDelta(t, 2, b.value(t, `db_slow_queries_total{query_type="SELECT",table="a"}`), 0)
		require.NoError(t, conn.Close(t.Context()))
		synctest.Wait()
	})
}
