package testenv

import (
	"net"
	"syscall"
	"testing"
)

// RedisServer is a Redis server.
type RedisServer struct{ *Server }

// Redis returns a Redis server that keeps nothing on disk: it is empty after
// every Start. Flags such as "--maxmemory", "8mb" come on top.
func Redis(t testing.TB, flags ...string) *RedisServer {
	t.Helper()
	const name = "redis"
	if s := external(t, name, "CHRONOMON_REDIS_ADDR", flags...); s != nil {
		return &RedisServer{s}
	}
	binary := findServer(t, name, "redis-server", "redis-server")
	return &RedisServer{newServer(t, spec{
		name:  name,
		ready: "Ready to accept connections",
		stop:  syscall.SIGTERM,
		quit:  syscall.SIGKILL,
		argv: func(dir, addr string) []string {
			host, port, _ := net.SplitHostPort(addr)
			return append([]string{
				binary, "--bind", host, "--port", port, "--dir", dir,
				"--save", "", "--appendonly", "no", "--daemonize", "no",
			}, flags...)
		},
	})}
}
