package cachemon_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/cachemon"
	"github.com/chronoretrace/chronomon/internal/testenv"
)

// TestPollOfAHungServerEnds: within the poll's own time-out, whatever the
// client's are.
func TestPollOfAHungServerEnds(t *testing.T) {
	t.Parallel()
	s := testenv.Redis(t)
	b := setup(t, nil)
	client := open(t, s, func(o *redis.Options) { o.ReadTimeout = -1 })
	p, err := cachemon.NewMemoryPoller(b.m, client, cachemon.WithPollTimeout(300*time.Millisecond))
	require.NoError(t, err)
	require.NoError(t, p.Poll(t.Context()))

	s.Pause()
	t.Cleanup(s.Resume)
	ended := make(chan error, 1)
	go func() { ended <- p.Poll(t.Context()) }()
	select {
	case err := <-ended:
		require.Error(t, err)
	case <-time.After(20 * time.Second):
		s.Resume()
		require.Fail(t, "the poll did not end", "%v", <-ended)
	}
	require.Zero(t, value(t, b.m, `redis_up{cache_name="redis",node="`+s.Addr()+`"}`))
}
