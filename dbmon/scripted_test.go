package dbmon_test

import (
	"context"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/stretchr/testify/require"
)

// scripted returns a connection over a pipe to a server that answers each
// simple query with answer, which sends what it likes before ReadyForQuery.
func scripted(t testing.TB, tracer pgx.QueryTracer, answer func(*pgproto3.Backend)) *pgx.Conn {
	t.Helper()
	client, server := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer server.Close()
		serve(server, answer)
	}()
	config, err := pgx.ParseConfig("host=scripted user=u dbname=d sslmode=disable")
	require.NoError(t, err)
	config.Tracer = tracer
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	config.LookupFunc = func(context.Context, string) ([]string, error) { return []string{"scripted"}, nil }
	config.DialFunc = func(context.Context, string, string) (net.Conn, error) { return client, nil }
	conn, err := pgx.ConnectConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = conn.Close(context.WithoutCancel(t.Context()))
		<-done
	})
	return conn
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
		if b.Flush() != nil {
			return
		}
		m, err := b.Receive()
		if err != nil {
			return
		}
		if _, ok := m.(*pgproto3.Query); !ok {
			return
		}
		answer(b)
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
