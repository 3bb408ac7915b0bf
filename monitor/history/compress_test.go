package history_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// asked is a response to a request with an Accept-Encoding of its own.
func asked(h http.Handler, method, path, accept string, pairs ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path+"?"+form(pairs).Encode(), http.NoBody)
	if accept != "" {
		r.Header.Set("Accept-Encoding", accept)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// large is a query whose answer is some hundred KB.
var large = []string{"query", "t_duration_seconds_bucket", "start", "1700000000", "end", at, "step", "0.01"}

func TestCompression(t *testing.T) {
	t.Parallel()
	h := served(t)
	const path = "/api/v1/query_range"
	plain := asked(h, http.MethodGet, path, "", large...)
	require.Equal(t, http.StatusOK, plain.Code)
	require.Greater(t, plain.Body.Len(), 100_000)
	require.Empty(t, plain.Header().Get("Content-Encoding"))
	require.Equal(t, "Accept-Encoding", plain.Header().Get("Vary"))
	for accept, packed := range map[string]bool{
		"gzip": true, "deflate, GZIP;q=0.5": true, "*": true, "br, *;q=0.1": true,
		"gzip;q=0": false, "gzip; q=0.000": false, "*, gzip;q=0": false, "br": false, "*;q=0": false, "gzip;q=x": false,
	} {
		w := asked(h, http.MethodGet, path, accept, large...)
		require.Equal(t, http.StatusOK, w.Code)
		require.Equal(t, "Accept-Encoding", w.Header().Get("Vary"))
		require.Equal(t, strconv.Itoa(w.Body.Len()), w.Header().Get("Content-Length"))
		head := asked(h, http.MethodHead, path, accept, large...)
		require.Equal(t, w.Header(), head.Header(), accept)
		require.Zero(t, head.Body.Len())
		if !packed {
			require.Empty(t, w.Header().Get("Content-Encoding"), accept)
			require.True(t, bytes.Equal(plain.Body.Bytes(), w.Body.Bytes()), accept)
			continue
		}
		require.Equal(t, "gzip", w.Header().Get("Content-Encoding"), accept)
		require.Less(t, w.Body.Len(), plain.Body.Len()/10)
		z, err := gzip.NewReader(w.Body)
		require.NoError(t, err)
		got, err := io.ReadAll(z)
		require.NoError(t, err)
		require.True(t, bytes.Equal(plain.Body.Bytes(), got), accept)
	}
	small := asked(h, http.MethodGet, "/api/v1/query", "gzip", "query", "g", "time", at)
	require.Empty(t, small.Header().Get("Content-Encoding"), "not worth it")
	require.Equal(t, "Accept-Encoding", small.Header().Get("Vary"))
	wrong := asked(h, http.MethodGet, "/api/v1/query", "gzip", "query", "rate(", "time", at)
	require.Equal(t, http.StatusBadRequest, wrong.Code)
	require.Contains(t, wrong.Body.String(), `"status":"error"`)
}

// TestCompressionOnTheWire is what Go's own client makes of it.
func TestCompressionOnTheWire(t *testing.T) {
	t.Parallel()
	h := served(t)
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	url := server.URL + "/api/v1/query_range?" + form(large).Encode()
	res, err := server.Client().Get(url)
	require.NoError(t, err)
	got, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.True(t, res.Uncompressed)
	require.Equal(t, asked(h, http.MethodGet, "/api/v1/query_range", "", large...).Body.String(), string(got))
	res, err = server.Client().Head(url)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Greater(t, res.ContentLength, int64(1000))
}
