package main

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"github.com/chronoretrace/chronomon/bizmon"
	"github.com/chronoretrace/chronomon/cachemon"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/history"
)

const (
	feedEvery   = time.Second
	cachedFor   = 2 * time.Second
	archiveKept = 70 * 24 * time.Hour // how long the history keeps samples
	archiveAge  = 60 * 24 * time.Hour // how much there is of it at the first start
)

var symbols = []string{"600519", "601318", "600036", "000858", "300750"}

// quotes is the service: prices, which a source brings every second.
type quotes struct {
	m       *monitor.Monitor
	biz     *bizmon.Business
	source  *bizmon.Source
	pool    *pgxpool.Pool // or nil: prices are made up
	cache   cache
	history *history.DB
}

// errUnknown is for a stock that there is not.
var errUnknown = errors.New("no such stock")

// price returns a stock's, from the cache if it is there.
func (q *quotes) price(ctx context.Context, symbol string) (float64, error) {
	if p, ok := q.cache.get(ctx, symbol); ok {
		return p, nil
	}
	p, err := q.stored(ctx, symbol)
	if err == nil {
		q.cache.set(ctx, symbol, p)
	}
	return p, err
}

func (q *quotes) stored(ctx context.Context, symbol string) (p float64, err error) {
	if q.pool == nil {
		if !slices.Contains(symbols, symbol) {
			return 0, errUnknown
		}
		return priceAt(symbol, time.Now()), nil
	}
	err = q.pool.QueryRow(ctx, "SELECT price FROM "+schema+".quotes WHERE symbol = $1", symbol).Scan(&p)
	if errors.Is(err, pgx.ErrNoRows) {
		err = errUnknown
	}
	return p, err
}

// Run brings prices until ctx is done, and says how large the archive is by now.
func (q *quotes) Run(ctx context.Context) error {
	tick := time.NewTicker(feedEvery)
	defer tick.Stop()
	for {
		_ = q.source.Do(ctx, q.fetch) // counted, and done again in a second
		now := time.Now()
		_ = q.history.Append(archived(now)...) // what it does not take it counts
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// fetch asks the exchange, which takes a moment and fails now and then.
func (q *quotes) fetch(ctx context.Context) error {
	pause(ctx, 20*time.Millisecond)
	if rand.Float64() < 0.02 {
		return errors.New("the exchange does not answer")
	}
	at := time.Now()
	if err := q.write(ctx, at); err != nil {
		return err
	}
	for _, symbol := range symbols {
		q.source.Data(symbol, at)
		q.biz.Stocks.Updated(q.source.Name(), symbol)
	}
	return nil
}

func (q *quotes) write(ctx context.Context, at time.Time) error {
	if q.pool == nil {
		return nil
	}
	batch := &pgx.Batch{}
	for _, symbol := range symbols {
		batch.Queue("INSERT INTO "+schema+".quotes (symbol, price) VALUES ($1, $2) ON CONFLICT (symbol) DO UPDATE SET price = excluded.price", symbol, priceAt(symbol, at))
	}
	return q.pool.SendBatch(ctx, batch).Close()
}

// backtest is a job that ends in a moment.
func (q *quotes) backtest(ctx context.Context) error {
	job := q.biz.Backtests.Queue(strconv.FormatUint(rand.Uint64(), 36))
	job.Start()
	pause(ctx, 50*time.Millisecond)
	job.Progress(0.5)
	err := ctx.Err()
	if err == nil && rand.Float64() < 0.1 {
		err = errors.New("strategy failed")
	}
	job.Done(err)
	return err
}

// begin makes the table and the first prices.
func (q *quotes) begin(ctx context.Context, now time.Time) error {
	if q.pool != nil {
		if _, err := q.pool.Exec(ctx, "CREATE TABLE IF NOT EXISTS "+schema+".quotes (symbol text PRIMARY KEY, price float NOT NULL)"); err != nil {
			return err
		}
		if err := q.write(ctx, now); err != nil {
			return err
		}
	}
	if q.m.Off() {
		return nil
	}
	return q.archive(ctx, now)
}

// archive writes what the past would have left in the history: how large an
// archive of quotes was, hour by hour. It is made up, so that a plan for it need
// not wait for two weeks. A history that was there before has its own.
func (q *quotes) archive(ctx context.Context, now time.Time) error {
	there, err := q.history.Query(ctx, "last_over_time(archive_used_bytes[60d])", now)
	if err != nil {
		return err
	}
	var samples []monitor.Sample
	for at := now.Add(-archiveAge).Truncate(time.Hour); at.Before(now) && len(there) == 0; at = at.Add(time.Hour) {
		samples = append(samples, archived(at)...)
	}
	return q.history.Append(append(samples, archived(now)...)...)
}

// archived is the archive's size at a time, a gigabyte a day since 2026 and some
// that comes and goes, by the week and otherwise, and the room there is for it,
// which is enlarged every thirty days.
func archived(at time.Time) []monitor.Sample {
	day := at.Sub(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)).Hours() / 24
	gauge := func(name string, gigabytes float64) monitor.Sample {
		return monitor.Sample{Labels: monitor.Labels{monitor.MetricName: name}, Point: monitor.Point{Time: at, Value: 1e9 * gigabytes}}
	}
	return []monitor.Sample{
		gauge("archive_used_bytes", day+0.4*math.Sin(2*math.Pi*day/7)+0.3*math.Sin(100*day*day)),
		gauge("archive_room_bytes", 30*math.Floor(day/30)+60),
	}
}

// priceAt is a made-up price that moves with time.
func priceAt(symbol string, at time.Time) float64 {
	var base float64
	for _, c := range symbol {
		base = base*1.3 + float64(c-'0')
	}
	t := float64(at.Unix())
	return math.Round(100*(20+base+math.Sin(t/300)+0.3*math.Sin(t/17))) / 100
}

// cache keeps prices for a moment. One that fails has nothing.
type cache interface {
	get(ctx context.Context, symbol string) (float64, bool)
	set(ctx context.Context, symbol string, price float64)
}

// remote is in Redis; the hook measures it.
type remote struct{ client *redis.Client }

func (c remote) get(ctx context.Context, symbol string) (float64, bool) {
	p, err := c.client.Get(ctx, schema+":quote:"+symbol).Float64()
	return p, err == nil
}

func (c remote) set(ctx context.Context, symbol string, price float64) {
	c.client.Set(ctx, schema+":quote:"+symbol, price, cachedFor)
}

// local is in the process, and tells a tracker.
type local struct {
	tracker *cachemon.Tracker
	mu      sync.Mutex
	// mu guards entries, of which there is one a stock.
	entries map[string]entry
}

type entry struct {
	price float64
	until time.Time
}

func newLocal(m *monitor.Monitor) (*local, error) {
	tracker, err := cachemon.NewTracker(m, "quotes")
	return &local{tracker: tracker, entries: map[string]entry{}}, err
}

func (c *local) get(_ context.Context, symbol string) (float64, bool) {
	c.mu.Lock()
	e := c.entries[symbol]
	c.mu.Unlock()
	found := time.Now().Before(e.until)
	c.tracker.Look(found)
	return e.price, found
}

func (c *local) set(_ context.Context, symbol string, price float64) {
	c.mu.Lock()
	c.entries[symbol] = entry{price, time.Now().Add(cachedFor)}
	c.mu.Unlock()
	c.tracker.Set()
}

// pause waits for about d, or until ctx is done.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(time.Duration(float64(d) * rand.ExpFloat64()))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
