package testenv

import (
	"cmp"
	"path/filepath"
	"syscall"
	"testing"
)

// AlertmanagerServer is an Alertmanager.
type AlertmanagerServer struct{ *Server }

// silentConfig takes alerts and sends nothing.
const silentConfig = `
route: {receiver: none}
receivers: [{name: none}]
`

// Alertmanager returns an Alertmanager, alone in its cluster, with the given
// configuration file; with an empty one it takes alerts and sends nothing.
// Flags come on top.
func Alertmanager(t testing.TB, config string, flags ...string) *AlertmanagerServer {
	t.Helper()
	const name = "alertmanager"
	if s := external(t, name, "CHRONOMON_ALERTMANAGER_URL", append([]string{config}, flags...)...); s != nil {
		return &AlertmanagerServer{s}
	}
	binary := findServer(t, name, "prometheus-alertmanager", "prometheus-alertmanager", "alertmanager")
	return &AlertmanagerServer{newServer(t, spec{
		name:    name,
		ready:   "Listening on",
		stop:    syscall.SIGTERM,
		quit:    syscall.SIGKILL,
		prepare: func(dir string) error { return writeConfig(dir, cmp.Or(config, silentConfig)) },
		argv: func(dir, addr string) []string {
			return append([]string{
				binary,
				"--config.file=" + filepath.Join(dir, configFile),
				"--storage.path=" + filepath.Join(dir, "data"),
				"--web.listen-address=" + addr,
				"--cluster.listen-address=",
			}, flags...)
		},
	})}
}

// URL returns the base URL of the server's API.
func (s *AlertmanagerServer) URL() string { return s.baseURL() }
