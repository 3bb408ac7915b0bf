package promapi_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/promapi"
)

// TestRetries: what is tried again, how often, and how long that takes.
func TestRetries(t *testing.T) {
	t.Parallel()
	refused := errors.New("connection refused")
	timedOut := `{"status":"error","errorType":"timeout","error":"query timed out"}`
	for name, c := range map[string]struct {
		answers    []any // an error, a status, or a body that comes with status 200
		retryAfter string
		tries      int
		want       error
		least      time.Duration
		most       time.Duration
	}{
		"at once":           {answers: []any{vector(one)}, tries: 1},
		"the second time":   {answers: []any{503, vector(one)}, tries: 2, least: 500 * time.Millisecond, most: time.Second},
		"the third time":    {answers: []any{refused, 500, vector(one)}, tries: 3, least: 1500 * time.Millisecond, most: 3 * time.Second},
		"never":             {answers: []any{429}, tries: 4, want: monitor.ErrQueryUnavailable, least: 2500 * time.Millisecond, most: 5 * time.Second},
		"never there":       {answers: []any{refused}, tries: 4, want: monitor.ErrQueryUnavailable, least: 2500 * time.Millisecond, most: 5 * time.Second},
		"bad query":         {answers: []any{400}, tries: 1, want: monitor.ErrQueryUnavailable},
		"denied":            {answers: []any{401}, tries: 1, want: monitor.ErrQueryDenied},
		"not implemented":   {answers: []any{501}, tries: 2, want: monitor.ErrQueryUnavailable}, // POST, then GET
		"no such path":      {answers: []any{404}, tries: 1, want: monitor.ErrQueryUnavailable},
		"garbage":           {answers: []any{"<html>"}, tries: 1, want: monitor.ErrQueryUnavailable},
		"after 7 s":         {answers: []any{503, vector(one)}, retryAfter: "7", tries: 2, least: 7 * time.Second, most: 7 * time.Second},
		"at a time":         {answers: []any{429, vector(one)}, retryAfter: "Sat, 01 Jan 2000 00:00:09 GMT", tries: 2, least: 9 * time.Second, most: 9 * time.Second},
		"at a time gone by": {answers: []any{429, vector(one)}, retryAfter: "Sat, 01 Jan 1999 00:00:09 GMT", tries: 2, least: 500 * time.Millisecond, most: time.Second},
		"after too long":    {answers: []any{503, vector(one)}, retryAfter: "31", tries: 1, want: monitor.ErrQueryUnavailable},
		"after nonsense":    {answers: []any{503, vector(one)}, retryAfter: "-1 s", tries: 2, least: 500 * time.Millisecond, most: time.Second},
		"evaluation":        {answers: []any{io.MultiReader(strings.NewReader(timedOut))}, tries: 1, want: monitor.ErrQueryTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tries := 0
				s := setup(t, "http://test", promapi.WithRetry(4, time.Second, 2*time.Second), promapi.WithTransport(transport(func(r *http.Request) (*http.Response, error) {
					require.NoError(t, r.ParseForm())
					require.Equal(t, "x", r.Form.Get("query"), "every request has the whole question")
					answer := c.answers[min(tries, len(c.answers)-1)]
					tries++
					switch a := answer.(type) {
					case error:
						return nil, a
					case int:
						resp := response(r, a, "")
						resp.Header.Set("Retry-After", c.retryAfter)
						return resp, nil
					case io.Reader:
						body, _ := io.ReadAll(a)
						return response(r, 503, string(body)), nil
					}
					return response(r, 200, answer.(string)), nil
				})))
				start := time.Now()
				_, err := s.Query(t.Context(), "x", noon)
				require.ErrorIs(t, err, c.want)
				require.Equal(t, c.tries, tries)
				require.GreaterOrEqual(t, time.Since(start), c.least)
				require.LessOrEqual(t, time.Since(start), c.most)
			})
		})
	}
}

// TestBrokenAnswer: an answer that breaks off is asked for again.
func TestBrokenAnswer(t *testing.T) {
	t.Parallel()
	var tries atomic.Int32
	s := setup(t, serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if tries.Add(1) == 1 {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, vector(one))
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, vector(one))
	}), promapi.WithRetry(2, time.Millisecond, time.Millisecond))
	got, err := s.Query(t.Context(), "x", noon)
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.InDelta(t, 1, s.count(t, `monitor_promapi_retries_total{server="test"}`), 0)
}

