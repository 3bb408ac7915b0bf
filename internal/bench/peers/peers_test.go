package main

import (
	"bytes"
	"errors"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Every row of the behaviour table is right for our middleware. Every peer has
// rows that are not; a peer that leaves this list of one deserves a look.
func TestBehaviour(t *testing.T) {
	board := judge(t.Context(), subjects())
	for _, f := range board.wrong(0) {
		t.Errorf("%s: %s: %s", f.Subject, f.Case, f.Seen)
	}
	for column, name := range board.subjects[1:] {
		require.NotEmpty(t, board.wrong(column+1), "%s is right in every row now", name)
	}
}

// The harness runs, shortly, and prices something above nothing.
func TestHarness(t *testing.T) {
	var out bytes.Buffer
	err := run(t.Context(), &out, []string{
		"-part", "middleware,scrape,heap", "-only", "chronomon|slok", "-serial", "500ms", "-parallel", "500ms", "-scrape", "500ms",
	})
	require.NoError(t, err)
	require.Contains(t, out.String(), slokMux)
	require.Contains(t, out.String(), "× slok")
}

// So do the parts for tracers and hooks. Ours allocate nothing.
func TestHooks(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out, []string{"-part", "db,cache", "-hooks", "500ms"}))
	for _, name := range []string{otelpgxPlain, redisMetrics, oursNew} {
		require.Contains(t, out.String(), name)
	}
	require.Regexp(t, `allocations, query.*0\.00.*0\.00.*\| met`, out.String())
	require.Regexp(t, `allocations, GET.*0\.00.*0\.00.*\| met`, out.String())
}

func TestServers(t *testing.T) {
	list, err := measureServers(t.Context(), regexp.MustCompile(""), 200*time.Millisecond)
	if errors.Is(err, errNoServer) {
		t.Skip(err)
	}
	require.NoError(t, err)
	for _, v := range list {
		require.Positive(t, median(v.rate), v.name)
		require.Positive(t, median(v.capacity), v.name)
	}
	require.Len(t, serverGoals(list), 2)
}

func TestRefusals(t *testing.T) {
	for _, args := range [][]string{{"-part", "nonsense"}, {"-only", "("}, {"-part", "middleware", "-only", "nothing"}, {"-serial", "soon"}} {
		require.Error(t, run(t.Context(), new(bytes.Buffer), args), "%v", args)
	}
}

// BenchmarkPeers is for profiles; the numbers to compare come from the command.
func BenchmarkPeers(b *testing.B) {
	for _, p := range peers() {
		b.Run(p.name, func(b *testing.B) {
			c := newCaller(p.serve())
			b.ReportAllocs()
			for b.Loop() {
				c.call(1)
			}
		})
	}
}
