package journal_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/journal"
)

// The process that is killed has workers, each of which makes numbered writes:
// what a worker's part of the state is after n of them is known.
const (
	workers = 4
	ring    = 16 // keys of a worker
	erased  = 5  // every so many writes one key is deleted instead
)

func lastKey(w int) string    { return fmt.Sprintf("w%d/last", w) }
func ringKey(w, n int) string { return fmt.Sprintf("w%d/ring/%02d", w, n%ring) }

// padding is what write n of a worker puts: up to 24 KB, so that the log is
// compacted many times a second.
func padding(w, n int) []byte {
	size := rand.New(rand.NewPCG(uint64(w), uint64(n))).IntN(24_000)
	return append(fmt.Appendf(nil, "%d.%d ", w, n), make([]byte, size)...)
}

// writeN is write n of a worker.
func writeN(w, n int) map[string][]byte {
	changes := map[string][]byte{lastKey(w): []byte(strconv.Itoa(n)), ringKey(w, n): padding(w, n)}
	if n%erased == 0 {
		changes[ringKey(w, n)] = nil
	}
	return changes
}

// after is a worker's part of the state after n writes.
func after(w, n int) map[string]string {
	out := map[string]string{}
	for i := max(1, n-ring+1); i <= n; i++ {
		if i%erased != 0 {
			out[ringKey(w, i)] = string(padding(w, i))
		}
	}
	if n > 0 {
		out[lastKey(w)] = strconv.Itoa(n)
	}
	return out
}

func lastOf(s *journal.Store, w int) int {
	value, _ := s.Get(lastKey(w))
	n, _ := strconv.Atoi(string(value))
	return n
}

// writeUntilKilled says on its output what was acknowledged.
func writeUntilKilled(dir string) error {
	s, err := journal.Open(journal.Config{Dir: dir})
	if err != nil {
		return err
	}
	errs := make([]error, workers)
	var all sync.WaitGroup
	for w := range workers {
		n := lastOf(s, w)
		all.Go(func() {
			for range 100_000 {
				n++
				if errs[w] = s.Write(context.Background(), writeN(w, n)); errs[w] != nil {
					return
				}
				fmt.Fprintf(os.Stdout, "%d %d\n", w, n)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// TestKilled kills a process that writes, at random moments, 200 times: what
// was acknowledged is there, each write is there as a whole, nothing is damaged.
func TestKilled(t *testing.T) {
	t.Parallel()
	rounds := 200
	if testing.Short() {
		rounds = 20
	}
	exe, err := os.Executable()
	require.NoError(t, err)
	dir := t.TempDir()
	acknowledged := [workers]int{}
	writes, torn, unopened := 0, 0, 0
	for range rounds {
		before := acknowledged
		killAfter(t, exe, dir, time.Duration(rand.IntN(120))*time.Millisecond, &acknowledged)
		if acknowledged == before {
			unopened++
		}
		s, err := journal.Open(journal.Config{Dir: dir})
		require.NoError(t, err)
		stats := s.Stats()
		require.Empty(t, stats.Damage)
		if stats.Torn > 0 {
			torn++
		}
		got := state(t, s)
		require.NoError(t, s.Close())
		keys := 0
		for w := range workers {
			n, _ := strconv.Atoi(got[lastKey(w)])
			require.GreaterOrEqual(t, n, acknowledged[w], "a write that was acknowledged is gone")
			require.LessOrEqual(t, n, acknowledged[w]+1, "one write of a worker is under way")
			want := after(w, n)
			for key, value := range want {
				require.True(t, got[key] == value, "%s after %d writes", key, n) //nolint:testifylint // the values are long
			}
			keys += len(want)
			acknowledged[w] = n
		}
		require.Len(t, got, keys, "nothing else is there")
	}
	for _, n := range acknowledged {
		writes += n
	}
	t.Logf("%d kills: %d writes, %d logs cut off within a write, %d kills before the first acknowledgement", rounds, writes, torn, unopened)
	require.Greater(t, writes, rounds)
}

// killAfter runs the process and notes what it said before it was killed.
func killAfter(t *testing.T, exe, dir string, d time.Duration, acknowledged *[workers]int) {
	t.Helper()
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), "CHRONOMON_TEST_JOURNAL="+dir)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	timer := time.AfterFunc(d, func() { _ = cmd.Process.Kill() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var w, n int
		if _, err := fmt.Sscanf(lines.Text(), "%d %d", &w, &n); err == nil && strings.Count(lines.Text(), " ") == 1 {
			acknowledged[w] = max(acknowledged[w], n)
		}
	}
	timer.Stop()
	_ = cmd.Wait()
	require.Empty(t, complaint.String())
}
