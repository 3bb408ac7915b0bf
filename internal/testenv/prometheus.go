package testenv

import (
	"path/filepath"
	"syscall"
	"testing"
)

// PrometheusServer is a Prometheus server.
type PrometheusServer struct{ *Server }

// Prometheus returns a Prometheus server with the given configuration file; an
// empty one scrapes nothing. Flags such as "--web.enable-remote-write-receiver"
// come on top.
func Prometheus(t testing.TB, config string, flags ...string) *PrometheusServer {
	t.Helper()
	const name = "prometheus"
	if s := external(t, name, "CHRONOMON_PROMETHEUS_URL", append([]string{config}, flags...)...); s != nil {
		return &PrometheusServer{s}
	}
	binary := findServer(t, name, "prometheus", "prometheus")
	return &PrometheusServer{newServer(t, spec{
		name:    name,
		ready:   "Server is ready to receive web requests.",
		stop:    syscall.SIGTERM,
		quit:    syscall.SIGKILL,
		prepare: func(dir string) error { return writeConfig(dir, config) },
		argv: func(dir, addr string) []string {
			return append([]string{
				binary,
				"--config.file=" + filepath.Join(dir, configFile),
				"--storage.tsdb.path=" + filepath.Join(dir, "data"),
				"--web.listen-address=" + addr,
				"--web.enable-lifecycle",
			}, flags...)
		},
	})}
}

// URL returns the base URL of the server's API.
func (s *PrometheusServer) URL() string { return s.baseURL() }

// Promtool returns the path of promtool, which comes with Prometheus.
func Promtool(t testing.TB) string {
	t.Helper()
	return find(t, "promtool", "prometheus", "promtool")
}
