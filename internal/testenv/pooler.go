package testenv

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// PoolerServer is a PgBouncer in front of a PostgreSQL server.
type PoolerServer struct {
	*Server
	database string
}

// Pooler returns a PgBouncer that pools by transaction: a client's next
// statement may go to another session of the server, of which there are two for
// all. It keeps no statements that were prepared: use simple queries, or
// pgx.QueryExecModeExec. Settings such as "default_pool_size = 5" come on top.
func Pooler(t testing.TB, pg *PostgresServer, settings ...string) *PoolerServer {
	t.Helper()
	const name = "pgbouncer"
	binary := findServer(t, name, "pgbouncer", "pgbouncer")
	user, err := lookupOwner("postgres")
	if err != nil {
		unavailable(t, name, "it does not run as root: "+err.Error())
	}
	dsn, err := url.Parse(pg.DSN())
	if err != nil || dsn.Hostname() == "" {
		unavailable(t, name, "the server's DSN is no URL")
	}
	database := strings.Trim(dsn.Path, "/")
	return &PoolerServer{database: database, Server: newServer(t, spec{
		name:  name,
		ready: "process up",
		stop:  syscall.SIGKILL, // which other signal ends it at once is another one in each release
		quit:  syscall.SIGKILL,
		owner: user,
		argv: func(dir, addr string) []string {
			writePoolerConfig(t, dir, addr, dsn, database, settings)
			return []string{binary, filepath.Join(dir, configFile)}
		},
	})}
}

// writePoolerConfig writes the configuration, which has the addresses in it.
func writePoolerConfig(t testing.TB, dir, addr string, dsn *url.URL, database string, settings []string) {
	t.Helper()
	host, port, _ := net.SplitHostPort(addr)
	password, _ := dsn.User.Password()
	target := []string{database, "=", "host=" + dsn.Hostname()}
	for _, setting := range [][2]string{
		{"port", dsn.Port()}, {"dbname", database}, {"user", dsn.User.Username()}, {"password", password},
	} {
		if setting[1] != "" {
			target = append(target, setting[0]+"='"+strings.ReplaceAll(setting[1], "'", "''")+"'")
		}
	}
	config := fmt.Sprintf(`[databases]
%s
[pgbouncer]
listen_addr = %s
listen_port = %s
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
%s
`, strings.Join(target, " "), host, port, strings.Join(settings, "\n"))
	file := filepath.Join(dir, configFile)
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil { //nolint:gosec // read by the server's user
		t.Fatalf("testenv: prepare pgbouncer: %v", err)
	}
}

// DSN returns the connection string of a superuser, as a URL.
func (s *PoolerServer) DSN() string {
	return "postgres://postgres@" + s.addr + "/" + s.database + "?sslmode=disable"
}
