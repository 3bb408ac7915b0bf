package probe_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/bizmon/probe"
	"github.com/chronoretrace/chronomon/monitor"
)

func TestResultsKeepCount(t *testing.T) {
	t.Parallel()
	var down atomic.Bool
	b := setup(t, []probe.Target{{Name: "api", Source: "vendor", Interval: time.Minute, Check: probe.Func(func(context.Context) error {
		if down.Load() {
			return errors.New("out of order")
		}
		return nil
	})}}, probe.WithJitter(0))
	require.Equal(t, []probe.Result{{Target: "api", Source: "vendor", Prober: "func"}}, b.Results())
	begin := time.Date(2026, 1, 5, 9, 30, 0, 0, time.UTC)
	type state struct {
		up       bool
		since    int // minutes
		failures int
	}
	for minute, want := range []state{{true, 0, 0}, {true, 0, 0}, {false, 2, 1}, {false, 2, 2}, {false, 2, 3}, {true, 5, 0}, {false, 6, 1}} {
		down.Store(!want.up)
		require.Len(t, b.Probe(t.Context(), begin.Add(time.Duration(minute)*time.Minute)), 1)
		r := b.Results()[0]
		require.Equal(t, want, state{r.Success, int(r.Since.Sub(begin).Minutes()), r.Failures}, "minute %d", minute)
	}
	require.Equal(t, []string{
		`monitor_probe_checks_total{target="api",prober="func",reason="error"} 4`,
		`monitor_probe_checks_total{target="api",prober="func",reason="ok"} 3`,
	}, b.exposition("monitor_probe_checks_total{"))
	require.Equal(t, 2, strings.Count(b.log.String(), "target is down"), "each change once, not each check: %s", b.log)
	require.Equal(t, 1, strings.Count(b.log.String(), "target is up again"), "%s", b.log)
	require.Contains(t, b.log.String(), "out of order")
}

// TestDownFromTheStart: nobody saw it go down, so its first check says it.
func TestDownFromTheStart(t *testing.T) {
	t.Parallel()
	b := one(t, probe.Func(func(context.Context) error { return errors.New("out of order") }))
	begin := time.Date(2026, 1, 5, 9, 30, 0, 0, time.UTC)
	for minute := range 5 {
		b.Probe(t.Context(), begin.Add(2*time.Duration(minute)*time.Minute))
	}
	require.Equal(t, 1, strings.Count(b.log.String(), "target is down"), "%s", b.log)
	up := one(t, ok)
	up.check(t)
	require.Empty(t, up.log.String(), "one that is up is as it should be")
}

// TestReasonsOfTheHost: they are words, and not many.
func TestReasonsOfTheHost(t *testing.T) {
	t.Parallel()
	var reason probe.Reason
	b := one(t, probe.Func(func(context.Context) error { return &probe.Failure{Reason: reason} }))
	at := time.Date(2026, 1, 5, 9, 30, 0, 0, time.UTC)
	check := func(r string) probe.Reason {
		reason = probe.Reason(r)
		at = at.Add(2 * time.Minute)
		return b.Probe(t.Context(), at)[0].Reason()
	}
	for _, r := range []string{"", "ok", "password=hunter2", "Stale", "\xff", "二", strings.Repeat("z", 33)} {
		require.Equal(t, probe.ReasonError, check(r), "%q", r)
	}
	require.Equal(t, []string{`monitor_probe_checks_total{target="api",prober="func",reason="error"} 7`}, b.exposition("monitor_probe_checks_total{"))
	for i := range 300 {
		require.EqualValues(t, fmt.Sprint("stale_", i), check(fmt.Sprint("stale_", i)))
	}
	require.Equal(t, probe.ReasonStatus, check("status"), "there is room for the SDK's own")
	lines := b.exposition("monitor_probe_checks_total{")
	require.Len(t, lines, 16+3, "16 of the host's, error, status, other")
	require.Contains(t, lines, `monitor_probe_checks_total{target="api",prober="func",reason="other"} 284`)
	require.Contains(t, lines, `monitor_probe_checks_total{target="api",prober="func",reason="status"} 1`)
}

func TestObserversAndEvents(t *testing.T) {
	t.Parallel()
	api := server(t, quotes)
	sink := &collect{}
	log := &logBuffer{}
	m, err := monitor.New(monitor.WithLogger(slog.New(slog.NewTextHandler(log, nil))),
		monitor.WithSink("all", sink, monitor.WithBatch(10, time.Millisecond)))
	require.NoError(t, err)
	type seen struct {
		source string
		err    error
	}
	var mu sync.Mutex
	var got []seen
	p, err := probe.New(m, []probe.Target{
		{Name: "up", Check: probe.HTTP{URL: api.URL + "/quote"}},
		{Name: "down", Source: "vendor", Check: probe.HTTP{URL: api.URL + "/broken"}},
	},
		probe.WithObserver(probe.ObserverFunc(func(string, time.Duration, error) { panic("oops") })),
		probe.WithObserver(probe.ObserverFunc(func(source string, took time.Duration, err error) {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, seen{source, err})
			if took <= 0 {
				t.Errorf("%s took %v", source, took)
			}
		})))
	require.NoError(t, err)

	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	results := p.Probe(t.Context(), m.Now())
	cancel()
	require.NoError(t, <-done)

	require.Len(t, results, 2)
	require.ElementsMatch(t, []seen{{"up", nil}, {"vendor", results[1].Err}}, got, "after an observer that panics")
	b := bench{Prober: p, m: m}
	require.Equal(t, []string{`monitor_callback_panics_total{callback="probe.Observer"} 2`}, b.exposition("monitor_callback_panics_total{"))

	events := sink.of(monitor.KindSource)
	require.Len(t, events, 2)
	for _, e := range events {
		r := results[0]
		if e.Failed {
			r = results[1]
			reason, _ := e.Attr("reason")
			require.Equal(t, "status", reason.String())
			detail, _ := e.Attr("detail")
			require.Equal(t, "got 503, want 200 to 299", detail.String())
		}
		require.Equal(t, r.Source, e.Name)
		require.Equal(t, r.Duration, e.Duration)
		require.True(t, r.At.Equal(e.Time))
		target, _ := e.Attr("target")
		require.Equal(t, r.Target, target.String())
		status, _ := e.Attr("status")
		require.EqualValues(t, r.HTTPStatus, status.Int64())
	}
}

