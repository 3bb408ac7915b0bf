package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"github.com/chronoretrace/chronomon/internal/testenv"
)

const (
	workers     = 4
	sliceLength = 100 * time.Millisecond
	perLook     = 20 // operations between two looks at the clock
)

// A client does one operation after the other with a server.
type client struct {
	name   string
	do     func() error
	server []int // processes that answer it
}

// A slice is what was done in a short time.
type slice struct {
	rate float64 // operations a second
	cpu  float64 // ns of client and server per operation
}

func (c client) run(d time.Duration) (slice, error) {
	var (
		done   atomic.Int64
		failed atomic.Pointer[error]
		wg     sync.WaitGroup
	)
	before := c.usage()
	start := time.Now()
	for range workers {
		wg.Go(func() {
			for time.Since(start) < d && failed.Load() == nil {
				for range perLook {
					if err := c.do(); err != nil {
						failed.Store(&err)
						return
					}
				}
				done.Add(perLook)
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return slice{}, *err
	}
	n := float64(done.Load())
	return slice{n / time.Since(start).Seconds(), float64(c.usage()-before) / n}, nil
}

func (c client) usage() time.Duration {
	sum := processCPU()
	for _, pid := range c.server {
		sum += serverCPU(pid)
	}
	return sum
}

// A versus is a client over the bare one, by groups of four slices: bare, it,
// it, bare.
type versus struct {
	server, name   string
	rate, capacity []float64 // quotients
	cpu            []float64 // ns more per operation
}

// compare lets each client take turns with the first one.
func compare(ctx context.Context, server string, clients []client, d time.Duration) ([]versus, error) {
	list := make([]versus, len(clients)-1)
	for i, c := range clients {
		if i > 0 {
			list[i-1].server, list[i-1].name = server, c.name
		}
		if _, err := c.run(5 * sliceLength); err != nil {
			return nil, fmt.Errorf("%s, %s: %w", server, c.name, err)
		}
	}
	for end := time.Now().Add(d); time.Now().Before(end) && ctx.Err() == nil; {
		for i, c := range clients[1:] {
			var s [4]slice
			for at, who := range []client{clients[0], c, c, clients[0]} {
				var err error
				if s[at], err = who.run(sliceLength); err != nil {
					return nil, fmt.Errorf("%s, %s: %w", server, who.name, err)
				}
			}
			v := &list[i]
			v.rate = append(v.rate, (s[1].rate+s[2].rate)/(s[0].rate+s[3].rate))
			v.capacity = append(v.capacity, (s[0].cpu+s[3].cpu)/(s[1].cpu+s[2].cpu))
			v.cpu = append(v.cpu, (s[1].cpu+s[2].cpu-s[0].cpu-s[3].cpu)/2)
		}
	}
	return list, ctx.Err()
}

const (
	onPostgres = "PostgreSQL, point select"
	onRedis    = "Redis, GET"
	bareClient = "bare"
)

// measureServers compares clients of real servers, those whose name matches.
// PostgreSQL, which varies more, has two thirds of the time.
func measureServers(ctx context.Context, only *regexp.Regexp, d time.Duration) ([]versus, error) {
	var list []versus
	err := withHost(func(t testing.TB) error {
		for _, each := range []struct {
			name string
			part time.Duration
			open func(*closers) ([]client, error)
		}{
			{onPostgres, d * 2 / 3, func(c *closers) ([]client, error) { return postgresClients(ctx, testenv.Postgres(t).DSN(), c) }},
			{onRedis, d / 3, func(c *closers) ([]client, error) { return redisClients(ctx, testenv.Redis(t).Addr(), c) }},
		} {
			var open closers
			clients, err := each.open(&open)
			if err == nil {
				var got []versus
				got, err = compare(ctx, each.name, chosenClients(clients, only), each.part)
				list = append(list, got...)
			}
			if err := errors.Join(err, open.close()); err != nil {
				return err
			}
		}
		return nil
	})
	return list, err
}

// chosenClients keeps the bare one and those whose name matches.
func chosenClients(all []client, only *regexp.Regexp) []client {
	list := all[:1:1]
	for _, c := range all[1:] {
		if only.MatchString(c.name) {
			list = append(list, c)
		}
	}
	return list
}

func postgresClients(ctx context.Context, dsn string, open *closers) ([]client, error) {
	list := []client{}
	peers := append([]dbPeer{{bareClient, false, nil}, {bareClient + " again", false, nil}}, dbPeers()[1:]...)
	for _, p := range peers {
		config, err := pgxpool.ParseConfig(dsn)
		if err != nil {
			return nil, err
		}
		config.MinConns, config.MaxConns = workers, workers
		if p.start != nil {
			tracer, err := p.start()
			if err != nil {
				return nil, err
			}
			config.ConnConfig.Tracer = tracer
		}
		pool, err := pgxpool.NewWithConfig(ctx, config)
		if err != nil {
			return nil, err
		}
		open.add(func() error { pool.Close(); return nil })
		backends, err := backendsOf(ctx, pool)
		if err != nil {
			return nil, err
		}
		caller := ctx
		if p.spans {
			caller = spanContext()
		}
		list = append(list, client{p.name, func() error {
			var oid uint32
			return pool.QueryRow(caller, "SELECT oid FROM pg_class WHERE oid = $1", 1259).Scan(&oid)
		}, backends})
	}
	return list, nil
}

// backendsOf opens all of a pool's connections and says who serves them.
func backendsOf(ctx context.Context, pool *pgxpool.Pool) ([]int, error) {
	var taken []*pgxpool.Conn
	var pids []int
	var err error
	for len(taken) < workers && err == nil {
		var conn *pgxpool.Conn
		if conn, err = pool.Acquire(ctx); err == nil {
			taken = append(taken, conn)
			pids = append(pids, int(conn.Conn().PgConn().PID()))
		}
	}
	for _, conn := range taken {
		conn.Release()
	}
	return pids, err
}

var processID = regexp.MustCompile(`process_id:(\d+)`)

func redisClients(ctx context.Context, addr string, open *closers) ([]client, error) {
	list := []client{}
	none := func(*redis.Client) error { return nil }
	peers := append([]cachePeer{{bareClient, false, none}, {bareClient + " again", false, none}}, cachePeers()[2:]...)
	for _, p := range peers {
		c := redis.NewClient(&redis.Options{Addr: addr, PoolSize: workers})
		open.add(c.Close)
		info, err := c.Info(ctx, "server").Result()
		if err != nil {
			return nil, err
		}
		pid, err := strconv.Atoi(append(processID.FindStringSubmatch(info), "", "")[1])
		if err != nil {
			return nil, fmt.Errorf("INFO has no process_id: %w", err)
		}
		const key = "stock:daily:600519"
		if err := errors.Join(c.Set(ctx, key, "value", 0).Err(), p.hook(c)); err != nil {
			return nil, err
		}
		caller := ctx
		if p.spans {
			caller = spanContext()
		}
		list = append(list, client{p.name, func() error { return c.Get(caller, key).Err() }, []int{pid}})
	}
	return list, nil
}

func printServers(w io.Writer, list []versus) {
	for _, server := range []string{onPostgres, onRedis} {
		t := table{head: []string{server, "capacity over bare", "±", "quartiles", "ops/s over bare", "±", "CPU ns more"}, numbers: 6}
		n := 0
		for _, v := range list {
			if v.server != server {
				continue
			}
			n = len(v.rate)
			t.add(v.name, three(median(v.capacity)), three(medianError(v.capacity)),
				three(quantile(v.capacity, 0.25))+" to "+three(quantile(v.capacity, 0.75)),
				three(median(v.rate)), three(medianError(v.rate)), ns(median(v.cpu)))
		}
		t.print(w)
		fmt.Fprintf(w, "%d workers, %d times four slices of %v: bare, it, it, bare. Capacity: CPU time of client and server per operation, bare over it.\n\n",
			workers, n, sliceLength)
	}
}

func three(v float64) string { return fmt.Sprintf("%.3f", v) }

func serverGoals(list []versus) []goal {
	var goals []goal
	for _, g := range []struct {
		server, ours string
		least        float64
	}{{onPostgres, oursHook, 0.98}, {onRedis, oursHook, 0.97}} {
		for _, v := range list {
			if v.server == g.server && v.name == g.ours {
				goals = append(goals, goal{what: g.server + ": capacity", value: median(v.capacity), limit: g.least, unit: " × bare", least: true})
			}
		}
	}
	return goals
}

// A host stands for the test that a server belongs to.
type host struct {
	testing.TB // for the methods that nobody may implement

	cleanups closers
}

// failure is how a host's fatal errors leave the function that met them.
type failure struct{ err error }

func (*host) Helper()      {}
func (*host) Failed() bool { return false }

func (*host) Logf(string, ...any) {}

func (*host) Errorf(format string, args ...any) { panic(failure{fmt.Errorf(format, args...)}) }
func (*host) Fatalf(format string, args ...any) { panic(failure{fmt.Errorf(format, args...)}) }
func (*host) Skipf(format string, args ...any) {
	panic(failure{fmt.Errorf("%w: %s", errNoServer, fmt.Sprintf(format, args...))})
}

// errNoServer says that a server is not installed.
var errNoServer = errors.New("cannot compare on real servers")

func (h *host) Cleanup(f func()) {
	h.cleanups.add(func() error { f(); return nil })
}

// withHost calls f with something that servers can be asked for with, and ends
// them when f is over.
func withHost(f func(testing.TB) error) (err error) {
	h := &host{}
	defer func() { err = errors.Join(err, caught(h.cleanups.close)) }()
	return caught(func() error { return f(h) })
}

func caught(f func() error) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case failure:
			err = r.err
		default:
			panic(r)
		}
	}()
	return f()
}
