package dbmon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/monitor"
)

// ServerOption configures a Server.
type ServerOption interface{ applyServer(*serverConfig) }

type serverOptionFunc func(*serverConfig)

func (f serverOptionFunc) applyServer(c *serverConfig) { f(c) }

type serverConfig struct{ every, timeout time.Duration }

// WithPollInterval sets how often the server is asked. Default: 15 s.
func WithPollInterval(d time.Duration) ServerOption {
	return serverOptionFunc(func(c *serverConfig) { c.every = d })
}

// WithPollTimeout bounds one poll; a server that does not answer in time is
// down. Default: 5 s.
func WithPollTimeout(d time.Duration) ServerOption {
	return serverOptionFunc(func(c *serverConfig) { c.timeout = d })
}

// Server asks a PostgreSQL server for facts about itself and shows the answers
// of the last poll under postgres_exporter's names, with the label server. It
// is a monitor.Runner.
type Server struct {
	t     *Tracer
	name  string
	pool  *pgxpool.Pool
	every time.Duration
	limit time.Duration

	up    *instrument.Labels
	facts atomic.Pointer[[]fact] // of the last poll; nil before the first one
}

var _ monitor.Runner = (*Server)(nil)

// fact is one value of a poll.
type fact struct {
	metric string
	labels *instrument.Labels
	value  float64
}

