package journal_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/internal/journal"
	"github.com/chronoretrace/chronomon/monitor"
)

// TestMain is also the process that TestKilled kills.
func TestMain(m *testing.M) {
	if dir := os.Getenv("CHRONOMON_TEST_JOURNAL"); dir != "" {
		if err := writeUntilKilled(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

var (
	_ monitor.Snapshotter = (*journal.Store)(nil)
	_ monitor.Verifier    = (*journal.Store)(nil)
)

// open opens a directory until the test ends.
func open(t testing.TB, c journal.Config) *journal.Store {
	t.Helper()
	s, err := journal.Open(c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// state is all that a store has.
func state(t testing.TB, s journal.Keyed) map[string]string {
	t.Helper()
	out := map[string]string{}
	require.NoError(t, s.Range(t.Context(), "", func(key string, value []byte) error {
		out[key] = string(value)
		return nil
	}))
	return out
}

func put(t testing.TB, s journal.Keyed, key, value string) {
	t.Helper()
	require.NoError(t, s.Write(t.Context(), map[string][]byte{key: []byte(value)}))
}

func newSet(t testing.TB) *instrument.Set {
	t.Helper()
	set, err := instrument.Open(instrument.Config{
		Registerer: prometheus.NewRegistry(), Profiles: []catalog.Profile{catalog.Design}, LabelLimit: 10,
	})
	require.NoError(t, err)
	return set
}

func exposition(t testing.TB, set *instrument.Set) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, set.WriteText(&b, false, nil))
	return b.String()
}