// TestNotHTTP: a port on which something else listens.
func TestNotHTTP(t *testing.T) {
	t.Parallel()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var serving sync.WaitGroup
	t.Cleanup(serving.Wait)
	t.Cleanup(func() { _ = l.Close() })
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "220 mail.test ESMTP\r\n"+strings.Repeat("x", 10_000)+"\r\n")
			_ = conn.Close()
		}
	})
	_, err = setup(t, "http://"+l.Addr().String(), promapi.WithRetry(2, time.Millisecond, time.Millisecond)).Query(t.Context(), "x", noon)
	require.ErrorIs(t, err, monitor.ErrQueryUnavailable)
	require.Less(t, len(err.Error()), 700)
}

// TestTimes: whose patience ended is what the error says.
func TestTimes(t *testing.T) {
	t.Parallel()
	silent := transport(func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	})
	busy := transport(func(r *http.Request) (*http.Response, error) { return response(r, 503, ""), nil })
	for name, c := range map[string]struct {
		transport transport
		caller    time.Duration // its deadline, 0 for none
		cancel    time.Duration // when it gives up, 0 for never
		want      []error
		not       error
		took      time.Duration
	}{
		"ours":                  {silent, 0, 0, []error{monitor.ErrQueryTimeout, context.DeadlineExceeded}, context.Canceled, 30 * time.Second},
		"the caller's":          {silent, time.Second, 0, []error{monitor.ErrQueryTimeout, context.DeadlineExceeded}, context.Canceled, time.Second},
		"the caller's is later": {silent, time.Minute, 0, []error{monitor.ErrQueryTimeout, context.DeadlineExceeded}, context.Canceled, 30 * time.Second},
		"cancelled":             {silent, 0, time.Second, []error{context.Canceled}, monitor.ErrQueryTimeout, time.Second},
		"between tries":         {busy, 0, time.Second, []error{context.Canceled}, monitor.ErrQueryUnavailable, time.Second},
		"no time for a try":     {busy, 9 * time.Second, 0, []error{monitor.ErrQueryUnavailable}, monitor.ErrQueryTimeout, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := setup(t, "http://test", promapi.WithTransport(c.transport), promapi.WithRetry(2, 20*time.Second, 20*time.Second))
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if c.caller > 0 {
					var stop context.CancelFunc
					ctx, stop = context.WithTimeout(ctx, c.caller)
					defer stop()
				}
				if c.cancel > 0 {
					time.AfterFunc(c.cancel, cancel)
				}
				start := time.Now()
				_, err := s.Query(ctx, "x", noon)
				for _, want := range c.want {
					require.ErrorIs(t, err, want)
				}
				require.NotErrorIs(t, err, c.not)
				require.Equal(t, c.took, time.Since(start))
			})
		})
	}
}

// TestServerIsToldTheTime: in a form that servers read.
func TestServerIsToldTheTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var form []string
		s := setup(t, "http://test?dedup=true", promapi.WithTransport(transport(func(r *http.Request) (*http.Response, error) {
			require.NoError(t, r.ParseForm())
			require.Equal(t, "true", r.Form.Get("dedup"))
			form = []string{r.Form.Get("timeout"), r.Form.Get("time"), r.Form.Get("start"), r.Form.Get("end"), r.Form.Get("step")}
			return response(r, 200, matrix("")), nil
		})), promapi.WithTimeout(90*time.Second+time.Millisecond))
		_, err := s.QueryRange(t.Context(), "x", monitor.Range{From: noon.Add(1234567), To: noon.Add(time.Minute), Step: 1500 * time.Millisecond})
		require.NoError(t, err)
		require.Equal(t, []string{"1m31s", "", "1772625600.001", "1772625660", "1.5"}, form)
		_, _ = s.Query(t.Context(), "x", time.Time{})
		require.Equal(t, "946684800", form[1], "no time is now")
	})
}

