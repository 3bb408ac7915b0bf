package cachemon

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"weak"

	"github.com/redis/go-redis/v9"

	"github.com/chronoretrace/chronomon/monitor"
)

// Watch is a client that a Hook measures, or none, if it is nil or zero.
type Watch struct {
	hook     *Hook
	cache    *cache
	patterns patterns
	client   redis.UniversalClient
	above    bool // the client has clients of its own, one per node
	closed   atomic.Bool

	mu    sync.Mutex
	nodes []nodeClient // guarded by mu
}

// nodeClient is a node with its client, if that is still there.
type nodeClient struct {
	node   *node
	client weak.Pointer[redis.Client]
}

// Watch measures the client from now on, under a name that nothing else on the
// registry has: a Client, ClusterClient, Ring or failover client. It sends
// nothing to any server. What a client's commands are counted under is the node
// that answered.
//
// It is an error if the client is nil or watched already, if the name is taken,
// or if there are as many names as the monitor's label limit says, those that were
// given back included. If the hook or its monitor is off the client is left as it
// is.
func (h *Hook) Watch(name string, client redis.UniversalClient) (*Watch, error) {
	var p problems
	if name == "" || len(name) > 128 {
		p.bad("Watch name", fmt.Sprintf("%q", name), "1 to 128 bytes")
	}
	if isNilClient(client) {
		p.bad("Watch client", nil, "a client")
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	if h.off() {
		return &Watch{}, nil
	}
	if err := h.table.claimClient(client, name); err != nil {
		return nil, err
	}
	w := &Watch{hook: h, client: client, patterns: make(patterns, h.limit+1)}
	c, err := h.table.claim(h.cacheType, name, h.window, func(c *cache) { c.watch = w })
	if err != nil {
		h.table.releaseClient(client)
		return nil, fmt.Errorf("%w: %w", monitor.ErrInvalidOption, wrap("watch", name, err))
	}
	w.cache = c
	w.attach()
	return w, nil
}

func isNilClient(client redis.UniversalClient) bool {
	v := reflect.ValueOf(client)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}

var errWatched = errors.New("the client is watched already")

func (t *table) claimClient(client redis.UniversalClient, name string) error {
	if !reflect.ValueOf(client).Comparable() {
		return nil // a type of the host's, which only it can tell apart
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if old, ok := t.watched[client]; ok {
		return fmt.Errorf("%w: %w", monitor.ErrInvalidOption, wrap("watch", name, fmt.Errorf("%w, as %q", errWatched, old)))
	}
	t.watched[client] = name
	return nil
}

func (t *table) releaseClient(client redis.UniversalClient) {
	if !reflect.ValueOf(client).Comparable() {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.watched, client)
}

// failoverAddr is what go-redis calls the address of a failover client.
const failoverAddr = "FailoverClient"

// attach puts hooks where commands are sent to a server.
func (w *Watch) attach() {
	switch c := w.client.(type) {
	case *redis.Client:
		w.addNode(c)
	case *redis.ClusterClient:
		w.above = true
		c.OnNewNode(w.addNode)
		// The nodes that are there already are listed by a state that cannot
		// be loaded anew in a context that is over: nothing is sent.
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = c.ForEachShard(ctx, func(_ context.Context, node *redis.Client) error {
			w.addNode(node)
			return nil
		})
		c.AddHook(above{w})
	case *redis.Ring:
		w.above = true
		c.OnNewNode(w.addNode)
		w.findShards(c)
		c.AddHook(above{w})
	default:
		n := w.newNode()
		n.roams = true
		n.moveTo("")
		c.AddHook(n)
	}
}

// findShards adds the shards of a ring that are up and not known yet: a ring
// does not list those that are down.
func (w *Watch) findShards(r *redis.Ring) {
	for _, shard := range r.GetShardClients() {
		w.addNode(shard)
	}
}

func (w *Watch) newNode() *node { return &node{hook: w.hook, watch: w, cache: w.cache} }

// addNode measures a client of one server, unless it is measured already.
func (w *Watch) addNode(c *redis.Client) {
	if w.closed.Load() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	kept := w.nodes[:0]
	known := false
	for _, nc := range w.nodes {
		if old := nc.client.Value(); old != nil { // others went with their nodes
			known = known || old == c
			kept = append(kept, nc)
		}
	}
	clear(w.nodes[len(kept):])
	w.nodes = kept
	if known {
		return
	}
	n := w.newNode()
	n.roams = c.Options().Addr == failoverAddr
	if n.roams {
		n.moveTo("")
	} else {
		n.moveTo(nodeName(c.Options()))
	}
	w.nodes = append(w.nodes, nodeClient{n, weak.Make(c)})
	c.AddHook(n)
}

// badAddress is the name of a node whose address is none: a URL, say, which may
// hold a password.
const badAddress = "invalid"

var errBadAddress = errors.New("the client's address is not host:port: for a URL there is redis.ParseURL")

// nodeName is the name of a client's server.
func nodeName(o *redis.Options) string {
	if o.Network != "unix" && strings.ContainsAny(o.Addr, "/@?") {
		return badAddress
	}
	return o.Addr
}

// pools calls f with each node's client.
func (w *Watch) pools(f func(node string, c *redis.Client)) {
	if r, ok := w.client.(*redis.Ring); ok {
		w.findShards(r)
	}
	w.mu.Lock()
	nodes := append([]nodeClient(nil), w.nodes...)
	w.mu.Unlock()
	for _, nc := range nodes {
		if c := nc.client.Value(); c != nil {
			f(nc.node.at.Load().name, c)
		}
	}
}

// Close ends the measuring and gives the name back. What was counted stays. The
// client itself is left as it is: go-redis cannot remove a hook, ours lets
// everything pass from now on.
func (w *Watch) Close() {
	if w == nil || w.hook == nil || w.closed.Swap(true) {
		return
	}
	w.hook.table.releaseClient(w.client)
	w.hook.table.release(w.cache)
}