// TestSecretsAreNotShown: whatever others write, what a target was given to
// keep is in no result, log line, metric or event.
func TestSecretsAreNotShown(t *testing.T) {
	t.Parallel()
	const token, password, query, body = "t0k3n-in-header", "p4ssw0rd-in-url", "qu3ry value", "b0dy-of-request"
	const user, path, odd = "us3r-token", "p4th-token", `o"dd-s3cret"\key`
	echo := func(r *http.Request) string {
		name, pass, _ := r.BasicAuth()
		_, value, _ := strings.Cut(r.Header.Get("Cookie"), "=")
		return strings.Join([]string{
			r.Header.Get("X-Key"), r.Header.Get("Authorization"), name, pass, r.URL.Query().Get("key"),
			r.URL.String(), r.URL.Path, value, fmt.Sprintf("%q %q", r.Header.Get("X-Odd"), fmt.Sprintf("%q", r.Header.Get("X-Odd"))),
		}, " ")
	}
	api := server(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/location":
			w.Header().Set("Location", "http://[::1:"+strings.ReplaceAll(echo(r), " ", "+"))
			w.WriteHeader(http.StatusFound)
		case "/header":
			c, _, _ := http.NewResponseController(w).Hijack()
			_, _ = c.Write([]byte("HTTP/1.1 " + echo(r) + "\r\n\r\n"))
			_ = c.Close()
		default:
			_, _ = w.Write([]byte(echo(r)))
		}
	})
	header := http.Header{"X-Key": {token}, "Authorization": {"Bearer " + token}}
	withPassword := strings.Replace(api.URL, "http://", "http://bob:"+password+"@", 1)
	says := func(b []byte) error { return errors.New("bad answer: " + string(b)) }
	broken := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		return nil, errors.New("cannot send " + echo(r))
	})}
	withUser := strings.Replace(api.URL, "http://", "http://"+user+"@", 1)
	oddHeader := http.Header{"X-Odd": {odd}, "Cookie": {"session=" + token + "; lang=zh"}}
	basic := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	const q = "/?key=qu3ry+value"
	targets := []probe.Target{
		{Name: "echo", Check: probe.HTTP{URL: api.URL + q, Header: header, CheckBody: says}},
		{Name: "password", Check: probe.HTTP{URL: withPassword + q, CheckBody: says}},
		{Name: "location", Check: probe.HTTP{URL: api.URL + "/location" + q[1:], Header: header}},
		{Name: "user", Check: probe.HTTP{URL: withUser, CheckBody: says}},
		{Name: "user in header", Check: probe.HTTP{URL: withUser + "/header"}},
		{Name: "user in location", Check: probe.HTTP{URL: withUser + "/location"}},
		{Name: "path", Check: probe.HTTP{URL: api.URL + "/hooks/" + path + "/x", CheckBody: says}},
		{Name: "path in part", Check: probe.HTTP{URL: api.URL + "/hooks/" + path, CheckBody: func([]byte) error { return errors.New("no hook " + path) }}},
		{Name: "bare query", Check: probe.HTTP{URL: api.URL + "/?" + token, CheckBody: says}},
		{Name: "odd", Check: probe.HTTP{URL: api.URL, Header: oddHeader, CheckBody: says}},
		{Name: "odd in location", Check: probe.HTTP{URL: api.URL + "/location", Header: oddHeader}},
		{Name: "basic", Check: probe.HTTP{URL: api.URL, Header: http.Header{"authorization": {"Basic " + basic}}, CheckBody: says}},
		{Name: "header", Check: probe.HTTP{URL: api.URL + "/header" + q[1:], Header: header}},
		{Name: "refused", Check: probe.HTTP{URL: "http://bob:" + password + "@" + closed(t) + q, Header: header}},
		{Name: "transport", Check: probe.HTTP{URL: withPassword + q, Header: header, Transport: broken.Transport}},
		{Name: "body", Check: probe.HTTP{URL: api.URL, Method: http.MethodPost, Body: []byte(body), CheckBody: func([]byte) error { return errors.New("sent " + body) }}},
	}
	sink := &collect{}
	log := &logBuffer{}
	m, err := monitor.New(monitor.WithLogger(slog.New(slog.NewTextHandler(log, nil))), monitor.WithSink("all", sink))
	require.NoError(t, err)
	p, err := probe.New(m, targets)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	var shown strings.Builder
	for _, r := range p.Probe(t.Context(), m.Now()) {
		require.Error(t, r.Err, r.Target)
		shown.WriteString(r.Err.Error() + "\n")
	}
	cancel()
	require.NoError(t, <-done)
	for _, e := range sink.of(monitor.KindSource) {
		for a := range e.Attrs() {
			shown.WriteString(a.String() + "\n")
		}
	}
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	shown.WriteString(log.String() + w.Body.String())
	for _, secret := range []string{token, password, query, "qu3ry", body, "Ym9iOnA0c3N3MHJk", user, "dXMzci10b2tlbj", path, "dd-s3cret"} {
		require.NotContains(t, shown.String(), secret)
	}
	require.Contains(t, shown.String(), "[hidden]", "something was there to hide")
}
