package history_test

import (
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor/history"
)

var update = flag.Bool("update", false, "rewrite testdata")

// TestNames: the names and labels of everything that is emitted are a promise.
// Values are left out, since many are times.
func TestNames(t *testing.T) {
	t.Parallel()
	r := setup(t, history.WithStoragePath(t.TempDir()), history.WithWatch("w", "vector(1)", time.Second), history.WithWatch("bad", `label_replace(monitor_history_series_evicted_total, "reason", "", "", "")`, time.Second))
	t.Cleanup(func() { require.NoError(t, r.db.Close()) })
	require.ErrorContains(t, r.db.Sample(t.Context(), start), `watch "bad"`)
	require.ErrorContains(t, r.db.Sample(t.Context(), start.Add(time.Minute)), `watch "bad"`) // by now both tiers have an oldest sample
	c := r.db.At(start)
	for range 2 {
		_, err := c.Query(t.Context(), "vector(1)", start)
		require.NoError(t, err)
	}
	page := httptest.NewRecorder()
	r.m.Handler().ServeHTTP(page, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	var got []string
	for l := range strings.Lines(page.Body.String()) {
		l = strings.TrimSpace(l)
		if !strings.HasPrefix(l, "monitor_history_") && !strings.HasPrefix(l, "# TYPE monitor_history_") {
			continue
		}
		if !strings.HasPrefix(l, "#") {
			l = l[:strings.LastIndexByte(l, ' ')]
		}
		if name, _, _ := strings.Cut(l, "{"); !strings.HasSuffix(name, "_bucket") && !strings.HasSuffix(name, "_sum") {
			got = append(got, l)
		}
	}
	slices.Sort(got)
	text := strings.Join(got, "\n") + "\n"
	file := filepath.Join("testdata", "names.txt")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), text)
}
