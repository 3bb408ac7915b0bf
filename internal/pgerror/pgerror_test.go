package pgerror_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/pgerror"
)

func TestErrors(t *testing.T) {
	t.Parallel()
	server := func(code string) error {
		return fmt.Errorf("host: %w", &pgconn.PgError{Code: code, Message: "secret"})
	}
	dial := func(err error) error { return &net.OpError{Op: "dial", Err: err} }
	for name, tc := range map[string]struct {
		err       error
		text      string
		transient bool
	}{
		"nil":            {nil, "", false},
		"value":          {server("22012"), "SQLSTATE 22012", false},
		"no database":    {server("3D000"), "SQLSTATE 3D000: the database does not exist", false},
		"password":       {server("28P01"), "SQLSTATE 28P01: the password was refused", false},
		"serialization":  {server("40001"), "SQLSTATE 40001: other transactions were in the way", true},
		"shutdown":       {server("57P01"), "SQLSTATE 57P01: the server is going down", true},
		"starting":       {server("57P03"), "SQLSTATE 57P03: the server does not take connections yet, or any more", true},
		"cancelled":      {server("57014"), "SQLSTATE 57014: the statement was cancelled", false},
		"protocol":       {server("08P01"), "SQLSTATE 08P01: the server or a pooler did not understand", true},
		"dial":           {dial(errors.New("secret")), "no connection", true},
		"refused":        {dial(syscall.ECONNREFUSED), "no connection: refused: nobody listens there", true},
		"unreachable":    {dial(syscall.EHOSTUNREACH), "no connection: the host cannot be reached", true},
		"socket":         {dial(syscall.ENOENT), "no connection: the socket does not exist", true},
		"name":           {dial(&net.DNSError{Name: "secret"}), "no connection: the host's name is not known", true},
		"certificate":    {dial(&tls.CertificateVerificationError{Err: errors.New("secret")}), "no connection: the server's certificate is not trusted", true},
		"slow":           {dial(os.ErrDeadlineExceeded), "no connection: timed out", true},
		"reset":          {dial(syscall.ECONNRESET), "no connection: it broke off", true},
		"end":            {fmt.Errorf("secret: %w", io.ErrUnexpectedEOF), "no connection: it broke off", true},
		"cancel":         {fmt.Errorf("secret: %w", context.Canceled), "context canceled", false},
		"deadline":       {fmt.Errorf("secret: %w", context.DeadlineExceeded), "context deadline exceeded", false},
		"something else": {os.ErrInvalid, os.ErrInvalid.Error(), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.transient, pgerror.Transient(tc.err))
			plain := pgerror.Plain(tc.err)
			if tc.err == nil {
				require.NoError(t, plain)
				return
			}
			require.EqualError(t, plain, tc.text)
			require.ErrorIs(t, plain, tc.err, "all that it is can be found")
			again := pgerror.Plain(fmt.Errorf("step 2: %w", plain))
			require.EqualError(t, again, "step 2: "+tc.text)
		})
	}
}

// What the driver says of a server without TLS, and of nobody, is told apart.
func TestConnect(t *testing.T) {
	t.Parallel()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.ReadFull(conn, make([]byte, 8)) // may I have TLS
			_, _ = conn.Write([]byte("N"))
			_ = conn.Close()
		}
	}()
	connect := func(dsn string) error {
		_, err := pgconn.Connect(t.Context(), dsn)
		require.Error(t, err)
		return pgerror.Plain(err)
	}
	require.EqualError(t, connect("postgres://secret:hunter2@"+l.Addr().String()+"/secret?sslmode=require"), "no connection: the server has no TLS")
	require.NoError(t, l.Close())
	<-done
	require.EqualError(t, connect("postgres://secret:hunter2@127.0.0.1:1/secret?sslmode=require"), "no connection: refused: nobody listens there")
	require.EqualError(t, connect("postgres://secret:hunter2@no-such-host.invalid/secret"), "no connection: the host's name is not known")
}

func TestRetry(t *testing.T) {
	t.Parallel()
	starting := &pgconn.PgError{Code: "57P03"}
	for name, tc := range map[string]struct {
		errs  []error
		want  error
		tries int
	}{
		"at once":    {[]error{nil}, nil, 1},
		"starting":   {[]error{starting, starting, starting, nil}, nil, 4},
		"for ever":   {[]error{starting}, starting, 4},
		"not for it": {[]error{starting, os.ErrInvalid}, os.ErrInvalid, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tries, again, start := 0, 0, time.Now()
				err := pgerror.Retry(t.Context(), func() { again++ }, func() error {
					tries++
					return tc.errs[min(tries, len(tc.errs))-1]
				})
				require.ErrorIs(t, err, tc.want)
				require.Equal(t, tc.tries, tries)
				require.Equal(t, tries-1, again)
				require.Less(t, time.Since(start), 1200*time.Millisecond)
			})
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	require.ErrorIs(t, pgerror.Retry(ctx, nil, func() error { cancel(); return starting }), context.Canceled)
}
