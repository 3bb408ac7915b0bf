package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgxpool"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/chronoretrace/chronomon/dbmon"
	"github.com/chronoretrace/chronomon/monitor"
)

// What is done with a tracer.
const (
	dbQuery   = "query, mix of 28"
	dbError   = "query that fails, mix of 28"
	dbBatch   = "batch of ten, each statement"
	dbPrepare = "prepare by the statement cache"
	dbAcquire = "acquire and release"
	dbFirst   = "statement at first sight"
)

// The tracers.
const (
	noTracer     = "no-op"
	clockOnly    = "two readings of the clock and nothing else"
	otelpgxPlain = "otelpgx, metrics only"
	otelpgxNamed = "otelpgx, metrics with operation name"
	otelpgxLean  = "otelpgx, spans without connection details"
	otelpgxSpans = "otelpgx, spans"

	oursKnown = "chronomon, known but for a comment"
	oursNew   = "chronomon, new hash and new table"
)

// dbTracer is everything that pgx calls.
type dbTracer interface {
	pgx.QueryTracer
	pgx.BatchTracer
	pgx.PrepareTracer
	pgxpool.AcquireTracer
	pgxpool.ReleaseTracer
}

// noopTracer is a tracer that does nothing.
type noopTracer struct{}

func (noopTracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}
func (noopTracer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
func (noopTracer) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}
func (noopTracer) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (noopTracer) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}
func (noopTracer) TracePrepareStart(ctx context.Context, _ *pgx.Conn, _ pgx.TracePrepareStartData) context.Context {
	return ctx
}
func (noopTracer) TracePrepareEnd(context.Context, *pgx.Conn, pgx.TracePrepareEndData) {}
func (noopTracer) TraceAcquireStart(ctx context.Context, _ *pgxpool.Pool, _ pgxpool.TraceAcquireStartData) context.Context {
	return ctx
}
func (noopTracer) TraceAcquireEnd(context.Context, *pgxpool.Pool, pgxpool.TraceAcquireEndData) {}
func (noopTracer) TraceRelease(*pgxpool.Pool, pgxpool.TraceReleaseData)                        {}

// clockTracer only reads the clock, at both ends: nobody who measures time can
// do with less.
type clockTracer struct {
	noopTracer

	epoch      time.Time
	start, sum time.Duration
}

func (c *clockTracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	c.start = time.Since(c.epoch)
	return ctx
}

func (c *clockTracer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {
	c.sum += time.Since(c.epoch) - c.start
}

// otelTracer adds what otelpgx leaves out.
type otelTracer struct{ *otelpgx.Tracer }

func (otelTracer) TraceRelease(*pgxpool.Pool, pgxpool.TraceReleaseData) {}

// dbSubject is a tracer with what its caller brings: a connection and a context.
type dbSubject struct {
	ctx    context.Context
	tracer dbTracer
	conn   *pgx.Conn
}

// dbPeer is a tracer to choose.
type dbPeer struct {
	name  string
	spans bool // the caller's context has a span
	start func() (dbTracer, error)
}

func dbPeers() []dbPeer {
	return []dbPeer{
		{noTracer, false, func() (dbTracer, error) { return noopTracer{}, nil }},
		{oursHook, false, func() (dbTracer, error) { return newTracer() }},
		{otelpgxPlain, false, func() (dbTracer, error) { return newOtelpgx(), nil }},
		{otelpgxNamed, false, func() (dbTracer, error) {
			return newOtelpgx(otelpgx.WithMetricOperationName(otelpgx.SQLOperationName)), nil
		}},
		{otelpgxLean, true, func() (dbTracer, error) {
			return newOtelpgx(otelpgx.WithDisableConnectionDetailsInAttributes()), nil
		}},
		{otelpgxSpans, true, func() (dbTracer, error) { return newOtelpgx(), nil }},
	}
}

func quietMonitor() (*monitor.Monitor, error) {
	return monitor.New(monitor.WithLogger(slog.New(slog.DiscardHandler)))
}

func newTracer() (*dbmon.Tracer, error) {
	m, err := quietMonitor()
	if err != nil {
		return nil, err
	}
	return dbmon.NewTracer(m)
}

func newOtelpgx(opts ...otelpgx.Option) dbTracer {
	opts = append(opts, otelpgx.WithMeterProvider(newMeterProvider()), otelpgx.WithTracerProvider(newTracerProvider()))
	return otelTracer{otelpgx.NewTracer(opts...)}
}

func newMeterProvider() *sdkmetric.MeterProvider {
	return sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()))
}

