package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"github.com/chronoretrace/chronomon/apimon"
	"github.com/chronoretrace/chronomon/bizmon"
	"github.com/chronoretrace/chronomon/cachemon"
	"github.com/chronoretrace/chronomon/dbmon"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/history"
	"github.com/chronoretrace/chronomon/monitor/host"
	"github.com/chronoretrace/chronomon/monitor/lease"
	"github.com/chronoretrace/chronomon/monitor/lease/pglease"
	"github.com/chronoretrace/chronomon/monitor/lease/redislease"
	"github.com/chronoretrace/chronomon/monitor/pgstore"
)

// schema is of the example's own tables, and the lease's name.
const schema = "chronomon_full"

// site is everything that is wired. What depends on a server that is not there
// is nil.
type site struct {
	m       *monitor.Monitor
	api     *apimon.Middleware
	biz     *bizmon.Business
	history *history.DB
	pool    *pgxpool.Pool
	store   *pgstore.Store
	elector *lease.Elector
	quotes  *quotes

	engines []monitor.Runner
	missing []string // in words, for who starts it
	closers []func()
}

// newSite wires everything, with the servers that are there.
func newSite(ctx context.Context, set settings) (_ *site, err error) {
	s := &site{}
	defer func() {
		if err != nil {
			s.close() // what there is of it by now
		}
	}()
	if err := s.measure(set); err != nil {
		return nil, err
	}
	if s.m.Off() {
		s.missing = append(s.missing, "MONITOR=off: nothing is measured")
	}
	var cache cache
	var leases lease.Store
	if set.redis == "" {
		s.missing = append(s.missing, "REDIS_URL is not set: quotes are cached in the process, and Redis is not watched")
		cache, err = newLocal(s.m)
	} else {
		cache, leases, err = s.redis(set.redis)
	}
	if err != nil {
		return nil, err
	}
	if set.postgres == "" {
		s.missing = append(s.missing, "DATABASE_URL is not set: quotes are made up as they are asked for, and plans are not kept")
	} else if leases, err = s.postgres(ctx, set.postgres); err != nil {
		return nil, err
	}
	if leases == nil {
		s.missing = append(s.missing, "neither is set: there is no lease, and no leader")
	} else if err := s.elect(leases); err != nil {
		return nil, err
	}
	source, err := s.biz.Sources.Add("exchange", bizmon.WithMaxLag(time.Minute), bizmon.WithSpacing(feedEvery))
	if err != nil {
		return nil, err
	}
	s.quotes = &quotes{m: s.m, biz: s.biz, source: source, pool: s.pool, cache: cache, history: s.history}
	s.engines = append(s.engines, s.quotes)
	if set.restore != "" {
		if err := s.restore(ctx, set.restore); err != nil {
			return nil, err
		}
	}
	return s, s.quotes.begin(ctx, s.m.Now())
}

// measure is what needs no server: requests, business, the machine, the history.
func (s *site) measure(set settings) (err error) {
	options := []monitor.Option{monitor.WithService("full", "v0.1.0"), monitor.WithRuntimeMetrics()}
	if set.key != "" {
		options = append(options, monitor.WithPseudonymKey([]byte(set.key)))
	}
	if s.m, err = monitor.New(options...); err != nil {
		return err
	}
	if s.api, err = apimon.New(s.m, apimon.WithSkip("/metrics")); err != nil {
		return err
	}
	if s.biz, err = bizmon.New(s.m); err != nil {
		return err
	}
	if _, err = host.New(s.m); err != nil {
		return err
	}
	opts := []history.Option{
		history.WithInterval(time.Second), // ten seconds would do, but somebody is watching
		history.WithRetention(archiveKept, archiveKept),
		history.WithWatch("api:p95", `histogram_quantile(0.95, sum by (le, endpoint) (rate(api_request_duration_seconds_bucket[1m])))`, 5*time.Second),
	}
	if set.data != "" {
		opts = append(opts, history.WithStoragePath(set.data))
	}
	if s.history, err = history.New(s.m, opts...); err != nil {
		return err
	}
	s.closers = append(s.closers, func() { _ = s.history.Close() }) // again, after Run
	s.engines = append(s.engines, s.history, s.biz)
	return nil
}

// redis wires a client: its calls are measured, its server is asked.
func (s *site) redis(url string) (cache, lease.Store, error) {
	opts, err := redis.ParseURL(url)
	if err != nil {
		return nil, nil, errors.New("REDIS_URL: want redis://[user:password@]host:port/db") // the error may have the password
	}
	client := redis.NewClient(opts)
	s.closers = append(s.closers, func() { _ = client.Close() })
	hook, err := cachemon.NewHook(s.m)
	if err != nil {
		return nil, nil, err
	}
	watch, err := hook.Watch("quotes", client)
	if err != nil {
		return nil, nil, err
	}
	s.closers = append(s.closers, watch.Close)
	poller, err := cachemon.NewMemoryPoller(s.m, client, cachemon.WithPollName("quotes"))
	if err != nil {
		return nil, nil, err
	}
	leases, err := redislease.New(client, schema)
	if err != nil {
		return nil, nil, err
	}
	s.engines = append(s.engines, poller)
	return remote{client}, leases, nil
}

// postgres wires a pool: its queries are measured, its server is asked, and
// what is found out is kept there.
func (s *site) postgres(ctx context.Context, url string) (lease.Store, error) {
	tracer, err := dbmon.NewTracer(s.m)
	if err != nil {
		return nil, err
	}
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errors.New("DATABASE_URL: want postgres://[user:password@]host:port/database")
	}
	config.ConnConfig.Tracer = tracer
	if s.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, err
	}
	s.closers = append(s.closers, s.pool.Close)
	unwatch, err := tracer.WatchPool("main", s.pool)
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, unwatch)
	server, err := tracer.WatchServer("main", s.pool)
	if err != nil {
		return nil, err
	}
	s.engines = append(s.engines, server)
	if _, err := s.pool.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+schema); err != nil {
		return nil, fmt.Errorf("make a schema: %w", err)
	}
	if s.store, err = pgstore.New(s.m, s.pool, pgstore.WithSchema(schema), pgstore.WithLease(schema)); err != nil {
		return nil, err
	}
	if err := s.store.Migrate(ctx); err != nil {
		return nil, err
	}
	return pglease.New(s.pool, schema, pglease.WithSchema(schema))
}

// elect competes for the lease. Who leads plans, and deletes what is too old.
func (s *site) elect(leases lease.Store) (err error) {
	var lead []lease.Option
	if s.store != nil {
		lead = []lease.Option{lease.WithLead(s.store.Run), lease.WithLead(s.plan)}
	}
	if s.elector, err = lease.New(s.m, leases, lead...); err != nil {
		return err
	}
	s.engines = append(s.engines, s.elector)
	return nil
}

// restore takes a backup back, before anything runs.
func (s *site) restore(ctx context.Context, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = s.m.Restore(ctx, f)
	return err
}

// close lets go of everything, the last first.
func (s *site) close() {
	for _, f := range slices.Backward(s.closers) {
		f()
	}
}
