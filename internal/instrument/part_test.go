package instrument_test

import (
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/instrument"
)

// TestPartsAddUp: while parts are opened and closed under their writers, no
// reader sees a number go down, and in the end nothing is lost.
func TestPartsAddUp(t *testing.T) {
	t.Parallel()
	const writers, rounds = 4, 5000
	r := setup(t)
	cell := r.group.Cell("GET", "/parts", "200")
	list := []*instrument.Part{cell.Part(), cell.Part(), cell.Part()}
	var done atomic.Bool
	var work, others sync.WaitGroup
	for w := range writers {
		work.Go(func() {
			for i := range rounds {
				p := list[(i+w)%len(list)]
				b, open := p.Begin()
				for !open {
					b.End()
					p.Open()
					b, open = p.Begin()
				}
				b.Add(upgraded, 1)
				b.End()
			}
		})
	}
	others.Go(func() {
		for i := 0; !done.Load(); i++ {
			list[i%len(list)].Close()
		}
	})
	others.Go(func() {
		var last float64
		for !done.Load() {
			now := total(t, r)
			if now < last {
				t.Errorf("%v after %v", now, last)
			}
			last = now
		}
	})
	work.Wait()
	done.Store(true)
	others.Wait()
	require.InDelta(t, writers*rounds, total(t, r), 0)
}

var totalLine = regexp.MustCompile(`(?m)^api_request_total\{.*\} (\S+)$`)

// total is the value of the only series of api_request_total.
func total(t *testing.T, r requests) float64 {
	t.Helper()
	m := totalLine.FindSubmatch(write(t, r.set, false))
	if m == nil {
		t.Error("no series")
		return 0
	}
	v, err := strconv.ParseFloat(string(m[1]), 64)
	if err != nil {
		t.Error(err)
	}
	return v
}