// newTracerProvider samples every span and throws it away when it ends.
func newTracerProvider() *sdktrace.TracerProvider {
	return sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(dropSpans{}), sdktrace.WithSampler(sdktrace.AlwaysSample()))
}

type dropSpans struct{}

func (dropSpans) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (dropSpans) OnEnd(sdktrace.ReadOnlySpan)                     {}
func (dropSpans) Shutdown(context.Context) error                  { return nil }
func (dropSpans) ForceFlush(context.Context) error                { return nil }

// spanContext is the context of a request that is traced.
func spanContext() context.Context {
	_, span := newTracerProvider().Tracer("request").Start(context.Background(), "request")
	return trace.ContextWithSpan(context.Background(), span)
}

func (p dbPeer) open(c *closers) (dbSubject, error) {
	tracer, err := p.start()
	if err != nil {
		return dbSubject{}, err
	}
	conn, err := idleConn(c)
	s := dbSubject{context.Background(), tracer, conn}
	if p.spans {
		s.ctx = spanContext()
	}
	return s, err
}

// idleConn is a connection to a server that lets one in and then says nothing.
func idleConn(c *closers) (*pgx.Conn, error) {
	client, server := net.Pipe()
	go func() {
		b := pgproto3.NewBackend(server, server)
		if _, err := b.ReceiveStartupMessage(); err == nil {
			b.Send(&pgproto3.AuthenticationOk{})
			b.Send(&pgproto3.ParameterStatus{Name: "standard_conforming_strings", Value: "on"})
			b.Send(&pgproto3.ParameterStatus{Name: "client_encoding", Value: "UTF8"})
			b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
			_ = b.Flush()
			_, _ = b.Receive()
		}
		_ = server.Close()
	}()
	config, err := pgx.ParseConfig("host=idle user=u dbname=d sslmode=disable")
	if err != nil {
		return nil, err
	}
	config.LookupFunc = func(context.Context, string) ([]string, error) { return []string{"idle"}, nil }
	config.DialFunc = func(context.Context, string, string) (net.Conn, error) { return client, nil }
	conn, err := pgx.ConnectConfig(context.Background(), config)
	if err != nil {
		return nil, err
	}
	c.add(func() error { return conn.Close(context.Background()) })
	return conn, nil
}

var (
	threeRows = pgconn.NewCommandTag("SELECT 3")
	conflict  = &pgconn.PgError{Code: "23505", Message: "duplicate key value violates unique constraint"}
)

func (s dbSubject) query(sql string, err error) {
	ctx := s.tracer.TraceQueryStart(s.ctx, s.conn, pgx.TraceQueryStartData{SQL: sql})
	s.tracer.TraceQueryEnd(ctx, s.conn, pgx.TraceQueryEndData{CommandTag: threeRows, Err: err})
}

// inTurn does the same with one statement after the other.
func inTurn(statements []string, do func(sql string)) doer {
	i := 0
	return doFunc(func() {
		do(statements[i])
		if i++; i == len(statements) {
			i = 0
		}
	})
}

func (s dbSubject) batch(b *pgx.Batch) {
	ctx := s.tracer.TraceBatchStart(s.ctx, s.conn, pgx.TraceBatchStartData{Batch: b})
	for _, q := range b.QueuedQueries {
		s.tracer.TraceBatchQuery(ctx, s.conn, pgx.TraceBatchQueryData{SQL: q.SQL, CommandTag: threeRows, ReadStartTime: time.Now()})
	}
	s.tracer.TraceBatchEnd(ctx, s.conn, pgx.TraceBatchEndData{})
}

func (s dbSubject) prepare(sql string) {
	ctx := s.tracer.TracePrepareStart(s.ctx, s.conn, pgx.TracePrepareStartData{Name: "stmtcache_1", SQL: sql})
	s.tracer.TracePrepareEnd(ctx, s.conn, pgx.TracePrepareEndData{AlreadyPrepared: true})
}

