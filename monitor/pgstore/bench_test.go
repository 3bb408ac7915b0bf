package pgstore_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/testenv"
	"github.com/chronoretrace/chronomon/monitor/lease"
	"github.com/chronoretrace/chronomon/monitor/lease/pglease"
	"github.com/chronoretrace/chronomon/monitor/pgstore"
)

// BenchmarkSaveAlerts is one statement, with and without the check of the epoch.
func BenchmarkSaveAlerts(b *testing.B) {
	server := testenv.Postgres(b)
	for _, fenced := range []bool{false, true} {
		for _, n := range []int{1, 1000} {
			b.Run(fmt.Sprintf("fenced=%v/rows=%d", fenced, n), func(b *testing.B) {
				var opts []pgstore.Option
				ctx := b.Context()
				if fenced {
					opts = append(opts, pgstore.WithLease("x"))
				}
				f := open(b, server, pgx.QueryExecModeCacheStatement, opts...)
				if fenced {
					leases, err := pglease.New(f.pool, "x", pglease.WithSchema(f.schema))
					require.NoError(b, err)
					epoch, err := leases.Acquire(ctx, "a", time.Hour)
					require.NoError(b, err)
					ctx = lease.NewContext(ctx, lease.Term{Lease: "x", Epoch: epoch})
				}
				at := t0
				for b.Loop() {
					at = at.Add(time.Minute)
					alerts := make([]pgstore.Alert, n)
					for i := range alerts {
						alerts[i] = pgstore.Alert{ID: strconv.Itoa(i), Name: "A", Severity: "s", Status: "firing", StartedAt: at}
					}
					require.NoError(b, f.SaveAlerts(ctx, alerts...))
				}
			})
		}
	}
}