// TestConcurrency: the server sees no more at a time than it may, and who waits
// can give up.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int32
		s := setup(t, "http://test", promapi.WithConcurrency(3), promapi.WithTimeout(5*time.Second), promapi.WithTransport(transport(func(r *http.Request) (*http.Response, error) {
			most.Store(max(most.Load(), now.Add(1)))
			defer now.Add(-1)
			time.Sleep(time.Second)
			return response(r, 200, vector(one)), nil
		})))
		start := time.Now()
		var all sync.WaitGroup
		for range 9 {
			all.Go(func() {
				_, err := s.Query(t.Context(), "x", noon)
				require.NoError(t, err)
			})
		}
		time.Sleep(time.Millisecond)
		require.InDelta(t, 3, s.count(t, `monitor_promapi_queries_in_flight{server="test"}`), 0)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err := s.Query(ctx, "late", noon)
		require.ErrorIs(t, err, monitor.ErrQueryTimeout)
		require.ErrorContains(t, err, "one of 3 places")
		all.Wait()
		require.Equal(t, 3*time.Second, time.Since(start))
		require.Equal(t, int32(3), most.Load())
		require.Zero(t, s.count(t, `monitor_promapi_queries_in_flight{server="test"}`))
	})
}

// TestCredentials reach the server, in every request.
func TestCredentials(t *testing.T) {
	t.Parallel()
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("ada:s3cret"))
	var asked atomic.Int32
	for name, c := range map[string]struct {
		opts          []promapi.Option
		authorization string
		tenant        string
	}{
		"none":           {nil, "", ""},
		"basic":          {[]promapi.Option{promapi.WithBasicAuth("ada", "s3cret")}, basic, ""},
		"token":          {[]promapi.Option{promapi.WithBearerToken("t0ken")}, "Bearer t0ken", ""},
		"tenant":         {[]promapi.Option{promapi.WithTenant("quotes|news")}, "", "quotes|news"},
		"basic, tenant":  {[]promapi.Option{promapi.WithBasicAuth("ada", "s3cret"), promapi.WithTenant("q")}, basic, "q"},
		"token function": {[]promapi.Option{promapi.WithBearerTokenFunc(func(context.Context) (string, error) { asked.Add(1); return "fresh", nil })}, "Bearer fresh", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int32
			s := setup(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") != c.authorization || r.Header.Get("X-Scope-OrgID") != c.tenant {
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				if requests.Add(1) == 1 {
					w.WriteHeader(http.StatusBadGateway)
					return
				}
				if strings.HasSuffix(r.URL.Path, "/query") {
					_, _ = io.WriteString(w, vector(one))
					return
				}
				_, _ = io.WriteString(w, `{"status":"success","data":["a"]}`)
			}), append(c.opts, promapi.WithRetry(2, time.Millisecond, time.Millisecond))...)
			_, err := s.Query(t.Context(), "x", noon)
			require.NoError(t, err)
			values, err := s.LabelValues(t.Context(), "job", promapi.Window{})
			require.NoError(t, err)
			require.Equal(t, []string{"a"}, values)
		})
	}
	t.Cleanup(func() { require.Equal(t, int32(3), asked.Load(), "asked for every request, and no more") })
}

// TestTokenFunction: what may go wrong with the host's function.
func TestTokenFunction(t *testing.T) {
	t.Parallel()
	vaultDown := errors.New("vault is down")
	for name, c := range map[string]struct {
		f    func(context.Context) (string, error)
		want []error
		says string
	}{
		"fails":     {func(context.Context) (string, error) { return "", vaultDown }, []error{monitor.ErrQueryUnavailable, vaultDown}, "WithBearerTokenFunc"},
		"is empty":  {func(context.Context) (string, error) { return "", nil }, []error{monitor.ErrQueryUnavailable}, "the token is none"},
		"has lines": {func(context.Context) (string, error) { return "hush\r\nX: y", nil }, []error{monitor.ErrQueryUnavailable}, "the token is none"},
		"panics":    {func(context.Context) (string, error) { panic("hush") }, []error{monitor.ErrQueryUnavailable}, "panicked"},
		"blocks": {
			func(ctx context.Context) (string, error) { <-ctx.Done(); return "", ctx.Err() },
			[]error{monitor.ErrQueryTimeout, context.DeadlineExceeded},
			"no answer within",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t, "http://127.0.0.1:1", promapi.WithBearerTokenFunc(c.f), promapi.WithTimeout(50*time.Millisecond))
			_, err := s.Query(t.Context(), "x", noon)
			for _, want := range c.want {
				require.ErrorIs(t, err, want)
			}
			require.ErrorContains(t, err, c.says)
			require.NotContains(t, err.Error()+s.log.String(), "hush")
		})
	}
}

