// Package journaltest tests implementations of journal.Keyed.
package journaltest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/journal"
)

// TestKeyed holds an implementation to the contract of [journal.Keyed]. open
// returns a new, empty state, and what opens it again as the next process would.
func TestKeyed(t *testing.T, open func(t testing.TB) (k journal.Keyed, again func() journal.Keyed)) {
	t.Helper()
	for name, test := range map[string]func(t *testing.T, k journal.Keyed, again func() journal.Keyed){
		"Empty":      testEmpty,
		"Write":      testWrite,
		"Values":     testValues,
		"Prefix":     testPrefix,
		"Many":       testMany,
		"Refused":    testRefused,
		"Isolation":  testIsolation,
		"Stop":       testStop,
		"Concurrent": testConcurrent,
		"JSON":       testJSON,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, again := open(t)
			test(t, k, again)
		})
	}
}

// state is what is under a prefix, each as key=value, in the order of Range.
func state(t *testing.T, k journal.Keyed, prefix string) (out []string) {
	t.Helper()
	require.NoError(t, k.Range(t.Context(), prefix, func(key string, value []byte) error {
		require.NotNil(t, value)
		out = append(out, key+"="+string(value))
		return nil
	}))
	return out
}

func write(t *testing.T, k journal.Keyed, pairs ...string) {
	t.Helper()
	changes := map[string][]byte{}
	for _, p := range pairs {
		key, value, put := strings.Cut(p, "=")
		changes[key] = nil
		if put {
			changes[key] = []byte(value)
		}
	}
	require.NoError(t, k.Write(t.Context(), changes))
}

func testEmpty(t *testing.T, k journal.Keyed, again func() journal.Keyed) {
	t.Helper()
	require.Empty(t, state(t, k, ""))
	require.NoError(t, k.Write(t.Context(), nil))
	write(t, k, "gone")
	require.Empty(t, state(t, again(), ""))
}

func testWrite(t *testing.T, k journal.Keyed, again func() journal.Keyed) {
	t.Helper()
	write(t, k, "b=1", "a=2")
	write(t, k, "b=3", "c=4")
	write(t, k, "a", "d=", "no such key")
	want := []string{"b=3", "c=4", "d="}
	require.Equal(t, want, state(t, k, ""))
	require.Equal(t, want, state(t, again(), ""))
}

