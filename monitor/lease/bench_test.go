package lease_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor/lease/leasetest"
)

func BenchmarkLeader(b *testing.B) {
	a := start(b, leasetest.NewMemory("x"))
	require.Eventually(b, a.leads, 5*time.Second, time.Millisecond)
	b.ReportAllocs()
	for b.Loop() {
		a.Leader()
	}
}
