package pgerror_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/pgerror"
)

func TestErrors(t *testing.T) {
	t.Parallel()
	server := func(code string) error {
		return fmt.Errorf("host: %w", &pgconn.PgError{Code: code, Message: "secret"})
	}
	for name, tc := range map[string]struct {
		err       error
		text      string
		transient bool
	}{
		"nil":            {nil, "", false},
		"value":          {server("22P02"), "SQLSTATE 22P02", false},
		"serialization":  {server("40001"), "SQLSTATE 40001", true},
		"shutdown":       {server("57P01"), "SQLSTATE 57P01", true},
		"cancelled":      {server("57014"), "SQLSTATE 57014", false},
		"protocol":       {server("08P01"), "SQLSTATE 08P01", true},
		"dial":           {&net.OpError{Op: "dial", Err: errors.New("secret")}, "no connection", true},
		"end":            {fmt.Errorf("secret: %w", io.ErrUnexpectedEOF), "no connection", true},
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
