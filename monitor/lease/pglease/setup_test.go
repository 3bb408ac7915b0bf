package pglease_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chronoretrace/chronomon/monitor/lease/pglease"
)

// TestMain is also a replica of TestFrozenLeader.
func TestMain(m *testing.M) {
	if dsn := os.Getenv("CHRONOMON_TEST_REPLICA"); dsn != "" {
		if err := beReplica(dsn); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func open(t testing.TB, pool pglease.Pool, name string, opts ...pglease.Option) *pglease.Store {
	t.Helper()
	s, err := pglease.New(pool, name, opts...)
	require.NoError(t, err)
	return s
}
