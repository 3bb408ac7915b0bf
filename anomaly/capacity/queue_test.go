package capacity_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/anomaly/capacity"
	"github.com/chronoretrace/chronomon/internal/testenv"
)

func TestQueueVectors(t *testing.T) {
	type in struct {
		Arrival, Service float64
		Servers          int
		Wait             float64 `json:"target_wait"`
		Utilization      float64 `json:"target_util"`
	}
	type out struct {
		Rho      float64
		ErlangC  float64 `json:"erlang_c"`
		Wq       float64
		W        float64
		Lq       float64
		L        float64
		WaitP95  float64 `json:"wait_p95"`
		ForWait  int     `json:"servers_for_wait"`
		ForShare int     `json:"servers_for_util"`
	}
	testenv.Vectors(t, "queueing.json", func(t *testing.T, in in, want out) {
		q, err := capacity.NewQueue(in.Arrival, in.Service, in.Servers)
		require.NoError(t, err)
		const tolerance = 1e-10
		near(t, want.Rho, q.Utilization(), tolerance, "utilization")
		near(t, want.ErlangC, q.WaitProbability(), tolerance, "Erlang C")
		near(t, want.Wq, q.MeanWait(), tolerance, "wait")
		near(t, want.W, q.MeanTime(), tolerance, "time")
		near(t, want.Lq, q.MeanWaiting(), tolerance, "waiting")
		near(t, want.L, q.MeanRequests(), tolerance, "requests")
		near(t, want.WaitP95, q.WaitQuantile(0.95), tolerance, "p95 of the wait")
		n, err := capacity.ServersForWait(in.Arrival, in.Service, in.Wait)
		require.NoError(t, err)
		require.Equal(t, want.ForWait, n)
		n, err = capacity.ServersForUtilization(in.Arrival, in.Service, in.Utilization)
		require.NoError(t, err)
		require.Equal(t, want.ForShare, n)
	})
}

// One server has closed forms of its own.
func TestQueueOfOne(t *testing.T) {
	t.Parallel()
	for _, rho := range []float64{0, 0.1, 0.5, 0.99} {
		q, err := capacity.NewQueue(rho*8, 8, 1)
		require.NoError(t, err)
		require.InDelta(t, rho, q.WaitProbability(), 1e-12)
		require.InDelta(t, rho/(1-rho), q.MeanRequests(), 1e-9)
		require.InDelta(t, 1/(8-rho*8), q.MeanTime(), 1e-9)
	}
}

func TestQueueThatCannotKeepUp(t *testing.T) {
	t.Parallel()
	for _, arrival := range []float64{30, 31} {
		q, err := capacity.NewQueue(arrival, 10, 3)
		require.NoError(t, err)
		require.InDelta(t, 1, q.WaitProbability(), 0)
		for _, v := range []float64{q.MeanWait(), q.MeanTime(), q.MeanWaiting(), q.MeanRequests(), q.WaitQuantile(0.5)} {
			require.True(t, math.IsInf(v, 1))
		}
	}
}

func TestQueueOfMany(t *testing.T) {
	t.Parallel()
	q, err := capacity.NewQueue(99_000, 1, 100_000)
	require.NoError(t, err)
	c := q.WaitProbability()
	require.True(t, c > 0 && c < 0.01, c)
	n, err := capacity.ServersForUtilization(95, 5, 0.95)
	require.NoError(t, err)
	require.Equal(t, 20, n)
}

func TestQueueErrors(t *testing.T) {
	t.Parallel()
	_, err := capacity.NewQueue(-1, 0, 0)
	require.EqualError(t, err, "capacity: arrival rate -1: want a finite number, 0 or more\n"+
		"capacity: service rate 0: want a finite number above 0\ncapacity: servers 0: want 1 to 1000000")
	_, err = capacity.NewQueue(math.NaN(), math.Inf(1), 1)
	require.ErrorContains(t, err, "arrival rate NaN")
	require.ErrorContains(t, err, "service rate +Inf")
	_, err = capacity.ServersForWait(1, 1, 0)
	require.ErrorContains(t, err, "wait of 0 s: want more than 0")
	_, err = capacity.ServersForWait(1e9, 1, 1)
	require.ErrorContains(t, err, "more than 1000000 servers")
	_, err = capacity.ServersForUtilization(1, 1, 1.5)
	require.ErrorContains(t, err, "utilization 1.5: want above 0 and not above 1")
	_, err = capacity.ServersForUtilization(1e9, 1, 1)
	require.ErrorContains(t, err, "more than 1000000 servers")
}
