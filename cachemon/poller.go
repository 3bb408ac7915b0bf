package cachemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/internal/keypattern"
	"github.com/chronoretrace/chronomon/monitor"
)

// MemoryPoller asks Redis servers what they know of themselves: the memory they
// use and the other facts of redis_exporter that rules and dashboards want. It
// is an engine for [monitor.Monitor.Run]. A nil one, like one of a monitor that
// is off, asks nothing.
type MemoryPoller struct {
	m      *monitor.Monitor
	table  *table
	client redis.UniversalClient
	config pollerConfig
	sample *keypattern.Extractor // nil unless key memory is sampled

	polling sync.Mutex // held during a poll

	mu      sync.Mutex
	servers map[string]*server // guarded by mu; by node
}

var _ monitor.Runner = (*MemoryPoller)(nil)

type pollerConfig struct {
	name      string
	cacheType string
	every     time.Duration
	timeout   time.Duration
	budget    int
	patterns  []string
	words     []string
}

// WithPollName sets the label cache_name of what is polled. Default: "redis".
func WithPollName(name string) PollerOption {
	return pollerOption(func(c *pollerConfig) { c.name = name })
}

// WithPollInterval sets how often servers are asked, 1 s to 1 h. Default: 15 s.
func WithPollInterval(d time.Duration) PollerOption {
	return pollerOption(func(c *pollerConfig) { c.every = d })
}

// WithPollTimeout bounds one poll of one server, so that a server that hangs is
// down and not forgotten. Default: 5 s.
func WithPollTimeout(d time.Duration) PollerOption {
	return pollerOption(func(c *pollerConfig) { c.timeout = d })
}

// WithKeyMemory estimates the memory of the keys of each pattern: with each
// poll up to budget keys of each primary are met by SCAN and measured by
// MEMORY USAGE, going on where the last poll stopped. Patterns are those of
// [WithKeyPatterns]: the ones given come first. 0 measures none. Default: 0.
func WithKeyMemory(budget int, patterns ...string) PollerOption {
	return pollerOption(func(c *pollerConfig) { c.budget, c.patterns = budget, patterns })
}

// WithKeyMemoryWords is [WithKeyWords] for the patterns of [WithKeyMemory].
func WithKeyMemoryWords(words ...string) PollerOption {
	return pollerOption(func(c *pollerConfig) { c.words = words })
}

