package redisstore_test

import (
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/bizmon"
	"github.com/chronoretrace/chronomon/bizmon/bizmontest"
	"github.com/chronoretrace/chronomon/bizmon/redisstore"
	"github.com/chronoretrace/chronomon/internal/testenv"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	bizmontest.TestSketchStore(t, func(t testing.TB) func() bizmon.SketchStore {
		return func() bizmon.SketchStore {
			client := redis.NewClient(&redis.Options{Addr: server.Addr()})
			t.Cleanup(func() { _ = client.Close() })
			store, err := redisstore.New(client, redisstore.WithPrefix(t.Name()))
			require.NoError(t, err)
			return store
		}
	})
}
