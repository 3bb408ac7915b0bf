package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/api"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/chronoretrace/chronomon/internal/testenv"
)

// A server is a Prometheus server that scrapes this process.
type server struct {
	url string
	api promv1.API
}

// withServer calls f with a server of the given configuration, and ends it when
// f is over. Without a path the one in PATH is used.
func withServer(path, config string, f func(*server) error, flags ...string) error {
	if path != "" {
		restore, err := first(path)
		if err != nil {
			return err
		}
		defer restore()
	}
	return withHost(func(t testing.TB) error {
		s := &server{url: testenv.Prometheus(t, config, flags...).URL()}
		client, err := api.NewClient(api.Config{Address: s.url})
		if err != nil {
			return err
		}
		s.api = promv1.NewAPI(client)
		return f(s)
	})
}

// first makes a binary the first in PATH that is called prometheus.
func first(path string) (restore func(), err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "promql-")
	if err != nil {
		return nil, err
	}
	old := os.Getenv("PATH")
	restore = func() {
		_ = os.Setenv("PATH", old)
		_ = os.RemoveAll(dir)
	}
	err = errors.Join(os.Symlink(path, filepath.Join(dir, "prometheus")), os.Setenv("PATH", dir+string(os.PathListSeparator)+old))
	if err != nil {
		restore()
		return nil, err
	}
	return restore, nil
}

// awaitScrape returns when the server has scraped its target, which it does not
// do at once.
func (s *server) awaitScrape(ctx context.Context) error {
	for range 600 {
		if up, err := s.number(ctx, "up"); up == 1 || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return errors.New("the server does not scrape")
}

// version is what the server says it is.
func (s *server) version(ctx context.Context) (string, error) {
	info, err := s.api.Buildinfo(ctx)
	return info.Version, err
}

// reload makes the server read its configuration again.
func (s *server) reload(ctx context.Context) error {
	res, err := s.do(ctx, http.MethodPost, "/-/reload")
	if err != nil {
		return err
	}
	return res.Body.Close()
}

// metrics are the sums of the server's own metrics, by name.
func (s *server) metrics(ctx context.Context) (map[string]float64, error) {
	res, err := s.do(ctx, http.MethodGet, "/metrics")
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(res.Body)
	if err != nil {
		return nil, err
	}
	out := map[string]float64{}
	for name, f := range families {
		out[name] = total(f)
	}
	return out, nil
}

// total is the sum of a family's counters and gauges.
func total(f *dto.MetricFamily) (sum float64) {
	for _, m := range f.GetMetric() {
		sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
	}
	return sum
}

// number is the value of a query that has one, 0 if it has none.
func (s *server) number(ctx context.Context, promql string) (float64, error) {
	v, _, _, err := s.api.Query(ctx, promql, time.Now())
	if err != nil {
		return 0, err
	}
	all, ok := v.(model.Vector)
	switch {
	case !ok || len(all) > 1:
		return 0, fmt.Errorf("%s has more than one number", promql)
	case len(all) == 0:
		return 0, nil
	}
	return float64(all[0].Value), nil
}

func (s *server) do(ctx context.Context, method, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.url+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		_ = res.Body.Close()
		return nil, fmt.Errorf("%s: %s", path, res.Status)
	}
	return res, nil
}

// errNoServer says that a server is not installed.
var errNoServer = errors.New("cannot compare with a real server")

// A host stands for the test that a server belongs to.
type host struct {
	testing.TB // for the methods that nobody may implement

	cleanups []func()
}

// failure is how a host's fatal errors leave the function that met them.
type failure struct{ err error }

func (*host) Helper()      {}
func (*host) Failed() bool { return false }

func (*host) Logf(string, ...any) {}

func (*host) Errorf(format string, args ...any) { panic(failure{fmt.Errorf(format, args...)}) }
func (*host) Fatalf(format string, args ...any) { panic(failure{fmt.Errorf(format, args...)}) }
func (*host) Skipf(format string, args ...any) {
	panic(failure{fmt.Errorf("%w: %s", errNoServer, fmt.Sprintf(format, args...))})
}

func (h *host) Cleanup(f func()) { h.cleanups = append(h.cleanups, f) }

// withHost calls f with something that servers can be asked for with, and ends
// them when f is over.
func withHost(f func(testing.TB) error) (err error) {
	h := &host{}
	defer func() {
		for _, f := range slices.Backward(h.cleanups) {
			err = errors.Join(err, caught(func() error { f(); return nil }))
		}
	}()
	return caught(func() error { return f(h) })
}

func caught(f func() error) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case failure:
			err = r.err
		default:
			panic(r)
		}
	}()
	return f()
}
