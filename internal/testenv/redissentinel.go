package testenv

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// SentinelMaster is the name under which a sentinel knows the primary.
const SentinelMaster = "primary"

// RedisSentinelServers is a Redis primary, a replica of it, and a sentinel that
// makes the replica the primary when that has been down for a second.
type RedisSentinelServers struct {
	Primary  *RedisServer
	Replica  *RedisServer
	Sentinel *RedisServer
}

// RedisSentinel returns such a set of servers when the replica is in step and
// known to the sentinel.
func RedisSentinel(t testing.TB) *RedisSentinelServers {
	t.Helper()
	s := &RedisSentinelServers{Primary: Redis(t)}
	host, port, _ := net.SplitHostPort(s.Primary.Addr())
	s.Replica = Redis(t, "--replicaof", host+" "+port, "--repl-diskless-sync-delay", "0")

	binary := findServer(t, "redis", "redis-server", "redis-server")
	s.Sentinel = &RedisServer{newServer(t, spec{
		name:  "redis",
		ready: "Sentinel ID is",
		stop:  syscall.SIGTERM,
		quit:  syscall.SIGKILL,
		prepare: func(dir string) error {
			config := fmt.Sprintf("sentinel monitor %[1]s %[2]s %[3]s 1\nsentinel down-after-milliseconds %[1]s 1000\n"+
				"sentinel failover-timeout %[1]s 5000\n", SentinelMaster, host, port)
			return os.WriteFile(filepath.Join(dir, "sentinel.conf"), []byte(config), 0o600)
		},
		argv: func(dir, addr string) []string {
			host, port, _ := net.SplitHostPort(addr)
			return []string{
				binary, filepath.Join(dir, "sentinel.conf"), "--sentinel",
				"--bind", host, "--port", port, "--dir", dir, "--daemonize", "no",
			}
		},
	})}
	awaitSay(t, s.Replica, "master_link_status:up", "INFO", "replication")
	awaitSay(t, s.Sentinel, "slaves=1", "INFO", "sentinel")
	return s
}

// awaitSay asks until the reply contains the text.
func awaitSay(t testing.TB, s *RedisServer, want string, args ...string) {
	t.Helper()
	for deadline := time.Now().Add(readyTimeout); ; time.Sleep(50 * time.Millisecond) {
		reply, err := ask(s.Addr(), args...)
		if err == nil && strings.Contains(reply, want) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("testenv: %s has no %q after %v: %q, %v", args, want, readyTimeout, reply, err)
		}
	}
}
