package testenv

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// InfluxDBServer is an InfluxDB 1.8, which takes writes by the API of version 2.
type InfluxDBServer struct{ *Server }

// InfluxDB returns an InfluxDB without databases. Settings of the section [http]
// such as "auth-enabled = true" come on top; "flux-enabled = true" costs four
// seconds at each start.
func InfluxDB(t testing.TB, http ...string) *InfluxDBServer {
	t.Helper()
	const name = "influxdb"
	if s := external(t, name, "CHRONOMON_INFLUXDB_URL", http...); s != nil {
		return &InfluxDBServer{s}
	}
	binary := findBuilt(t, name, "influxd")
	return &InfluxDBServer{newServer(t, spec{
		name:  name,
		ready: "Listening for signals",
		stop:  syscall.SIGTERM,
		quit:  syscall.SIGKILL,
		argv: func(dir, addr string) []string {
			writeInfluxConfig(t, dir, addr, http)
			return []string{binary, "-config", filepath.Join(dir, configFile)}
		},
	})}
}

// writeInfluxConfig writes the configuration, which has the address in it.
func writeInfluxConfig(t testing.TB, dir, addr string, http []string) {
	t.Helper()
	config := fmt.Sprintf(`reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
dir = %q
[data]
dir = %q
wal-dir = %q
query-log-enabled = false
[monitor]
store-enabled = false
[http]
log-enabled = false
bind-address = %q
`, filepath.Join(dir, "meta"), filepath.Join(dir, "data"), filepath.Join(dir, "wal"), addr)
	config += strings.Join(http, "\n") + "\n"
	if err := os.WriteFile(filepath.Join(dir, configFile), []byte(config), 0o600); err != nil {
		t.Fatalf("testenv: prepare influxdb: %v", err)
	}
}

// URL returns the base URL of the server's API.
func (s *InfluxDBServer) URL() string { return s.baseURL() }