// TestTransportPanics: a host's transport that panics is an error.
func TestTransportPanics(t *testing.T) {
	t.Parallel()
	s := setup(t, "http://test", promapi.WithTransport(transport(func(*http.Request) (*http.Response, error) { panic("boom") })),
		promapi.WithRetry(1, 1, 1))
	_, err := s.Query(t.Context(), "x", noon)
	require.ErrorIs(t, err, monitor.ErrQueryUnavailable)
	require.InDelta(t, 1, s.count(t, `monitor_callback_panics_total{callback="promapi.WithTransport"}`), 0)
}

// panickyBody is an answer of a transport that the host got wrong.
type panickyBody struct{}

func (panickyBody) Read([]byte) (int, error) { panic("boom") }
func (panickyBody) Close() error             { return nil }

// TestBodyPanics: that is an error like any other of the transport.
func TestBodyPanics(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 500} {
		s := setup(t, "http://test", promapi.WithTransport(transport(func(r *http.Request) (*http.Response, error) {
			resp := response(r, status, "")
			resp.Body = panickyBody{}
			return resp, nil
		})), promapi.WithRetry(1, 1, 1))
		_, err := s.Query(t.Context(), "x", noon)
		require.ErrorIs(t, err, monitor.ErrQueryUnavailable)
		require.ErrorContains(t, err, "promapi.WithTransport panicked")
		require.InDelta(t, 1, s.count(t, `monitor_callback_panics_total{callback="promapi.WithTransport"}`), 0)
	}
}

// TestSecretsAreNotRepeated: whatever the server says, in errors, in answers that
// do not decode and in warnings, and however it writes them.
func TestSecretsAreNotRepeated(t *testing.T) {
	t.Parallel()
	failed := func(text string) string { return `{"status":"error","errorType":"bad_data","error":"` + text + `"}` }
	for name, c := range map[string]struct {
		status int
		body   string
		auth   promapi.Option
		secret string
		says   string
	}{
		"warning":        {200, `{"status":"success","data":{"resultType":"vector","result":[]},"warnings":["Bearer hunter2-token"]}`, promapi.WithBearerToken("hunter2-token"), "hunter2", `warning="Bearer (hidden)"`},
		"from the URL":   {400, failed("who is hush-hush"), nil, "hush", "who is (hidden)"},
		"the URL warns":  {200, `{"status":"success","data":{"resultType":"vector","result":[]},"warnings":["hush-hush"]}`, nil, "hush", `warning=(hidden)`},
		"as JSON":        {400, failed(`who is p\u003css\u0026word`), promapi.WithBasicAuth("u", "p<ss&word"), "p<ss&word", "who is (hidden)"},
		"as JSON twice":  {400, failed(`who is p\\u003css\\u0026word`), promapi.WithBasicAuth("u", "p<ss&word"), "u003css", "who is (hidden)"},
		"as a form":      {400, failed(`who is p%3Css%26word`), promapi.WithBasicAuth("u", "p<ss&word"), "p%3Css", "who is (hidden)"},
		"unknown type":   {200, `{"status":"success","data":{"resultType":"hunter2-token","result":[]}}`, promapi.WithBearerToken("hunter2-token"), "hunter2", "(hidden)"},
		"no number":      {200, vector(`{"metric":{},"value":[1,"hunter2-token"]}`), promapi.WithBearerToken("hunter2-token"), "2-token", "(hidden)"},
		"of a status":    {503, failed("who is hunter2-token"), promapi.WithBearerToken("hunter2-token"), "hunter2", "who is (hidden)"},
		"a word of JSON": {400, failed("no"), promapi.WithBasicAuth("u", "error"), "", "invalid query: bad_data: no"},
		"a setting":      {400, failed("not false"), nil, "", "not false"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t, serve(t, says(c.status, c.body))+"?partial_response=false&key=hush-hush", c.auth, promapi.WithRetry(1, 1, 1))
			_, err := s.Query(t.Context(), "x", noon)
			said := s.log.String()
			if err != nil {
				said += err.Error()
			}
			require.Contains(t, said, c.says)
			if c.secret != "" {
				require.NotContains(t, said, c.secret)
			}
		})
	}
}

