package keypattern_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/keypattern"
)

func TestFindAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("allocations are counted without the race detector")
	}
	var sc keypattern.Scratch
	full := extractor(t, func(c *keypattern.Config) { c.Limit = 1 })
	find(full, "a:1")
	for name, x := range map[string]*keypattern.Extractor{
		"words": extractor(t, nil),
		"rules": extractor(t, func(c *keypattern.Config) { c.Rules = []string{"stock:daily:*"} }),
		"full":  full,
	} {
		for _, key := range []string{"stock:daily:600519", "session:550e8400-e29b-41d4-a716-446655440000", "", "alice@example.com"} {
			inBytes := []byte(key)
			require.Zero(t, testing.AllocsPerRun(100, func() { x.Find(&sc, key); x.FindBytes(&sc, inBytes) }), "%s: %s", name, key)
		}
	}
}

func BenchmarkFind(b *testing.B) {
	for name, key := range map[string]string{
		"stock": "stock:daily:600519",
		"uuid":  "session:550e8400-e29b-41d4-a716-446655440000",
	} {
		b.Run(name, func(b *testing.B) {
			x := extractor(b, nil)
			var sc keypattern.Scratch
			b.ReportAllocs()
			for b.Loop() {
				x.Find(&sc, key)
			}
		})
	}
	b.Run("rule", func(b *testing.B) {
		x := extractor(b, func(c *keypattern.Config) { c.Rules = []string{"user:*", "stock:daily:*"} })
		var sc keypattern.Scratch
		b.ReportAllocs()
		for b.Loop() {
			x.Find(&sc, "stock:daily:600519")
		}
	})
}
