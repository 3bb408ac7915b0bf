package testenv

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// clusterNodes is how many primaries a cluster has, and slots how many slots
// they share.
const (
	clusterNodes = 3
	clusterSlots = 16384
)

// RedisClusterServers is a Redis cluster of three primaries, the first of which
// has the lowest third of the slots.
type RedisClusterServers struct{ Nodes []*RedisServer }

// RedisCluster returns a Redis cluster that is ready: all slots are served and
// all nodes know it. That takes about two seconds. Flags come on top, for each
// node.
func RedisCluster(t testing.TB, flags ...string) *RedisClusterServers {
	t.Helper()
	c := &RedisClusterServers{}
	for range clusterNodes {
		bus, release, err := reserveAddr()
		if err != nil {
			t.Fatalf("testenv: reserve a port for the cluster bus: %v", err)
		}
		t.Cleanup(release)
		_, busPort, _ := net.SplitHostPort(bus)
		c.Nodes = append(c.Nodes, Redis(t, append([]string{
			"--cluster-enabled", "yes", "--cluster-port", busPort, "--cluster-node-timeout", "2000",
		}, flags...)...))
		c.assign(t, len(c.Nodes)-1, busPort)
	}
	c.awaitReady(t)
	return c
}

// Addrs returns the nodes' addresses.
func (c *RedisClusterServers) Addrs() (addrs []string) {
	for _, n := range c.Nodes {
		addrs = append(addrs, n.Addr())
	}
	return addrs
}

// assign gives node i its slots, and has it meet the first one.
func (c *RedisClusterServers) assign(t testing.TB, i int, busPort string) {
	t.Helper()
	first, last := i*clusterSlots/clusterNodes, (i+1)*clusterSlots/clusterNodes-1
	mustSay(t, c.Nodes[i], "+OK", "CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(first), strconv.Itoa(last))
	if i > 0 {
		host, port, _ := net.SplitHostPort(c.Nodes[i].Addr())
		mustSay(t, c.Nodes[0], "+OK", "CLUSTER", "MEET", host, port, busPort)
	}
}

func (c *RedisClusterServers) awaitReady(t testing.TB) {
	t.Helper()
	deadline := time.Now().Add(readyTimeout)
	for _, n := range c.Nodes {
		for {
			info, err := ask(n.Addr(), "CLUSTER", "INFO")
			if err == nil && strings.Contains(info, "cluster_state:ok") && strings.Contains(info, fmt.Sprintf("cluster_known_nodes:%d", clusterNodes)) {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("testenv: the cluster was not ready after %v: %v\n%s", readyTimeout, err, info)
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
}

// mustSay sends a command and fails the test unless the reply begins as given.
func mustSay(t testing.TB, s *RedisServer, want string, args ...string) {
	t.Helper()
	reply, err := ask(s.Addr(), args...)
	if err != nil || !strings.HasPrefix(reply, want) {
		t.Fatalf("testenv: %s to %s: %q, %v", args, s.Addr(), reply, err)
	}
}

// ask sends one command on a connection of its own and returns the reply: the
// line of a simple one with its sign, the text of a bulk one. This package needs
// no client library for that.
func ask(addr string, args ...string) (string, error) {
	conn, err := net.DialTimeout("tcp", addr, readyTimeout) //nolint:noctx // bounded by its time-out
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(readyTimeout)); err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
	}
	if _, err := io.WriteString(conn, b.String()); err != nil {
		return "", err
	}
	r := bufio.NewReader(conn)
	line, err := r.ReadString('\n')
	line = strings.TrimSpace(line)
	if err != nil || !strings.HasPrefix(line, "$") {
		return line, err
	}
	n, err := strconv.Atoi(line[1:])
	if err != nil || n < 0 {
		return "", err
	}
	text := make([]byte, n)
	_, err = io.ReadFull(r, text)
	return string(text), err
}
