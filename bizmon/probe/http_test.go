package probe_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/bizmon/probe"
)

// quotes is a small third-party API.
func quotes(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/quote":
		_, _ = io.WriteString(w, `{"symbol":"600519","price":1700.5}`)
	case "/broken":
		http.Error(w, "out of order", http.StatusServiceUnavailable)
	case "/cut":
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "short")
	case "/loop":
		http.Redirect(w, r, "/loop?n=1", http.StatusFound)
	case "/moved":
		http.Redirect(w, r, "/quote", http.StatusMovedPermanently)
	case "/nowhere":
		w.Header().Set("Location", "http://[::1:bad")
		w.WriteHeader(http.StatusFound)
	case "/abort":
		panic(http.ErrAbortHandler)
	}
}

func TestHTTP(t *testing.T) {
	t.Parallel()
	api := server(t, quotes)
	for name, c := range map[string]struct {
		path   string
		check  probe.HTTP
		reason probe.Reason // empty: succeeds
		detail string
		status int
	}{
		"fine":               {path: "/quote", status: 200},
		"status":             {path: "/broken", reason: probe.ReasonStatus, detail: "got 503, want 200 to 299", status: 503},
		"wanted status":      {path: "/broken", check: probe.HTTP{WantStatus: []int{200, 503}}, status: 503},
		"unwanted status":    {path: "/quote", check: probe.HTTP{WantStatus: []int{204}}, reason: probe.ReasonStatus, detail: "got 200, want [204]", status: 200},
		"text":               {path: "/quote", check: probe.HTTP{WantBody: `"price":`}, status: 200},
		"missing text":       {path: "/quote", check: probe.HTTP{WantBody: "volume"}, reason: probe.ReasonBody, detail: `"volume" is not in its 34 bytes`, status: 200},
		"pattern":            {path: "/quote", check: probe.HTTP{WantMatch: regexp.MustCompile(`"price":\d+`)}, status: 200},
		"missing pattern":    {path: "/quote", check: probe.HTTP{WantMatch: regexp.MustCompile(`^\[`)}, reason: probe.ReasonBody, detail: `pattern "^\\["`, status: 200},
		"judged":             {path: "/quote", check: probe.HTTP{CheckBody: priced}, status: 200},
		"misjudged":          {path: "/broken", check: probe.HTTP{CheckBody: priced, WantStatus: []int{503}}, reason: probe.ReasonBody, detail: "no quote", status: 503},
		"chosen reason":      {path: "/quote", check: probe.HTTP{CheckBody: func([]byte) error { return &probe.Failure{Reason: "stale", Detail: "of yesterday"} }}, reason: "stale", detail: "of yesterday", status: 200},
		"judge panics":       {path: "/quote", check: probe.HTTP{CheckBody: func([]byte) error { panic("oops") }}, reason: probe.ReasonPanic, detail: "panicked with a", status: 200},
		"large body":         {path: "/quote", check: probe.HTTP{MaxBody: 33}, reason: probe.ReasonBody, detail: "larger than 33 bytes", status: 200},
		"body that fits":     {path: "/quote", check: probe.HTTP{MaxBody: 34}, status: 200},
		"body of any size":   {path: "/quote", check: probe.HTTP{MaxBody: math.MaxInt64, WantBody: "600519"}, status: 200},
		"cut body":           {path: "/cut", reason: probe.ReasonReset, detail: "reading the body", status: 200},
		"aborted":            {path: "/abort", reason: probe.ReasonReset, detail: "waiting for the answer"},
		"redirect":           {path: "/moved", check: probe.HTTP{WantBody: "600519"}, status: 200},
		"redirects forever":  {path: "/loop", reason: probe.ReasonRedirect, detail: "more than 10"},
		"few redirects":      {path: "/loop", check: probe.HTTP{MaxRedirects: 2}, reason: probe.ReasonRedirect, detail: "more than 2"},
		"redirect is wanted": {path: "/moved", check: probe.HTTP{MaxRedirects: -1, WantStatus: []int{301}}, status: 301},
		"redirect to where":  {path: "/nowhere", reason: probe.ReasonError, detail: "Location"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.check.URL = api.URL + c.path
			b := one(t, c.check)
			r := b.check(t)
			require.Equal(t, c.status, r.HTTPStatus)
			require.Positive(t, r.Duration)
			if c.reason != "" {
				requireFailure(t, r, c.reason, c.detail)
				require.Equal(t, []string{`probe_success{target="api",prober="http"} 0`}, b.exposition("probe_success{"))
			} else {
				require.NoError(t, r.Err)
				require.True(t, r.Success)
				require.Empty(t, r.Reason())
				require.Equal(t, []string{`probe_success{target="api",prober="http"} 1`}, b.exposition("probe_success{"))
			}
			if c.status == 0 {
				require.Empty(t, b.exposition("probe_http_status_code{"))
			} else {
				require.Equal(t, []string{fmt.Sprintf(`probe_http_status_code{target="api",prober="http"} %d`, c.status)}, b.exposition("probe_http_status_code{"))
			}
		})
	}
}

