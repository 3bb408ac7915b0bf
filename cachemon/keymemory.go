package cachemon

import (
	"context"

	"github.com/redis/go-redis/v9"

	"github.com/chronoretrace/chronomon/internal/keypattern"
)

// scan is a walk through a server's keys that goes on from poll to poll.
type scan struct {
	cursor uint64
	keys   int // met so far
	bytes  map[string]float64
	done   bool // a walk was finished before: its estimate stands until the next is
}

// scanCount is how many keys one SCAN asks for.
const scanCount = 100

// sampleKeys goes on with the walk through the keys of one server. What the
// server does not let it do is passed over: the estimate is then not there.
func (p *MemoryPoller) sampleKeys(ctx context.Context, s *server, client asker) {
	sc := &s.scan
	if sc.bytes == nil {
		sc.bytes = map[string]float64{}
	}
	for met := 0; met < p.config.budget; {
		keys, cursor, err := client.Scan(ctx, sc.cursor, "", min(int64(p.config.budget-met), scanCount)).Result()
		if err != nil || !p.measure(ctx, sc, client, keys) {
			return
		}
		met += max(len(keys), 1)
		sc.cursor = cursor
		if cursor == 0 {
			p.publish(s, 1)
			*sc = scan{bytes: map[string]float64{}, done: true}
			return
		}
	}
	if sc.done || sc.keys == 0 {
		return
	}
	if total, err := client.DBSize(ctx).Result(); err == nil {
		p.publish(s, max(float64(total)/float64(sc.keys), 1))
	}
}

// measure adds the memory of the keys to the walk. Keys that went meanwhile
// count as nothing.
func (p *MemoryPoller) measure(ctx context.Context, sc *scan, client asker, keys []string) bool {
	if len(keys) == 0 {
		return true
	}
	pipe := client.Pipeline()
	sizes := make([]*redis.IntCmd, len(keys))
	for i, k := range keys {
		sizes[i] = pipe.MemoryUsage(ctx, k)
	}
	if _, err := pipe.Exec(ctx); err != nil && !isNil(err) {
		return false
	}
	var scratch keypattern.Scratch
	for i, k := range keys {
		if n, err := sizes[i].Result(); err == nil && n >= 0 {
			sc.bytes[p.sample.FindBytes(&scratch, bytesOf(k)).Name] += float64(n)
		}
	}
	sc.keys += len(keys)
	return true
}

// publish shows the walk's sums, scaled to all keys.
func (p *MemoryPoller) publish(s *server, scale float64) {
	shown := make(map[string]float64, len(s.scan.bytes))
	for pattern, bytes := range s.scan.bytes {
		shown[pattern] = bytes * scale
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s.shown = shown
}
