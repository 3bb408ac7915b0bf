package elastic_test

import (
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
)

// FuzzDocument makes events of anything: the stand-in, which refuses keys that
// are there twice, takes a document of each, without what its name says is secret.
func FuzzDocument(f *testing.F) {
	f.Add("name", "key", "value", 1.5, int64(0))
	f.Add("\x00\xff\"\\", "", "://a:b@c password=x", math.NaN(), int64(-1<<63))
	f.Add("key_2", "key", "Bearer abcdefgh", math.Inf(1), int64(1<<62))
	f.Add("\xb0", "\xaf", "0", 1.5, int64(59))
	f.Add("\xb5", "\x00", "0", -67.5, int64(0))
	es := newStandIn(f)
	s := newStore(f, es.URL)
	const secret = "hunter2-Ω"
	f.Fuzz(func(t *testing.T, name, key, value string, number float64, at int64) {
		if strings.Contains(name+key+value, "hunter2") {
			return
		}
		e := monitor.Event{Time: time.Unix(at, 0), Kind: monitor.KindLog, Name: name, User: value}
		e.Add(
			slog.String(key, value), slog.Float64(key, number), slog.Group(key, name, value, key, number),
			slog.String(key+"Password", secret), slog.Any("any", map[string]any{key: value, name: key, key + "-token": secret}),
		)
		es.set(func(es *standIn) { es.docs, es.requests = nil, nil })
		require.NoError(t, s.Write(t.Context(), []monitor.Event{e}))
		docs := es.taken()
		require.Len(t, docs, 1)
		for _, v := range docs[0].Source["attributes"].(map[string]any) {
			require.NotEqual(t, secret, v)
			if tree, ok := v.(map[string]any); ok {
				for _, v := range tree {
					require.NotEqual(t, secret, v)
				}
			}
		}
	})
}