// TestSecretsStay: no error and no log line has the credentials, whatever the
// server does with them, or the URL.
func TestSecretsStay(t *testing.T) {
	t.Parallel()
	basic := base64.StdEncoding.EncodeToString([]byte("ada:s3cret"))
	echo := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			said := r.Header.Get("Authorization") + " is s3cret, is it not?"
			_, _ = io.WriteString(w, `{"status":"error","errorType":"bad_data","error":"`+said+`"}`)
		}
	}
	gone := serve(t, echo(200))
	for name, url := range map[string]string{
		"400": serve(t, echo(400)), "401": serve(t, echo(401)), "403": serve(t, echo(403)), "422": serve(t, echo(422)), "500": serve(t, echo(500)),
		"redirect": serve(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, gone+"/?"+r.Header.Get("Authorization"), http.StatusTemporaryRedirect)
		}),
		"abort":    serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }),
		"nobody":   "http://127.0.0.1:1",
		"no name":  "http://no-such-host.invalid",
		"slow":     serve(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body); <-r.Context().Done() }),
		"not TLS":  strings.Replace(serve(t, echo(200)), "http:", "https:", 1),
		"warnings": serve(t, says(200, strings.Replace(vector("null"), "{", `{"warnings":["careful"],`, 1))),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, auth := range []promapi.Option{promapi.WithBasicAuth("ada", "s3cret"), promapi.WithBearerToken("s3cret")} {
				s := setup(t, url+"/prefix?token=hush", auth, promapi.WithTimeout(200*time.Millisecond), promapi.WithRetry(2, 1, 1))
				_, errQuery := s.Query(t.Context(), "x", noon)
				_, errValues := s.LabelValues(t.Context(), "x", promapi.Window{})
				for _, err := range []error{errQuery, errValues} {
					require.Error(t, err)
					for _, secret := range []string{"s3cret", basic, "hush", "/prefix"} {
						require.NotContains(t, err.Error()+s.log.String(), secret)
					}
				}
			}
		})
	}
}

// TestWrongPath: whose URL has the wrong path is told so, and which server it is.
func TestWrongPath(t *testing.T) {
	t.Parallel()
	url := serve(t, says(404, "404 page not found"))
	m, err := monitor.New()
	require.NoError(t, err)
	c, err := promapi.New(m, url+"/api/v1/hush")
	require.NoError(t, err)
	t.Cleanup(c.CloseIdleConnections)
	_, err = c.Query(t.Context(), "x", noon)
	require.ErrorIs(t, err, promapi.ErrNoAPI)
	require.ErrorIs(t, err, monitor.ErrQueryUnavailable)
	require.EqualError(t, err, "promapi: "+strings.TrimPrefix(url, "http://")+`: query "x": query source unavailable: `+
		"no Prometheus API at this path: status 404 Not Found: wanted …/api/v1/query")
	_, err = c.LabelValues(t.Context(), "job", promapi.Window{})
	require.ErrorContains(t, err, "wanted …/api/v1/label/job/values")

	_, err = setup(t, serve(t, says(404, `{"status":"error","errorType":"not_found","error":"no such tenant"}`))).Query(t.Context(), "x", noon)
	require.NotErrorIs(t, err, promapi.ErrNoAPI, "it is the API that says so")
	require.ErrorContains(t, err, "no such tenant")
}

// TestRedirectsAreNotFollowed: what is at their end gets no request at all.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var visits atomic.Int32
	end := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		visits.Add(1)
		_, _ = io.WriteString(w, vector(one))
	})
	s := setup(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, end+r.URL.Path, http.StatusPermanentRedirect)
	}))
	_, err := s.Query(t.Context(), "x", noon)
	require.ErrorIs(t, err, monitor.ErrQueryUnavailable)
	require.ErrorContains(t, err, "status 308 Permanent Redirect")
	require.Zero(t, visits.Load())
}

// TestOnlyGET: a proxy that lets no POST through is asked by GET.
func TestOnlyGET(t *testing.T) {
	t.Parallel()
	for _, status := range []int{403, 405, 501} {
		s := setup(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet {
				w.WriteHeader(status)
				return
			}
			_, _ = io.WriteString(w, vector(one))
		}))
		_, err := s.Query(t.Context(), "x", noon)
		require.NoError(t, err, status)
	}
}
