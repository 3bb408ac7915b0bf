package elastic_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chronoretrace/chronomon/monitor/elastic"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newStore returns a store that is closed when the test ends.
func newStore(t testing.TB, url string, opts ...elastic.Option) *elastic.Store {
	t.Helper()
	s, err := elastic.New([]string{url}, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}