func (s dbSubject) acquire() {
	ctx := s.tracer.TraceAcquireStart(s.ctx, nil, pgxpool.TraceAcquireStartData{})
	s.tracer.TraceAcquireEnd(ctx, nil, pgxpool.TraceAcquireEndData{Conn: s.conn})
	s.tracer.TraceRelease(nil, pgxpool.TraceReleaseData{Conn: s.conn})
}

const batchSize = 10

func dbFields() []field {
	of := func(title string, parts float64, do func(dbSubject) doer) field {
		f := field{title: title, reference: otelpgxPlain, parts: parts}
		for _, p := range dbPeers() {
			f.rows = append(f.rows, p.row(p.name, do))
		}
		return f
	}
	list := []field{
		of(dbQuery, 1, func(s dbSubject) doer { return inTurn(dbMix, func(sql string) { s.query(sql, nil) }) }),
		of(dbError, 1, func(s dbSubject) doer { return inTurn(dbMix, func(sql string) { s.query(sql, conflict) }) }),
		of(dbBatch, batchSize, func(s dbSubject) doer {
			b := &pgx.Batch{}
			for _, sql := range dbMix[:batchSize] {
				b.Queue(sql)
			}
			return doFunc(func() { s.batch(b) })
		}),
		of(dbPrepare, 1, func(s dbSubject) doer { return inTurn(dbMix, s.prepare) }),
		of(dbAcquire, 1, func(s dbSubject) doer { return doFunc(s.acquire) }),
	}
	clock := dbPeer{clockOnly, false, func() (dbTracer, error) { return &clockTracer{epoch: time.Now()}, nil }}
	list[0].rows = slices.Insert(list[0].rows, 1, clock.row(clockOnly, func(s dbSubject) doer {
		return inTurn(dbMix, func(sql string) { s.query(sql, nil) })
	}))
	known, unknown := unseen()
	ask := func(statements []string) func(dbSubject) doer {
		return func(s dbSubject) doer { return inTurn(statements, func(sql string) { s.query(sql, nil) }) }
	}
	peers := dbPeers()
	return append(list, sqlField(), field{title: dbFirst, reference: "", parts: 1, rows: []row{
		peers[0].row(noTracer, ask(known)),
		peers[1].row(oursKnown, ask(known)),
		peers[1].row(oursNew, ask(unknown)),
	}})
}

func (p dbPeer) row(name string, do func(dbSubject) doer) row {
	return row{name, func(c *closers) (doer, error) {
		s, err := p.open(c)
		if err != nil {
			return nil, err
		}
		return do(s), nil
	}}
}

// unseen are so many statements that none is known any more when its turn
// comes again: with the texts of the mix, and with tables of their own.
func unseen() (known, unknown []string) {
	const n = 1 << 14
	for i := range n {
		sql := dbMix[i%len(dbMix)]
		known = append(known, fmt.Sprintf("%s /* %d */", sql, i))
		table := fmt.Sprintf("FROM t%d, ", i)
		if strings.Contains(sql, "FROM stocks") || strings.Contains(sql, "FROM quotes") {
			unknown = append(unknown, strings.Replace(sql, "FROM ", table, 1))
		} else {
			unknown = append(unknown, fmt.Sprintf("SELECT id, symbol, price FROM t%d WHERE symbol = $1 AND day BETWEEN $2 AND $3", i))
		}
	}
	return known, unknown
}

func dbGoals(l prices) []goal {
	q := l.find(dbQuery, oursHook)
	e, b := l.find(dbError, oursHook), l.find(dbBatch, oursHook)
	return []goal{
		{"pgx: query", l.ratio(dbQuery, otelpgxPlain), 0.25, " × otelpgx, metrics only", false},
		{"pgx: query, beside equal labels", l.ratio(dbQuery, otelpgxNamed), 0.08, " × otelpgx with operation name", false},
		{"pgx: query that fails", l.ratio(dbError, otelpgxPlain), 0.25, " × otelpgx, metrics only", false},
		{"pgx: statement of a batch", b.collected, 150, " ns", false},
		{"pgx: first sight, known but for a comment", l.find(dbFirst, oursKnown).collected, 3000, " ns", false},
		{"pgx: first sight, new hash and new table", l.find(dbFirst, oursNew).collected, 3000, " ns", false},
		{"pgx: allocations, query, error or batch", max(q.allocs, e.allocs, b.allocs), 0, "", false},
	}
}
