package otelbridge_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// render writes what arrived as text: scopes, names, units, kinds, attributes
// and numbers, without empty buckets and what the monitor says of itself.
func render(t *testing.T, scopes []*metricspb.ScopeMetrics) string {
	t.Helper()
	var b strings.Builder
	for _, s := range scopes {
		fmt.Fprintf(&b, "scope %s\n", s.GetScope().GetName())
		for _, m := range s.GetMetrics() {
			if strings.HasPrefix(m.GetName(), "monitor_") {
				continue
			}
			fmt.Fprintf(&b, "\n%s unit %q: %s\n", m.GetName(), m.GetUnit(), m.GetDescription())
			lines := samples{}
			one := []*metricspb.ScopeMetrics{{Metrics: []*metricspb.Metric{m}}}
			for key, v := range received(t, one) {
				lines[strings.Replace(key, m.GetName(), "", 1)] = v
			}
			for _, key := range slices.Sorted(maps.Keys(lines)) {
				if lines[key] != 0 || !strings.Contains(key, " le ") {
					fmt.Fprintf(&b, "  %s = %v\n", key, lines[key])
				}
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

func checkGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}