// testValues: values are bytes, and may be as long as they may be.
func testValues(t *testing.T, k journal.Keyed, again func() journal.Keyed) {
	t.Helper()
	values := map[string][]byte{
		"empty": {}, "nul": {0}, "not UTF-8": {0xff, 0xfe, 0}, "quote": []byte(`'"\`), "longest": bytes.Repeat([]byte{7}, journal.MaxValue),
		strings.Repeat("k", journal.MaxKey): []byte("long key"), "上证指数/600000": []byte("贵州茅台"), "a'b\\c\"%_": []byte("odd key"),
	}
	require.NoError(t, k.Write(t.Context(), values))
	for _, k := range []journal.Keyed{k, again()} {
		got := map[string][]byte{}
		require.NoError(t, k.Range(t.Context(), "", func(key string, value []byte) error {
			got[key] = value
			return nil
		}))
		require.Equal(t, values, got)
	}
}

// testPrefix: prefixes are bytes, not patterns, and the order is that of bytes.
func testPrefix(t *testing.T, k journal.Keyed, _ func() journal.Keyed) {
	t.Helper()
	write(t, k, "a=1", "a%=2", "a%b=3", "ab=4", "a_=5", "B=6", "é=7", "\U0010ffff=8", "\U0010ffffz=9", "ä=10")
	require.Equal(t, []string{"B=6", "a=1", "a%=2", "a%b=3", "a_=5", "ab=4", "ä=10", "é=7", "\U0010ffff=8", "\U0010ffffz=9"}, state(t, k, ""))
	require.Equal(t, []string{"a%=2", "a%b=3"}, state(t, k, "a%"))
	require.Equal(t, []string{"a_=5"}, state(t, k, "a_"))
	require.Equal(t, []string{"\U0010ffff=8", "\U0010ffffz=9"}, state(t, k, "\U0010ffff"))
	require.Empty(t, state(t, k, "x"))
}

// testMany: more keys than fit into a page.
func testMany(t *testing.T, k journal.Keyed, again func() journal.Keyed) {
	t.Helper()
	var want []string
	changes := map[string][]byte{}
	for i := range 2500 {
		key := fmt.Sprintf("key/%04d", i)
		changes[key] = []byte{byte('a' + i%26)}
		want = append(want, key+"="+string(changes[key]))
	}
	require.NoError(t, k.Write(t.Context(), changes))
	require.Equal(t, want, state(t, k, "key/"))
	require.Equal(t, want, state(t, again(), ""))
}

// testRefused: a change that is refused takes the whole write with it.
func testRefused(t *testing.T, k journal.Keyed, again func() journal.Keyed) {
	t.Helper()
	for _, bad := range []map[string][]byte{
		{"": {1}},
		{strings.Repeat("k", journal.MaxKey+1): {1}},
		{"a\x00": {1}},
		{"\xff": {1}},
		{"long": make([]byte, journal.MaxValue+1)},
		{"1": make([]byte, journal.MaxValue), "2": make([]byte, journal.MaxValue), "3": make([]byte, journal.MaxValue), "4": make([]byte, journal.MaxValue), "5": make([]byte, journal.MaxValue), "6": make([]byte, journal.MaxValue), "7": make([]byte, journal.MaxValue), "8": make([]byte, journal.MaxValue)},
	} {
		bad["fine"] = []byte("fine")
		require.ErrorIs(t, k.Write(t.Context(), bad), journal.ErrInvalid)
	}
	many := map[string][]byte{}
	for i := range journal.MaxChange + 1 {
		many[strconv.Itoa(i)] = nil
	}
	require.ErrorIs(t, k.Write(t.Context(), many), journal.ErrInvalid)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, k.Write(cancelled, map[string][]byte{"late": {1}}), context.Canceled)
	require.Empty(t, state(t, k, ""))
	require.Empty(t, state(t, again(), ""))
}

// testIsolation: the caller may change what it gave and what it got.
func testIsolation(t *testing.T, k journal.Keyed, again func() journal.Keyed) {
	t.Helper()
	changes := map[string][]byte{"a": []byte("mine")}
	require.NoError(t, k.Write(t.Context(), changes))
	copy(changes["a"], "XXXX")
	require.NoError(t, k.Range(t.Context(), "", func(_ string, value []byte) error {
		copy(value, "YYYY")
		return nil
	}))
	require.Equal(t, []string{"a=mine"}, state(t, k, ""))
	require.Equal(t, []string{"a=mine"}, state(t, again(), ""))
}

// testStop: f may end a range, and may write.
func testStop(t *testing.T, k journal.Keyed, _ func() journal.Keyed) {
	t.Helper()
	write(t, k, "a=1", "b=2", "c=3")
	enough := errors.New("enough")
	n := 0
	require.ErrorIs(t, k.Range(t.Context(), "", func(key string, _ []byte) error {
		n++
		write(t, k, key)
		if n == 2 {
			return enough
		}
		return nil
	}), enough)
	require.Equal(t, []string{"c=3"}, state(t, k, ""))
}

// testConcurrent: writers at the same time lose nothing, and each write is
// there as a whole.
func testConcurrent(t *testing.T, k journal.Keyed, again func() journal.Keyed) {
	t.Helper()
	const writers, rounds = 8, 25
	errs := make([]error, writers)
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for r := range rounds {
				v := fmt.Appendf(nil, "%d.%d", w, r)
				errs[w] = errors.Join(errs[w], k.Write(t.Context(), map[string][]byte{
					"shared/1": v, "shared/2": v, fmt.Sprintf("own/%d/%02d", w, r): v,
				}))
			}
		})
	}
	all.Wait()
	require.NoError(t, errors.Join(errs...))
	for _, k := range []journal.Keyed{k, again()} {
		require.Len(t, state(t, k, "own/"), writers*rounds)
		shared := state(t, k, "shared/")
		require.Len(t, shared, 2)
		require.Equal(t, strings.TrimPrefix(shared[0], "shared/1"), strings.TrimPrefix(shared[1], "shared/2"))
	}
}

func testJSON(t *testing.T, k journal.Keyed, again func() journal.Keyed) {
	t.Helper()
	type silence struct{ By, Why string }
	one := silence{"ops", "a <move> & more"}
	require.NoError(t, journal.PutJSON(t.Context(), k, "silence/1", one))
	require.NoError(t, journal.PutJSON(t.Context(), k, "silence/2", silence{}))
	require.NoError(t, journal.PutJSON(t.Context(), k, "other", 1))
	require.Error(t, journal.PutJSON(t.Context(), k, "silence/3", func() {}))
	require.NoError(t, journal.Delete(t.Context(), k, "silence/2", "silence/9"))
	got, err := journal.LoadJSON[silence](t.Context(), k, "silence/")
	require.NoError(t, err)
	require.Equal(t, map[string]silence{"silence/1": one}, got)
	write(t, k, "silence/4={")
	got, err = journal.LoadJSON[silence](t.Context(), again(), "silence/")
	require.ErrorContains(t, err, `journal: load "silence/4"`)
	require.Equal(t, map[string]silence{"silence/1": one}, got)
}
