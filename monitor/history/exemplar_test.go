package history_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/history"
)

func TestExemplars(t *testing.T) {
	t.Parallel()
	r := setup(t, history.WithExemplarLimit(5))
	tr := newTraffic(t, r.m, 1)
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: "c_total", Help: "x"})
	r.m.Registerer().MustRegister(c)
	c.(prometheus.ExemplarAdder).AddWithExemplar(1, prometheus.Labels{"trace_id": "foreign", "n": "1"})
	from := time.Now().Add(-time.Minute)
	at := start
	give := func(trace string, when time.Time) {
		tr.cells[0].Observe(&instrument.Home{}, 0, int64(30*time.Millisecond))
		tr.cells[0].Exemplar(0, int64(30*time.Millisecond), trace, when)
		for range 3 { // an exemplar is offered again and again
			at = at.Add(time.Second)
			r.sample(t, at)
		}
	}
	give("first", start)
	give("second", start.Add(5*time.Second))
	get := func(q string, from, to time.Time) []history.ExemplarSeries {
		out, err := r.db.Exemplars(t.Context(), q, from, to)
		require.NoError(t, err)
		return out
	}
	all := get(`histogram_quantile(.9, rate(t_duration_seconds_bucket[5m]))`, start, at)
	require.Len(t, all, 1)
	require.Equal(t, monitor.Labels{"__name__": "t_duration_seconds_bucket", "endpoint": endpoint(0), "le": "0.05"}, all[0].Labels)
	require.Len(t, all[0].Exemplars, 2)
	require.Equal(t, monitor.Labels{"trace_id": "second"}, all[0].Exemplars[1].Labels)
	require.Equal(t, .03, all[0].Exemplars[1].Value)
	require.True(t, start.Add(5*time.Second).Equal(all[0].Exemplars[1].Time))
	require.Empty(t, get("t_duration_seconds_bucket", start.Add(time.Second), start.Add(4*time.Second)))
	foreign := get("c_total", from, time.Now())
	require.Len(t, foreign, 1)
	require.Equal(t, monitor.Labels{"trace_id": "foreign", "n": "1"}, foreign[0].Exemplars[0].Labels)

	for i := range 10 {
		give(fmt.Sprint("t", i), start.Add(time.Duration(10+i*2)*time.Second))
	}
	all = get("t_duration_seconds_bucket", start, at)
	require.Len(t, all[0].Exemplars, 5, "the limit")
	require.Equal(t, "t9", all[0].Exemplars[4].Labels["trace_id"])
	require.Empty(t, get("c_total", from, time.Now()), "the oldest went")
	_, err := r.db.Exemplars(t.Context(), "rate(", start, at)
	require.ErrorIs(t, err, monitor.ErrQueryInvalid)
}
