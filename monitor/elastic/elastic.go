package elastic

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/elastic/elastic-transport-go/v8/elastictransport"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/outbox"
	"github.com/chronoretrace/chronomon/internal/queue"
	"github.com/chronoretrace/chronomon/internal/redact"
	"github.com/chronoretrace/chronomon/monitor"
)

// Store takes documents to one Elasticsearch.
type Store struct {
	config    *config
	transport *elastictransport.Client
	redactor  *redact.Redactor
	monitor   atomic.Pointer[monitor.Monitor] // nil until it is watched

	box    *outbox.Box
	events *outbox.Stream

	handled     atomic.Bool // there is a Handler
	logs        *queue.Queue[[]byte]
	logsDropped *outbox.Counter
	ran         atomic.Bool  // Run was called
	waitSince   atomic.Int64 // when the first log record came, in Unix nanoseconds, if Run had not been called; 0: none
	waitTold    atomic.Bool  // and that was logged

	run  string // the first part of every document's id
	last atomic.Uint64
}

var (
	_ monitor.Sink   = (*Store)(nil)
	_ monitor.Runner = (*Store)(nil)
)

// New returns a store of the Elasticsearch that is reached at the addresses,
// which are tried in turn. It sends nothing: see [Store.Setup]. Every option that
// is out of range is named in the error. With [WithSpill] the directory is opened,
// which fails if another process has it.
func New(addresses []string, opts ...Option) (*Store, error) {
	c, err := newConfig(addresses, opts)
	if err != nil {
		return nil, err
	}
	s := &Store{
		config: c, redactor: redact.New(c.redact...), run: rand.Text()[:12],
		logsDropped: outbox.NewCounter(queue.Full, queue.Spilled, queue.Rejected, queue.Panicked, queue.Shutdown, queue.Stopped),
	}
	s.transport, err = elastictransport.NewClient(
		elastictransport.WithURLs(c.urls...),
		elastictransport.WithBasicAuth(c.user, c.password), elastictransport.WithAPIKey(c.apiKey),
		elastictransport.WithHeader(c.header),
		elastictransport.WithTransport(bounded{c.transport}),
		elastictransport.WithDisableRetry(), // when to try again is the outbox's business
	)
	if err != nil {
		return nil, fmt.Errorf("elastic: %w", err)
	}
	s.box, err = outbox.New(outbox.Config{
		Store: c.name, Send: s.send, Finish: s.finish, Log: s.log,
		Dir: c.spillDir, Limit: c.spillBytes, MaxAge: c.spillAge,
	})
	if err != nil {
		return nil, fmt.Errorf("elastic: %w", err)
	}
	s.events = s.box.NewStream()
	records := s.box.NewStream()
	s.logs = queue.New(c.logs, queue.Events{Dropped: s.logsDropped.Add, Written: s.written}, records.Write)
	return s, nil
}

// written logs a write of log records that failed.
func (s *Store) written(_ int, err error) {
	if err != nil {
		s.log(slog.LevelWarn, "log records were not taken", "store", s.config.name, "error", err)
	}
}

// Watch shows the store's own counts in the monitor's registry and has the
// monitor's logger told of what was lost. A store of a monitor that is off does
// nothing.
func (s *Store) Watch(m *monitor.Monitor) error {
	if m == nil {
		return fmt.Errorf("elastic: %w: Watch monitor = nil: want a monitor", monitor.ErrInvalidOption)
	}
	set := m.Instruments()
	if err := errors.Join(
		s.box.Show(set),
		s.logsDropped.Show(set, catalog.MonitorStoreLogsDropped, s.config.name),
		outbox.ShowGauge(set, catalog.MonitorStoreLogsQueue, s.config.name, func() float64 { return float64(s.logs.Len()) }),
	); err != nil {
		return fmt.Errorf("elastic: watch: %w", err)
	}
	s.monitor.Store(m)
	return nil
}

// off reports whether the monitor is.
func (s *Store) off() bool {
	m := s.monitor.Load()
	return m != nil && m.Off()
}

