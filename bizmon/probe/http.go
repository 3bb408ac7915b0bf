package probe

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// HTTP checks an HTTP or HTTPS URL: the status, the whole body and what stands
// in it.
type HTTP struct {
	URL    string      // required; user and password in it are sent, never shown
	Method string      // empty: GET
	Header http.Header // values are never shown
	Body   []byte      // of the request; never shown

	WantStatus []int                   // empty: 200 to 299
	WantBody   string                  // text that the body must contain
	WantMatch  *regexp.Regexp          // pattern that the body must match
	CheckBody  func(body []byte) error // the host's own judgement; its error fails the check
	MaxBody    int64                   // a larger body fails the check; zero: 1 MiB

	// MaxRedirects is how many redirects are followed: zero for 10, negative
	// for none, so that the redirect itself is the answer. Header goes no
	// further than the origin of URL; a request with a Body is not sent on to
	// another one.
	MaxRedirects int

	TLS       *tls.Config       // nil: the system's roots
	Transport http.RoundTripper // nil: one of its own per check, with the environment's proxies
}

const (
	defaultMaxBody      = 1 << 20
	defaultMaxRedirects = 10
	userAgent           = "chronomon-probe"
)

func (h HTTP) prober() string { return "http" }

func (h HTTP) problems() (out []problem) {
	u, err := url.Parse(h.URL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		out = append(out, problem{"URL", hidden, "http://host… or https://host…"})
	}
	if h.Method != "" {
		if _, err := http.NewRequestWithContext(context.Background(), h.Method, "http://x", http.NoBody); err != nil {
			out = append(out, problem{"Method", fmt.Sprintf("%q", h.Method), "an HTTP method"})
		}
	}
	for _, s := range h.WantStatus {
		if s < 100 || s > 999 {
			out = append(out, problem{"WantStatus", strconv.Itoa(s), "100 to 999"})
		}
	}
	if h.MaxBody < 0 {
		out = append(out, problem{"MaxBody", strconv.FormatInt(h.MaxBody, 10), "bytes, or 0 for 1 MiB"})
	}
	if h.Transport != nil && h.TLS != nil {
		out = append(out, problem{"TLS", "given", "it in Transport, which is given too"})
	}
	return out
}

func (h HTTP) secrets() (out []string) {
	for _, values := range h.Header {
		for _, v := range values {
			out = append(out, words(v)...)
		}
	}
	if user, password, ok := (&http.Request{Header: h.canonicalHeader()}).BasicAuth(); ok {
		out = append(out, user, password)
	}
	if u, err := url.Parse(h.URL); err == nil {
		if u.User != nil {
			password, _ := u.User.Password()
			basic := base64.StdEncoding.EncodeToString([]byte(u.User.Username() + ":" + password))
			out = append(out, u.User.Username(), password, basic)
		}
		for key, values := range u.Query() {
			out = append(append(out, values...), loneKey(key, values)...)
		}
		for segment := range strings.SplitSeq(u.Path, "/") {
			if len(segment) >= longSegment {
				out = append(out, segment)
			}
		}
		out = append(out, h.URL, u.RawQuery, u.RequestURI())
	}
	return append(out, string(h.Body))
}

// longSegment is how long a part of a URL's path is to be taken for a token.
const longSegment = 8

// loneKey returns the key of a query that has no value: the secret itself, maybe.
func loneKey(key string, values []string) []string {
	if strings.Join(values, "") == "" {
		return []string{key}
	}
	return nil
}

func (h HTTP) run(ctx context.Context, a *attempt) error {
	req, err := h.request(ctx)
	if err != nil {
		return failure(ReasonError, "the request cannot be made")
	}
	client := http.Client{Transport: h.Transport, CheckRedirect: h.redirect}
	if h.Transport == nil {
		t := &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: a.dialer().DialContext,
			TLSClientConfig: a.tlsConfig(h.TLS), TLSHandshakeTimeout: a.timeout,
			DisableKeepAlives: true, ForceAttemptHTTP2: true,
		}
		defer t.CloseIdleConnections()
		client.Transport = t
	}
	resp, err := client.Do(req)
	if err != nil {
		a.rejected(err)
		return err
	}
	defer resp.Body.Close()
	a.status = resp.StatusCode
	if resp.TLS != nil {
		a.certificates(resp.TLS.PeerCertificates)
	}
	if err := h.judgeStatus(resp.StatusCode); err != nil {
		return err
	}
	return h.judgeBody(a, resp.Body)
}

func (h HTTP) request(ctx context.Context) (*http.Request, error) {
	var body io.Reader = http.NoBody
	if len(h.Body) > 0 {
		body = bytes.NewReader(h.Body)
	}
	req, err := http.NewRequestWithContext(ctx, h.Method, h.URL, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", userAgent)
	maps.Copy(req.Header, h.canonicalHeader())
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
	}
	return req, nil
}

func (h HTTP) canonicalHeader() http.Header {
	out := http.Header{}
	for name, values := range h.Header {
		out[http.CanonicalHeaderKey(name)] = slices.Clone(values)
	}
	return out
}

// redirect is asked before a redirect is followed.
func (h HTTP) redirect(req *http.Request, via []*http.Request) error {
	most := h.MaxRedirects
	switch {
	case most < 0:
		return http.ErrUseLastResponse
	case most == 0:
		most = defaultMaxRedirects
	}
	if len(via) > most {
		return fmt.Errorf("%w: more than %d", errRedirects, most)
	}
	first := via[0].URL
	if req.URL.Scheme == first.Scheme && req.URL.Host == first.Host {
		return nil
	}
	if req.Body != nil && req.Body != http.NoBody {
		return failure(ReasonRedirect, "the body would go to another origin, %s", req.URL.Host)
	}
	for name := range h.Header {
		req.Header.Del(name)
	}
	req.Header.Del("Referer") // net/http's, with the URL's query
	return nil
}

func (h HTTP) judgeStatus(got int) error {
	if len(h.WantStatus) == 0 {
		if got >= 200 && got <= 299 {
			return nil
		}
		return failure(ReasonStatus, "got %d, want 200 to 299", got)
	}
	if slices.Contains(h.WantStatus, got) {
		return nil
	}
	return failure(ReasonStatus, "got %d, want %v", got, h.WantStatus)
}

func (h HTTP) judgeBody(a *attempt, r io.Reader) error {
	most := h.MaxBody
	if most == 0 {
		most = defaultMaxBody
	}
	a.enter("reading the body")
	body, err := io.ReadAll(io.LimitReader(r, max(most, most+1))) // the largest number has none above it
	switch {
	case err != nil:
		return err
	case int64(len(body)) > most:
		return failure(ReasonBody, "larger than %d bytes", most)
	case h.WantBody != "" && !bytes.Contains(body, []byte(h.WantBody)):
		return failure(ReasonBody, "the text %q is not in its %d bytes", h.WantBody, len(body))
	case h.WantMatch != nil && !h.WantMatch.Match(body):
		return failure(ReasonBody, "the pattern %q does not match its %d bytes", h.WantMatch, len(body))
	case h.CheckBody != nil:
		return h.askHost(a, body)
	}
	return nil
}

func (h HTTP) askHost(a *attempt, body []byte) error {
	err := a.call("probe.HTTP.CheckBody", func() error { return h.CheckBody(body) })
	if _, chosen := errors.AsType[*Failure](err); err == nil || chosen {
		return err
	}
	return failure(ReasonBody, "%v", err)
}
