package cachemon

import (
	"context"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
)

// server is what was last heard of one server. Its fields are guarded by the
// poller's mu, but for the scan, which only a poll touches.
type server struct {
	node    string
	polled  bool
	up      bool
	facts   facts
	trouble string // kind of error, empty for none
	shown   map[string]float64
	scan    scan
}

// facts are numbers of INFO by the metric's name.
type facts struct {
	values  map[string]float64
	primary bool
}

// fact is how one metric is read from INFO.
type fact struct {
	metric catalog.Metric
	field  string
	zero   bool // a 0 is no answer: maxmemory 0 is no limit
}

var serverFacts = []fact{
	{catalog.RedisUptime, "uptime_in_seconds", false},
	{catalog.RedisMemoryUsed, "used_memory", false},
	{catalog.RedisMemoryMax, "maxmemory", true},
	{catalog.RedisMemoryRSS, "used_memory_rss", false},
	{catalog.RedisFragmentation, "mem_fragmentation_ratio", false},
	{catalog.RedisConnectedClients, "connected_clients", false},
	{catalog.RedisBlockedClients, "blocked_clients", false},
	{catalog.RedisMaxClients, "maxclients", false},
	{catalog.RedisConnectedReplicas, "connected_slaves", false},
	{catalog.RedisCommands, "total_commands_processed", false},
	{catalog.RedisConnections, "total_connections_received", false},
	{catalog.RedisRejected, "rejected_connections", false},
	{catalog.RedisKeyspaceHits, "keyspace_hits", false},
	{catalog.RedisKeyspaceMisses, "keyspace_misses", false},
	{catalog.RedisEvicted, "evicted_keys", false},
	{catalog.RedisExpired, "expired_keys", false},
}

// readFacts asks INFO and SLOWLOG LEN. refused is the error of a question that
// the server does not answer to this user; err that of a server that does not
// answer at all.
func readFacts(ctx context.Context, c asker) (f facts, refused, err error) {
	f.values = map[string]float64{}
	text, err := c.Info(ctx).Result()
	switch {
	case err == nil:
		f.parse(text)
	case isReply(err):
		refused = err
	default:
		return facts{}, nil, err
	}
	n, err := c.Do(ctx, "slowlog", "len").Int64()
	switch {
	case err == nil:
		f.note(catalog.RedisSlowlogLength, float64(n))
	case isReply(err):
		refused = errors.Join(refused, err)
	default:
		return facts{}, nil, err
	}
	return f, refused, nil
}

// isReply reports whether an error is a server's answer, of one that is up.
func isReply(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply)
}

// parse reads the lines "field:value" of INFO. What is no number, or one that
// cannot be true, is passed over.
func (f *facts) parse(text string) {
	byField := map[string]string{}
	for line := range strings.Lines(text) {
		if field, value, ok := strings.Cut(line, ":"); ok {
			byField[field] = strings.TrimSpace(value)
		}
	}
	f.primary = byField["role"] != "slave"
	for _, fc := range serverFacts {
		v, err := strconv.ParseFloat(byField[fc.field], 64)
		if err != nil || (fc.zero && v == 0) {
			continue
		}
		f.note(fc.metric, v)
	}
}

// note keeps a fact that can be true: none is negative or infinite.
func (f *facts) note(m catalog.Metric, v float64) {
	if v >= 0 && !math.IsInf(v, 1) {
		f.values[m.Name] = v
	}
}

// servers calls f with what each poller heard of each of its servers.
func (t *table) servers(f func(p *MemoryPoller, s *server)) {
	t.mu.Lock()
	pollers := slices.Clone(t.pollers)
	t.mu.Unlock()
	for _, p := range pollers {
		p.mu.Lock()
		for _, s := range p.servers {
			if s.polled {
				f(p, s)
			}
		}
		p.mu.Unlock()
	}
}

// memory calls f with the memory of each primary.
func (t *table) memory(f func(typ string, bytes float64)) {
	t.servers(func(p *MemoryPoller, s *server) {
		if v, ok := s.facts.values[catalog.RedisMemoryUsed.Name]; ok && s.facts.primary {
			f(p.config.cacheType, v)
		}
	})
}

// showServers makes what servers say metrics.
func (t *table) showServers() error {
	show := func(m catalog.Metric, read func(s *server) (float64, bool)) error {
		return t.set.Func(m, func(maker instrument.LabelMaker) instrument.Func {
			l := newSeries(maker)
			return func(yield instrument.Yield) {
				t.servers(func(p *MemoryPoller, s *server) {
					if v, ok := read(s); ok {
						yield(l.labels(p.config.name, s.node), v)
					}
				})
			}
		})
	}
	errs := []error{
		show(catalog.RedisUp, func(s *server) (float64, bool) {
			if s.up {
				return 1, true
			}
			return 0, true
		}),
		t.set.Func(catalog.CachePatternMemory, func(maker instrument.LabelMaker) instrument.Func {
			l := newSeries(maker)
			return func(yield instrument.Yield) {
				t.servers(func(p *MemoryPoller, s *server) {
					for pattern, bytes := range s.shown {
						yield(l.labels(p.config.name, s.node, pattern), bytes)
					}
				})
			}
		}),
	}
	metrics := []catalog.Metric{catalog.RedisSlowlogLength}
	for _, fc := range serverFacts {
		metrics = append(metrics, fc.metric)
	}
	for _, m := range metrics {
		errs = append(errs, show(m, func(s *server) (float64, bool) {
			v, ok := s.facts.values[m.Name]
			return v, ok
		}))
	}
	return errors.Join(errs...)
}