func priced(body []byte) error {
	var q struct{ Price float64 }
	if err := json.Unmarshal(body, &q); err != nil || q.Price == 0 {
		return errors.New("no quote")
	}
	return nil
}

func TestHTTPRefused(t *testing.T) {
	t.Parallel()
	address := closed(t)
	requireFailure(t, one(t, probe.HTTP{URL: "http://" + address + "/x"}).check(t), probe.ReasonRefused, address+" refused the connection")
}

func TestHTTPTimeout(t *testing.T) {
	t.Parallel()
	api := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/half" {
			_ = http.NewResponseController(w).Flush()
		}
		<-r.Context().Done()
	})
	for path, phase := range map[string]string{"/none": "waiting for the answer", "/half": "reading the body"} {
		b := setup(t, []probe.Target{{Name: "api", Check: probe.HTTP{URL: api.URL + path}, Interval: time.Second, Timeout: 50 * time.Millisecond}})
		r := b.check(t)
		requireFailure(t, r, probe.ReasonTimeout, "not done within 50ms, "+phase)
		require.Less(t, r.Duration, 5*time.Second)
	}
	silent := tcp(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	b := setup(t, []probe.Target{{Name: "api", Check: probe.HTTP{URL: "https://" + silent}, Interval: time.Second, Timeout: 50 * time.Millisecond}})
	requireFailure(t, b.check(t), probe.ReasonTimeout, "in the TLS handshake")
}

func TestHTTPNotHTTP(t *testing.T) {
	t.Parallel()
	odd := tcp(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 1024))
		_, _ = io.WriteString(c, "SSH-2.0-OpenSSH\r\n")
	})
	requireFailure(t, one(t, probe.HTTP{URL: "http://" + odd}).check(t), probe.ReasonError, "malformed HTTP")
	plain := server(t, quotes)
	requireFailure(t, one(t, probe.HTTP{URL: strings.Replace(plain.URL, "http:", "https:", 1)}).check(t), probe.ReasonTLS, "the answer is not TLS")
}

func TestHTTPSendsWhatItIsTold(t *testing.T) {
	t.Parallel()
	type request struct {
		method, host, body, agent, tenant, user, password string
	}
	got := make(chan request, 1)
	api := server(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		user, password, _ := r.BasicAuth()
		got <- request{r.Method, r.Host, string(body), r.UserAgent(), r.Header.Get("X-Tenant"), user, password}
	})
	header := http.Header{"x-tenant": {"cn"}, "Host": {"quotes.test"}}
	b := one(t, probe.HTTP{
		URL: strings.Replace(api.URL, "http://", "http://bob:secret@", 1), Method: http.MethodPost,
		Header: header, Body: []byte(`{"ping":1}`),
	})
	require.NoError(t, b.check(t).Err)
	require.Equal(t, request{"POST", "quotes.test", `{"ping":1}`, "chronomon-probe", "cn", "bob", "secret"}, <-got)
}

// TestRedirectsLoseSecrets: what is for one origin does not reach another one.
func TestRedirectsLoseSecrets(t *testing.T) {
	t.Parallel()
	seen := make(chan http.Header, 1)
	other := server(t, func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header })
	same := make(chan http.Header, 1)
	api := server(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/here":
			http.Redirect(w, r, "/there", http.StatusFound)
		case "/there":
			same <- r.Header
		default:
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		}
	})
	secret := http.Header{"X-Api-Key": {"s3cr3t-key"}, "Authorization": {"Bearer s3cr3t"}}
	require.NoError(t, one(t, probe.HTTP{URL: api.URL + "/?token=s3cr3t", Header: secret}).check(t).Err)
	got := <-seen
	require.NotContains(t, fmt.Sprint(got), "s3cr3t")
	require.Equal(t, "chronomon-probe", got.Get("User-Agent"))

	require.NoError(t, one(t, probe.HTTP{URL: api.URL + "/here", Header: secret}).check(t).Err)
	require.Equal(t, "s3cr3t-key", (<-same).Get("X-Api-Key"), "within the origin they go along")

	r := one(t, probe.HTTP{URL: api.URL, Method: http.MethodPost, Body: []byte("s3cr3t")}).check(t)
	requireFailure(t, r, probe.ReasonRedirect, "the body would go to another origin")
	require.Empty(t, seen)
}

func TestHTTPTransportOfTheHost(t *testing.T) {
	t.Parallel()
	b := one(t, probe.HTTP{URL: "http://quotes.test", WantBody: "fine", Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		_, _ = w.WriteString("fine, " + r.URL.Host)
		return w.Result(), nil
	})})
	require.NoError(t, b.check(t).Err)
	b = one(t, probe.HTTP{URL: "http://quotes.test", Transport: roundTrip(func(*http.Request) (*http.Response, error) { panic("oops") })})
	requireFailure(t, b.check(t), probe.ReasonPanic, "panicked with a")
	require.Equal(t, []string{`monitor_callback_panics_total{callback="probe.http"} 1`}, b.exposition("monitor_callback_panics_total{"))
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