// WatchServer returns a runner that polls the server behind the pool, over the
// pool's connections. The name is the value of the label server; it is taken
// until Run has returned. Options that are out of range, a nil pool and a name
// that is taken are errors that wrap monitor.ErrInvalidOption.
func (t *Tracer) WatchServer(name string, pool *pgxpool.Pool, opts ...ServerOption) (*Server, error) {
	c := serverConfig{every: 15 * time.Second, timeout: 5 * time.Second}
	for _, o := range opts {
		if o != nil {
			o.applyServer(&c)
		}
	}
	var errs []error
	if pool == nil {
		errs = append(errs, invalid("pool", nil, "a pool"))
	}
	if name == "" {
		errs = append(errs, invalid("name", `""`, "a name"))
	}
	if c.every < time.Second {
		errs = append(errs, invalid("WithPollInterval", c.every, "a second or more"))
	}
	if c.timeout <= 0 {
		errs = append(errs, invalid("WithPollTimeout", c.timeout, "a positive duration"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("dbmon: watch server %q: %w", name, err)
	}
	s := &Server{t: t, name: name, pool: pool, every: c.every, limit: c.timeout}
	ms := t.metrics
	s.up = ms.facts[catalog.PgUp.Name].labels(name)
	ms.mu.Lock()
	defer ms.mu.Unlock()
	all := *ms.servers.Load()
	if slices.ContainsFunc(all, func(o *Server) bool { return o.name == name }) {
		return nil, fmt.Errorf("dbmon: watch server %q: %w", name, invalid("name", name, "a name that no other server has"))
	}
	more := append(slices.Clip(all), s)
	ms.servers.Store(&more)
	return s, nil
}

// Run polls until ctx is done. The server's series end with it.
func (s *Server) Run(ctx context.Context) error {
	defer s.leave()
	if s.t.off {
		<-ctx.Done()
		return ctx.Err()
	}
	tick := time.NewTicker(s.every)
	defer tick.Stop()
	trouble := ""
	for {
		if up, err := s.poll(ctx); ctx.Err() == nil {
			trouble = s.tell(ctx, trouble, up, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// tell logs what is wrong with the server if that is news, given what was wrong
// at the last poll, and returns what is wrong now.
func (s *Server) tell(ctx context.Context, before string, up float64, err error) string {
	now := ""
	if err != nil {
		now = fmt.Sprint(up, classOf(ctx, err, nil))
	}
	if now == before {
		return now
	}
	log := s.t.m.Logger().With("server", s.name)
	switch {
	case err == nil:
		log.Info("database server answers again")
	case up == 0:
		log.Warn("database server does not answer", "error", err)
	default:
		log.Warn("database server refuses facts; those it tells are shown", "error", err)
	}
	return now
}

func (s *Server) leave() {
	ms := s.t.metrics
	ms.mu.Lock()
	defer ms.mu.Unlock()
	rest := slices.DeleteFunc(slices.Clone(*ms.servers.Load()), func(o *Server) bool { return o == s })
	ms.servers.Store(&rest)
}

// Poll asks the server once. pg_up is 0 if there was no answer in time. Facts
// that could not be had are absent until the next poll, and named in the error;
// the others are shown. A poll that was canceled changes nothing.
func (s *Server) Poll(ctx context.Context) error {
	if s.t.off {
		return nil
	}
	_, err := s.poll(ctx)
	return err
}

func (s *Server) poll(ctx context.Context) (up float64, err error) {
	facts, up, err := s.ask(ctx)
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	facts = append(facts, fact{catalog.PgUp.Name, s.up, up})
	s.facts.Store(&facts)
	if err != nil {
		return up, fmt.Errorf("dbmon: poll server %q: %w", s.name, err)
	}
	return up, nil
}

func (s *Server) ask(ctx context.Context) (facts []fact, up float64, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	conn, release, err := s.connect(ctx)
	if err != nil {
		s.failed()
		return nil, answered(err), err
	}
	defer release()
	var errs []error
	for _, q := range factQueries {
		got, err := s.query(ctx, conn, q)
		if err != nil {
			s.failed()
			errs = append(errs, err)
			if answered(err) == 0 {
				return nil, 0, errors.Join(errs...)
			}
			continue
		}
		facts = append(facts, got...)
	}
	return facts, 1, errors.Join(errs...)
}

func (s *Server) failed() {
	s.t.metrics.pollErrors.Cell(s.name).Add(&instrument.Home{}, 0, 1)
}

// polling marks the acquiring of a connection as a poll's, which is none of the
// host's waiting.
type polling struct{ context.Context }

// connect returns a connection of the pool, whose use is not measured. If all
// of them are in use it opens one for this poll: that the pool is exhausted
// does not mean that the server is down.
func (s *Server) connect(ctx context.Context) (conn *pgx.Conn, release func(), err error) {
	if !s.exhausted() {
		half, cancel := context.WithTimeout(ctx, s.limit/2)
		defer cancel()
		pooled, err := s.pool.Acquire(polling{half})
		if err == nil {
			if st := s.t.state(pooled.Conn()); st != nil {
				st.quiet = true
				return pooled.Conn(), func() { st.quiet = false; pooled.Release() }, nil
			}
			return pooled.Conn(), pooled.Release, nil
		}
		if ctx.Err() != nil || !s.exhausted() {
			return nil, nil, err
		}
	}
	config := s.pool.Config().ConnConfig
	config.Tracer = nil
	conn, err = pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, nil, err
	}
	return conn, func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(closing) // the poll is over
	}, nil
}

// exhausted reports whether all connections that the pool may have are in use.
func (s *Server) exhausted() bool {
	stat := s.pool.Stat()
	return stat.AcquiredConns() >= stat.MaxConns()
}

// answered is pg_up after a failure: 1 if it was the server that said no, for
// want of a permission or of room, and not because it stops or starts.
func answered(err error) float64 {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || strings.HasPrefix(pg.Code, "57P") { // shut down, crashed, or not ready yet
		return 0
	}
	return 1
}

// factLabels makes the labels of a metric's facts, which are so many.
type factLabels struct {
	labels instrument.LabelMaker
	number int
}

// maxFacts bounds the rows that are taken from a server in answer to a query.
const maxFacts = 32 * maxDatabases

// errStrange is a server that answers what it was not asked. What it says is in
// no log.
var errStrange = errors.New("the server's answer is none to the query")

// query reads facts: rows of a metric's name, its second label and a value.
func (s *Server) query(ctx context.Context, conn *pgx.Conn, sql string) ([]fact, error) {
	// Nothing is left prepared on a connection that is not ours.
	rows, err := conn.Query(ctx, sql, pgx.QueryExecModeExec)
	if err != nil {
		return nil, err
	}
	n := 0
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (fact, error) {
		var name, label string
		var value float64
		if err := row.Scan(&name, &label, &value); err != nil {
			return fact{}, err
		}
		labels := []string{s.name, label}
		if label == "" {
			labels = labels[:1]
		}
		of := s.t.metrics.facts[name]
		if n++; n > maxFacts || len(labels) != of.number {
			return fact{}, errStrange
		}
		return fact{name, of.labels(labels...), value}, nil
	})
}

// showServers makes the facts metrics.
func (ms *metrics) showServers(set *instrument.Set) error {
	var errs []error
	for _, m := range catalog.PgFacts() {
		errs = append(errs, set.Func(m, func(labels instrument.LabelMaker) instrument.Func {
			ms.facts[m.Name] = factLabels{labels, len(m.Labels)}
			return func(yield instrument.Yield) {
				for _, s := range *ms.servers.Load() {
					if facts := s.facts.Load(); facts != nil {
						for _, f := range *facts {
							if f.metric == m.Name {
								yield(f.labels, f.value)
							}
						}
					}
				}
			}
		}))
	}
	return errors.Join(errs...)
}
