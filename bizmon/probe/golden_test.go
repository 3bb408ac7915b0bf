package probe_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/bizmon/probe"
)

var update = flag.Bool("update", false, "rewrite the golden exposition")

func TestGoldenExposition(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		taking := func(d time.Duration, err error) probe.Func {
			return func(context.Context) error { time.Sleep(d); return err }
		}
		answering := func(status int) http.RoundTripper {
			return roundTrip(func(r *http.Request) (*http.Response, error) {
				time.Sleep(125 * time.Millisecond)
				shown := []*x509.Certificate{{NotAfter: time.Unix(1_900_000_000, 0)}, {NotAfter: time.Unix(1_800_000_000, 0)}}
				return &http.Response{StatusCode: status, Body: http.NoBody, Request: r, TLS: &tls.ConnectionState{PeerCertificates: shown}}, nil
			})
		}
		b := setup(t, []probe.Target{
			{Name: "broker", Check: taking(500*time.Millisecond, nil)},
			{Name: "fund data", Check: taking(time.Second, errors.New("out of order"))},
			{Name: "news", Check: probe.HTTP{URL: "https://news.test", Transport: answering(503)}},
			{Name: "quotes", Check: probe.HTTP{URL: "https://quotes.test", Transport: answering(200)}},
		}, probe.WithJitter(0))
		b.Probe(t.Context(), time.Now())
		b.Probe(t.Context(), time.Now().Add(3*time.Minute))
		got := strings.Join(slices.Concat(
			b.exposition("# HELP probe_"), b.exposition("# TYPE probe_"), b.exposition("probe_"), b.exposition("monitor_probe_"),
		), "\n") + "\n"
		file := filepath.Join("testdata", "probe.prom")
		if *update {
			require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
		}
		want, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, string(want), got, "a difference here is a change of the API; -update rewrites %s", file)
	})
}
