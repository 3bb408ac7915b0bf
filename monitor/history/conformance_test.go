package history_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/monitortest"
)

// TestConformance runs the suite that every querier passes.
func TestConformance(t *testing.T) {
	t.Parallel()
	for name, of := range map[string]func(rig) monitor.Querier{
		"DB": func(r rig) monitor.Querier { return r.db },
		// Of a time at which the suite asks nothing: every query is passed on.
		"Cycle": func(r rig) monitor.Querier { return r.db.At(start) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			monitortest.TestQuerier(t, func(t testing.TB, series []monitor.Series) monitor.Querier {
				t.Helper()
				r := setup(t)
				for _, s := range series {
					for _, p := range s.Points {
						require.NoError(t, r.db.Append(monitor.Sample{Labels: s.Labels, Point: p}))
					}
				}
				return of(r)
			}, monitortest.QuerierUTF8Names)
		})
	}
}
