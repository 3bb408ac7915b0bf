package bizmon_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/bizmon"
	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/monitor"
)

var update = flag.Bool("update", false, "rewrite the golden expositions")

// TestGoldenExposition: every business metric of the catalogue is emitted, under
// these names, labels and values.
func TestGoldenExposition(t *testing.T) {
	t.Parallel()
	for name, profile := range map[string]monitor.Profile{"design": monitor.ProfileDesign, "chronoretrace": monitor.ProfileChronoRetrace} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t, []monitor.Option{monitor.WithProfiles(profile)}, bizmon.WithSketchStore(&memory{}, time.Second))
			everything(t, s)
			require.NoError(t, s.Sync(t.Context()))
			s.Check(s.clock.Now().Add(40 * time.Minute)) // ends the session
			var b strings.Builder
			for _, l := range s.exposition("") {
				if !strings.Contains(l, "monitor_") {
					b.WriteString(l + "\n")
				}
			}
			file := filepath.Join("testdata", name+".prom")
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(b.String()), 0o600))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, string(want), b.String(), "a difference here is a change of the API; -update rewrites %s", file)

			shown := s.exposition("# TYPE ")
			for _, m := range catalog.All() {
				if area(m.Name) {
					typ := "# TYPE " + m.Names(profile)[0].Name + " " + m.Type.String()
					require.Contains(t, shown, typ, "it is emitted")
				}
			}
		})
	}
}

// TestEveryMetricIsDocumented, with its labels and its type.
func TestEveryMetricIsDocumented(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	documented := map[string]string{} // type by name and labels
	for line := range strings.Lines(string(doc)) {
		if f := strings.Fields(line); len(f) >= 3 {
			documented[f[1]] = f[2]
		}
	}
	for _, m := range catalog.All() {
		if !area(m.Name) {
			continue
		}
		series := m.Name
		if len(m.Labels) > 0 {
			series += "{" + strings.Join(m.Labels, ",") + "}"
		}
		require.Equal(t, m.Type.String(), documented[series], series)
		for _, l := range m.Labels {
			require.Contains(t, documented, l, "which values it has")
		}
	}
}

// area reports whether a metric is of this package.
func area(name string) bool {
	for _, p := range []string{
		"active_users", "concurrent_users", "feature_", "user_", "login_", "stock_", "data_quality", "data_source", "market_", "websocket_", "backtest_",
	} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}