// NewMemoryPoller returns a poller of the client's server, or of all servers of
// a cluster or a ring.
func NewMemoryPoller(m *monitor.Monitor, client redis.UniversalClient, opts ...PollerOption) (*MemoryPoller, error) {
	c := pollerConfig{name: "redis", cacheType: "redis", every: 15 * time.Second, timeout: 5 * time.Second}
	for _, o := range opts {
		if o != nil {
			o.applyPoller(&c)
		}
	}
	var p problems
	p.monitor(m)
	if isNilClient(client) {
		p.bad("NewMemoryPoller client", nil, "a client")
	}
	p.label("WithPollName", c.name)
	p.label("WithCacheType", c.cacheType)
	if c.every < time.Second || c.every > time.Hour {
		p.bad("WithPollInterval", c.every, "1 s to 1 h")
	}
	if c.timeout <= 0 {
		p.bad("WithPollTimeout", c.timeout, "a positive duration")
	}
	if c.budget < 0 || c.budget > 1_000_000 {
		p.bad("WithKeyMemory", c.budget, "0 to 1000000 keys")
	}
	x, err := keypattern.New(keypattern.Config{Rules: c.patterns, Words: c.words, Limit: defaultPatterns, Crowd: crowd(c.words)})
	if err != nil {
		p.bad("WithKeyMemory", err, "patterns such as stock:daily:*")
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	t, err := openTable(m.Instruments(), catalog.CacheOperationDuration.Buckets)
	if err != nil {
		return nil, err
	}
	mp := &MemoryPoller{m: m, table: t, client: client, config: c, servers: map[string]*server{}}
	if c.budget > 0 {
		mp.sample = x
	}
	if m.Off() {
		return mp, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.polled[c.name] {
		return nil, fmt.Errorf("%w: %w", monitor.ErrInvalidOption, wrap("poll", c.name, errTaken))
	}
	t.polled[c.name] = true
	t.pollers = append(t.pollers, mp)
	return mp, nil
}

func (p *MemoryPoller) off() bool { return p == nil || p.m == nil || p.m.Off() }

// Run polls until ctx is done. What servers do not answer is counted in
// cache_poll_errors_total, shown by redis_up, and logged once until they do. The
// servers' series end with Run: nobody knows of them any more.
func (p *MemoryPoller) Run(ctx context.Context) error {
	if p.off() {
		<-ctx.Done()
		return nil
	}
	defer p.leave()
	tick := time.NewTicker(p.config.every)
	defer tick.Stop()
	for {
		_ = p.Poll(ctx) // counted and logged
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// leave ends the servers' series.
func (p *MemoryPoller) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.servers)
}

// Poll asks all servers once. The error joins those of servers that did not
// answer at all; one that refuses to answer a question is no error. A poll whose
// ctx is done says nothing of servers that have not answered: its error is that
// of ctx.
func (p *MemoryPoller) Poll(ctx context.Context) error {
	if p.off() {
		return nil
	}
	p.polling.Lock()
	defer p.polling.Unlock()
	ctx = monitor.ContextWithCaller(ctx, unwatched{})
	gone := ctx.Err // of the caller, not of a poll that takes too long
	var (
		mu    sync.Mutex
		errs  []error             // guarded by mu
		asked = map[string]bool{} // guarded by mu
	)
	ask := func(ctx context.Context, node string, client asker) {
		err := p.ask(ctx, node, client, gone)
		mu.Lock()
		defer mu.Unlock()
		asked[node] = true
		if err != nil {
			errs = append(errs, err)
		}
	}
	listed := p.eachServer(ctx, ask)
	switch {
	case gone() != nil:
		return wrap("poll", p.config.name, gone())
	case listed != nil:
		errs = append(errs, wrap("poll", p.config.name, listed))
		p.allDown(listed)
	default:
		p.forget(asked)
	}
	return errors.Join(errs...)
}

// Close takes the servers' facts out of the metrics and gives the name back.
func (p *MemoryPoller) Close() {
	if p.off() {
		return
	}
	t := p.table
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.Index(t.pollers, p); i >= 0 {
		t.pollers = slices.Delete(slices.Clone(t.pollers), i, i+1)
		delete(t.polled, p.config.name)
	}
}

// asker is what a server is asked through.
type asker interface {
	redis.Cmdable
	Do(ctx context.Context, args ...any) *redis.Cmd
}

// eachServer calls ask with each server, for several at once. go-redis does not
// heed a context's deadline unless it is told to, but its own time-outs.
func (p *MemoryPoller) eachServer(ctx context.Context, ask func(context.Context, string, asker)) error {
	each := func(ctx context.Context, c *redis.Client) error {
		ask(ctx, nodeName(c.Options()), c.WithTimeout(p.config.timeout))
		return nil
	}
	switch c := p.client.(type) {
	case *redis.Client:
		node := nodeName(c.Options())
		if node == failoverAddr {
			node = p.failoverNode(c)
		}
		ask(ctx, node, c.WithTimeout(p.config.timeout))
	case *redis.ClusterClient:
		ctx, cancel := context.WithTimeout(ctx, p.config.timeout)
		defer cancel()
		return c.ForEachShard(ctx, each)
	case *redis.Ring:
		return c.ForEachShard(ctx, each)
	default:
		ask(ctx, "", c)
	}
	return nil
}

// failoverNode is the server that a failover client is connected to, as its
// watch knows it.
func (p *MemoryPoller) failoverNode(c *redis.Client) (node string) {
	p.table.mu.Lock()
	var watch *Watch
	for _, ca := range p.table.order {
		if ca.watch != nil && ca.watch.client == redis.UniversalClient(c) {
			watch = ca.watch
		}
	}
	p.table.mu.Unlock()
	if watch != nil {
		watch.pools(func(n string, _ *redis.Client) { node = n })
	}
	if node == "" {
		return "failover"
	}
	return node
}

// ask asks one server and keeps what it says, unless gone tells why nobody wants
// to know any more.
func (p *MemoryPoller) ask(ctx context.Context, node string, client asker, gone func() error) error {
	ctx, cancel := context.WithTimeout(ctx, p.config.timeout)
	defer cancel()
	p.mu.Lock()
	s := p.servers[node]
	if s == nil {
		s = &server{node: node}
		p.servers[node] = s
	}
	p.mu.Unlock()

	facts, refused, err := readFacts(ctx, client)
	if err != nil && gone() != nil {
		return gone()
	}
	if err != nil && node == badAddress {
		err = errBadAddress // the other one says it
	}
	if err == nil && p.sample != nil && facts.primary {
		p.sampleKeys(ctx, s, client)
	}
	p.mu.Lock()
	s.polled = true
	s.up = err == nil
	s.facts = facts
	before := s.trouble
	s.trouble = ""
	switch {
	case err != nil:
		s.trouble = kindOf(err)
	case refused != nil:
		s.trouble = kindOf(refused)
	}
	now := s.trouble
	p.mu.Unlock()
	p.tell(node, before, now, err, refused)
	if err != nil {
		return wrap("poll", p.config.name, fmt.Errorf("%s: %w", node, err))
	}
	return nil
}

// tell counts what went wrong and logs it when it is news.
func (p *MemoryPoller) tell(node, before, now string, err, refused error) {
	if now != "" {
		p.table.pollErrors.Cell(p.config.name, node, now).Add(&instrument.Home{}, 0, 1)
	}
	if now == before {
		return
	}
	log := p.m.Logger().With("cache", p.config.name, "node", node)
	switch {
	case now == "":
		log.Info("cache server answers again")
	case err != nil:
		log.Warn("cache server does not answer", "error", now)
	case refused != nil:
		log.Warn("cache server refuses some facts; those it tells are shown", "error", now)
	}
}

// allDown notes that not even the list of servers could be had.
func (p *MemoryPoller) allDown(err error) {
	kind := kindOf(err)
	p.mu.Lock()
	if len(p.servers) == 0 {
		p.servers[""] = &server{}
	}
	type change struct{ node, before string }
	var changes []change
	for _, s := range p.servers {
		s.polled, s.up, s.facts = true, false, facts{}
		changes = append(changes, change{s.node, s.trouble})
		s.trouble = kind
	}
	p.mu.Unlock()
	for _, c := range changes {
		p.tell(c.node, c.before, kind, err, nil)
	}
}

// forget drops servers that are no more: those that left a cluster, and what a
// failover left behind.
func (p *MemoryPoller) forget(asked map[string]bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for node := range p.servers {
		if !asked[node] {
			if _, ring := p.client.(*redis.Ring); ring { // a ring does not list those that are down
				p.servers[node].up, p.servers[node].facts = false, facts{}
				continue
			}
			delete(p.servers, node)
		}
	}
}
