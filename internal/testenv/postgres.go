package testenv

import (
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// PostgresServer is a PostgreSQL server.
type PostgresServer struct{ *Server }

// Postgres returns a PostgreSQL server with pg_stat_statements loaded. Its
// durability is off, so that it is quick; data survive Stop and Start all the
// same. Settings such as "max_connections=5" come on top.
func Postgres(t testing.TB, settings ...string) *PostgresServer {
	t.Helper()
	const name = "postgres"
	if s := external(t, name, "CHRONOMON_POSTGRES_DSN", settings...); s != nil {
		return &PostgresServer{s}
	}
	initdb := findServer(t, name, "postgresql", "initdb")
	postgres := findServer(t, name, "postgresql", "postgres")
	user, err := lookupOwner("postgres")
	if err != nil {
		unavailable(t, name, "it does not run as root: "+err.Error())
	}
	return &PostgresServer{newServer(t, spec{
		name:  name,
		ready: "database system is ready to accept connections",
		stop:  syscall.SIGINT,  // "fast": does not wait for clients to leave
		quit:  syscall.SIGQUIT, // "immediate": kills its children, removes its shared memory
		owner: user,
		prepare: func(dir string) error {
			return runInitdb(user.command(dir, []string{
				initdb, "-D", filepath.Join(dir, "data"), "-U", "postgres",
				"--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync",
			}))
		},
		argv: func(dir, addr string) []string {
			host, port, _ := net.SplitHostPort(addr)
			argv := []string{postgres, "-D", filepath.Join(dir, "data")}
			for _, setting := range append([]string{
				"listen_addresses=" + host,
				"port=" + port,
				"unix_socket_directories=",
				"fsync=off",
				"synchronous_commit=off",
				"full_page_writes=off",
				"shared_preload_libraries=pg_stat_statements",
			}, settings...) {
				argv = append(argv, "-c", setting)
			}
			return argv
		},
	})}
}

// runInitdb creates the files of a database cluster.
func runInitdb(cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return nil
}

// DSN returns the connection string of a superuser, as a URL.
func (s *PostgresServer) DSN() string {
	if s.external != "" {
		return s.external
	}
	return "postgres://postgres@" + s.addr + "/postgres?sslmode=disable"
}
