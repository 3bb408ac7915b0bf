package apimon

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestViewsHaveTheirInterfacesAndNoOthers(t *testing.T) {
	t.Parallel()
	for k := range kinds {
		v := (&writer{rw: gone{}}).newView(k)
		has := func(ok bool, bit kind) {
			require.Equal(t, k&bit != 0, ok, "kind %05b, interface %05b", k, bit)
		}
		_, ok := v.(http.Flusher)
		has(ok, isFlusher)
		_, ok = v.(interface{ FlushError() error })
		has(ok, isFlusher)
		_, ok = v.(http.Hijacker)
		has(ok, isHijacker)
		_, ok = v.(io.ReaderFrom)
		has(ok, isReaderFrom)
		_, ok = v.(http.Pusher)
		has(ok, isPusher)
		_, ok = v.(http.CloseNotifier) //nolint:staticcheck // passed on for those who ask
		has(ok, isCloseNotifier)
		require.Implements(t, (*io.StringWriter)(nil), v)
		wt := (&core{}).newWriterType(v)
		require.Equal(t, k, wt.kind, "a view of a view has the same")
		require.True(t, wt.inner)
	}
	wt := (&core{}).newWriterType(httptest.NewRecorder())
	require.Equal(t, isFlusher, wt.kind)
	require.False(t, wt.reuse, "somebody may hold it")
}

// A handler that keeps its writer gets errors, until the writer is used again.
func TestWriterOfAFinishedRequestIsGone(t *testing.T) {
	t.Parallel()
	for k := range kinds {
		v := (&writer{rw: gone{}}).newView(k)
		v.WriteHeader(http.StatusOK)
		require.NotNil(t, v.Header())
		_, err := v.Write([]byte("x"))
		require.ErrorIs(t, err, errGone)
		_, err = io.WriteString(v, "x")
		require.ErrorIs(t, err, errGone)
		if f, ok := v.(http.Flusher); ok {
			f.Flush()
			require.ErrorIs(t, http.NewResponseController(v).Flush(), http.ErrNotSupported)
		}
		if h, ok := v.(http.Hijacker); ok {
			_, _, err = h.Hijack()
			require.ErrorIs(t, err, http.ErrNotSupported)
		}
		if r, ok := v.(io.ReaderFrom); ok {
			_, err = r.ReadFrom(http.NoBody)
			require.ErrorIs(t, err, http.ErrNotSupported)
		}
		if p, ok := v.(http.Pusher); ok {
			require.ErrorIs(t, p.Push("/", nil), http.ErrNotSupported)
		}
		if c, ok := v.(http.CloseNotifier); ok { //nolint:staticcheck // passed on for those who ask
			require.NotNil(t, c.CloseNotify())
		}
	}
}

func TestServersWritersAreKnown(t *testing.T) {
	t.Parallel()
	for _, http2 := range []bool{false, true} {
		var proto string
		var wt writerType
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			proto, wt = r.Proto, (&core{}).newWriterType(w)
		}))
		srv.EnableHTTP2 = http2
		srv.StartTLS()
		t.Cleanup(srv.Close)
		resp, err := srv.Client().Get(srv.URL)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http2, proto == "HTTP/2.0")
		require.Equal(t, !http2, wt.reuse, "%s: what can push is not used again", proto)
		require.False(t, wt.inner, proto)
	}
}
