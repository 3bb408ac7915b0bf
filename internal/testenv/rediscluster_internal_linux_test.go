package testenv

import (
	"strings"
	"testing"
)

func TestRedisCluster(t *testing.T) {
	t.Parallel()
	c := RedisCluster(t)
	if len(c.Addrs()) != clusterNodes {
		t.Fatalf("%d nodes", len(c.Addrs()))
	}
	// A key of another node's is moved to it.
	reply, err := ask(c.Addrs()[2], "GET", "b") // slot 3300
	if err != nil || !strings.Contains(reply, "MOVED 3300 "+c.Addrs()[0]) {
		t.Fatalf("%q, %v", reply, err)
	}
}

func TestRedisSentinel(t *testing.T) {
	t.Parallel()
	s := RedisSentinel(t)
	s.Primary.Stop()
	awaitSay(t, s.Replica, "role:master", "INFO", "replication")
}
