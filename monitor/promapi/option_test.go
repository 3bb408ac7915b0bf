package promapi_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/promapi"
)

func TestOptionsOutOfRange(t *testing.T) {
	t.Parallel()
	m, err := monitor.New()
	require.NoError(t, err)
	for name, c := range map[string]struct {
		url  string
		opt  promapi.Option
		says string
	}{
		"no URL":           {"", nil, `url = ""`},
		"no scheme":        {"prometheus:9090", nil, "url = prometheus:9090: want a server's URL: http:// or https://"},
		"other scheme":     {"ftp://test", nil, "http:// or https://"},
		"no host":          {"http:///x", nil, "a host"},
		"not a URL":        {"http://te st/s3cret", nil, "url"},
		"user":             {"http://ada:s3cret@test", nil, "WithBasicAuth"},
		"user, shown":      {"http://ada:s3cret@test/x", nil, "url = http://test: want"},
		"fragment":         {"http://test/#/graph", nil, "fragment"},
		"timeout":          {"http://test", promapi.WithTimeout(0), "WithTimeout = 0s"},
		"long timeout":     {"http://test", promapi.WithTimeout(2 * time.Hour), "WithTimeout"},
		"no tries":         {"http://test", promapi.WithRetry(0, 1, 1), "WithRetry tries = 0"},
		"no first":         {"http://test", promapi.WithRetry(1, 0, 1), "WithRetry"},
		"short longest":    {"http://test", promapi.WithRetry(1, 2, 1), "WithRetry"},
		"concurrency":      {"http://test", promapi.WithConcurrency(0), "WithConcurrency = 0"},
		"response":         {"http://test", promapi.WithMaxResponse(-1), "WithMaxResponse = -1"},
		"no user":          {"http://test", promapi.WithBasicAuth("", "s3cret"), "WithBasicAuth = (not shown)"},
		"user with colon":  {"http://test", promapi.WithBasicAuth("a:b", "s3cret"), "WithBasicAuth"},
		"no token":         {"http://test", promapi.WithBearerToken(""), "WithBearerToken"},
		"lines in a token": {"http://test", promapi.WithBearerToken("s3cret\n"), "WithBearerToken"},
		"no function":      {"http://test", promapi.WithBearerTokenFunc(nil), "WithBearerTokenFunc"},
		"no tenant":        {"http://test", promapi.WithTenant(""), "WithTenant"},
		"lines in tenant":  {"http://test", promapi.WithTenant("a\r\nb"), "WithTenant"},
		"no transport":     {"http://test", promapi.WithTransport(nil), "WithTransport"},
		"no TLS":           {"http://test", promapi.WithTLS(nil), "WithTLS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c2, err := promapi.New(m, c.url, nil, c.opt)
			require.ErrorIs(t, err, monitor.ErrInvalidOption)
			require.ErrorContains(t, err, c.says)
			require.NotContains(t, err.Error(), "s3cret")
			require.Nil(t, c2)
		})
	}
	_, err = promapi.New(nil, "", promapi.WithTimeout(-1), promapi.WithBearerToken("a"), promapi.WithBasicAuth("a", "b"),
		promapi.WithTLS(&tls.Config{MinVersion: tls.VersionTLS13}), promapi.WithTransport(http.DefaultTransport))
	for _, says := range []string{"monitor =", "url =", "WithTimeout =", "WithTLS = given", "WithBasicAuth = given: want no WithBearerToken"} {
		require.ErrorContains(t, err, says, "all at once")
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(says(200, vector(one)))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	_, err := setup(t, server.URL, promapi.WithRetry(1, 1, 1)).Query(t.Context(), "x", noon)
	require.ErrorIs(t, err, monitor.ErrQueryUnavailable, "nobody vouches for it")
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	_, err = setup(t, server.URL, promapi.WithTLS(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12})).Query(t.Context(), "x", noon)
	require.NoError(t, err)
}

// TestNames: clients of one name are counted together, others apart.
func TestNames(t *testing.T) {
	t.Parallel()
	url := serve(t, says(200, vector(one)))
	m, err := monitor.New()
	require.NoError(t, err)
	host := strings.TrimPrefix(url, "http://")
	for _, opts := range [][]promapi.Option{nil, nil, {promapi.WithName("eu")}} {
		c, err := promapi.New(m, url, opts...)
		require.NoError(t, err)
		t.Cleanup(c.CloseIdleConnections)
		_, err = c.Query(t.Context(), "x", noon)
		require.NoError(t, err)
	}
	s := site{m: m}
	require.InDelta(t, 2, s.count(t, `monitor_promapi_query_duration_seconds{call="query",server="`+host+`"}`), 0)
	require.InDelta(t, 1, s.count(t, `monitor_promapi_query_duration_seconds{call="query",server="eu"}`), 0)
}

// TestOff: a monitor that is off counts nothing, and the answers come all the same.
func TestOff(t *testing.T) {
	t.Parallel()
	m, err := monitor.New(monitor.WithDisabled())
	require.NoError(t, err)
	c, err := promapi.New(m, serve(t, says(200, vector(one))))
	require.NoError(t, err)
	defer c.CloseIdleConnections()
	got, err := c.Query(t.Context(), "x", noon)
	require.NoError(t, err)
	require.Len(t, got, 1)
}
