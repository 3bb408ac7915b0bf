package testenv

import (
	"path/filepath"
	"syscall"
	"testing"
)

// VictoriaServer is a VictoriaMetrics or a VictoriaLogs.
type VictoriaServer struct{ *Server }

// VictoriaMetrics returns a VictoriaMetrics whose queries see what was just
// written. Flags come on top.
func VictoriaMetrics(t testing.TB, flags ...string) *VictoriaServer {
	t.Helper()
	return victoria(t, "victoriametrics", "CHRONOMON_VICTORIAMETRICS_URL", "victoria-metrics",
		append([]string{"-search.latencyOffset=1s", "-retentionPeriod=100y"}, flags...), len(flags) > 0)
}

// VictoriaLogs returns a VictoriaLogs, which takes Elasticsearch's bulk requests
// below /insert/elasticsearch. Flags come on top.
func VictoriaLogs(t testing.TB, flags ...string) *VictoriaServer {
	t.Helper()
	return victoria(t, "victorialogs", "CHRONOMON_VICTORIALOGS_URL", "victoria-logs",
		append([]string{"-elasticsearch.version=8.19.0", "-retentionPeriod=100y", "-inmemoryDataFlushInterval=1s"}, flags...), len(flags) > 0)
}

// victoria returns a server of the family.
func victoria(t testing.TB, name, key, program string, flags []string, own bool) *VictoriaServer {
	t.Helper()
	var needs []string
	if own {
		needs = flags
	}
	if s := external(t, name, key, needs...); s != nil {
		return &VictoriaServer{s}
	}
	binary := findBuilt(t, name, program)
	return &VictoriaServer{newServer(t, spec{
		name:  name,
		ready: "started server at http://",
		stop:  syscall.SIGINT,
		quit:  syscall.SIGKILL,
		argv: func(dir, addr string) []string {
			return append([]string{
				binary,
				"-httpListenAddr=" + addr,
				"-storageDataPath=" + filepath.Join(dir, "data"),
				"-memory.allowedBytes=256MB",
			}, flags...)
		},
	})}
}

// URL returns the base URL of the server's API.
func (s *VictoriaServer) URL() string { return s.baseURL() }