// Write implements monitor.Sink. The documents that were taken of a batch that
// failed are not sent again with it. Once there is a [Store.Handler], events of
// the kind monitor.KindLog are left out: it has taken the records they are made of.
func (s *Store) Write(ctx context.Context, batch []monitor.Event) error {
	records := make([][]byte, 0, len(batch))
	for i := range batch {
		if batch[i].Kind == monitor.KindLog && s.handled.Load() {
			continue
		}
		records = append(records, s.eventRecord(&batch[i]))
	}
	return s.events.Write(ctx, records)
}

// Run writes the log records and empties the disk until ctx is done, then writes
// those that are left, see [WithLogDrain]: give the store to
// [monitor.Monitor.Run], which runs it by itself if the store is a sink of its
// (monitor.WithSink). Log records wait for it in memory: if it has not come after a
// minute, or there is no room left, that is logged.
func (s *Store) Run(ctx context.Context) error {
	s.ran.Store(true)
	if s.off() {
		<-ctx.Done()
		return nil
	}
	var both sync.WaitGroup
	both.Go(func() { s.logs.Run(ctx, s.config.drain) })
	err := s.box.Run(ctx)
	both.Wait()
	return err
}

// String is what errors of the monitor's Run call the store.
func (s *Store) String() string { return s.config.name + " store" }

// Spilled is the number of documents on disk.
func (s *Store) Spilled() int { return s.box.Spilled() }

// offer queues a log record. That nobody takes them from there is said once.
func (s *Store) offer(record []byte) {
	s.logs.Offer(record)
	if s.ran.Load() || s.waitTold.Load() {
		return
	}
	now := time.Now()
	if s.waitSince.CompareAndSwap(0, now.UnixNano()) {
		return
	}
	long := now.Sub(time.Unix(0, s.waitSince.Load())) > patience
	if (long || s.logsDropped.Get(queue.Full) > 0) && s.waitTold.CompareAndSwap(false, true) {
		s.log(slog.LevelWarn, "log records wait for their store, which is not run: make it a sink of the monitor or give it to its Run", "store", s.config.name)
	}
}

// patience is for how long log records wait for Run without a word.
const patience = time.Minute

// Close lets another store have the directory of [WithSpill], and drops idle
// connections. Call it when the monitor's Run has returned; documents on disk
// stay there for the next store. Log records that wait for a Run that never came
// are lost: the error says how many.
func (s *Store) Close() error {
	if t, ok := s.config.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
	var errLost error
	if n := s.logs.Len(); n > 0 && !s.ran.Load() {
		errLost = fmt.Errorf("%d log records were not sent: the store was not run", n)
	}
	if err := errors.Join(errLost, s.transport.Close(context.Background()), s.box.Close()); err != nil {
		return fmt.Errorf("elastic: close: %w", err)
	}
	return nil
}

// ownKey marks the context of the store's own log records, which its handlers
// do not take: they would feed themselves.
type ownKey struct{}

// log tells the monitor's logger, or the default one while there is none.
func (s *Store) log(level slog.Level, msg string, args ...any) {
	logger := slog.Default()
	if m := s.monitor.Load(); m != nil {
		logger = m.Logger()
	}
	logger.Log(context.WithValue(context.Background(), ownKey{}, true), level, msg, args...)
}

// now is the time of the monitor's clock, if there is one.
func (s *Store) now() time.Time {
	if m := s.monitor.Load(); m != nil {
		return m.Now()
	}
	return time.Now()
}

// ask calls a function of the host's.
func (s *Store) ask(ctx context.Context, name string, f func(context.Context) string) (id string) {
	if f == nil {
		return ""
	}
	if m := s.monitor.Load(); m != nil {
		var err error
		defer m.Guard(name, &err)
	} else {
		defer func() { _ = recover() }() // nobody is there to be told yet
	}
	return f(ctx)
}

// finish makes two lines of a bulk request of a record: where to, under which
// id, and the document.
func (s *Store) finish(record []byte) []byte {
	day, doc := record[:daySize], record[daySize:]
	out := make([]byte, 0, len(record)+len(s.config.index)+80)
	out = append(out, `{"create":{"_index":"`...)
	out = append(out, s.config.index...)
	out = append(out, '-')
	out = append(out, day...)
	out = append(out, `","_id":"`...)
	out = append(out, s.run...)
	out = append(out, '-')
	out = strconv.AppendUint(out, s.last.Add(1), 36)
	out = append(out, "\"}}\n"...)
	out = append(out, doc...)
	return append(out, '\n')
}
