package evidence_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/anomaly/evidence"
)

func TestHandler(t *testing.T) {
	t.Parallel()
	b := setup(t)
	h := http.StripPrefix("/debug/evidence", b.Handler())
	do := func(method, path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		req := httptest.NewRequest(method, "/debug/evidence/", http.NoBody)
		req.URL.Path = "/debug/evidence/" + path
		h.ServeHTTP(w, req)
		require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
		require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
		return w
	}
	require.Equal(t, "[]\n", do(http.MethodGet, "").Body.String())

	id := b.capture(t, "<x>")
	w := do(http.MethodGet, id)
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Equal(t, "5", w.Header().Get("Retry-After"))
	b.run(t)
	b.files(t, id)

	w = do(http.MethodGet, id)
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, "application/gzip", w.Header().Get("Content-Type"))
	require.Equal(t, `attachment; filename="evidence-`+id+`.tar.gz"`, w.Header().Get("Content-Disposition"))
	require.Contains(t, unpacked(t, w.Body), "manifest.json")
	require.Empty(t, do(http.MethodHead, id).Body.Bytes())

	var all []evidence.Bundle
	require.NoError(t, json.Unmarshal(do(http.MethodGet, "").Body.Bytes(), &all))
	require.Len(t, all, 1)
	require.Equal(t, []string{id, "alert", "<x>"}, []string{all[0].ID, all[0].Kind, all[0].Name})

	for _, path := range []string{"../" + id, "../../etc/passwd", "x", id + "/", strings.Repeat("a", 5000), "%00", id + ".tar.gz"} {
		w := do(http.MethodGet, path)
		require.Equal(t, http.StatusNotFound, w.Code, path)
		require.NotContains(t, w.Body.String(), b.dir)
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
		w := do(method, id)
		require.Equal(t, http.StatusMethodNotAllowed, w.Code)
		require.Equal(t, "GET, HEAD", w.Header().Get("Allow"))
	}
	b.files(t, id)
}
