package influx

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	influxdb2 "github.com/influxdata/influxdb-client-go/v2"
	"github.com/influxdata/influxdb-client-go/v2/api"
	"github.com/influxdata/influxdb-client-go/v2/log"

	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/internal/outbox"
	"github.com/chronoretrace/chronomon/monitor"
)

// Sink writes events to one bucket.
type Sink struct {
	config *config
	client influxdb2.Client
	writes api.WriteAPIBlocking
	doer   *doer

	box     *outbox.Box
	stream  *outbox.Stream
	encoder *encoder
	monitor atomic.Pointer[monitor.Monitor] // nil until it is watched
}

var (
	_ monitor.Sink   = (*Sink)(nil)
	_ monitor.Runner = (*Sink)(nil)
)

// New returns a sink for the bucket of the server at the URL; for 1.8 and
// VictoriaMetrics the bucket is "database/policy" or "database". It sends nothing:
// see [Sink.Setup]. Every option that is out of range is named in the error. With
// [WithSpill] the directory is opened, which fails if another process has it.
func New(serverURL, bucket string, opts ...Option) (*Sink, error) {
	c, err := newConfig(serverURL, bucket, opts)
	if err != nil {
		return nil, err
	}
	s := &Sink{config: c, doer: newDoer(c.client)}
	s.encoder = newEncoder(c)
	s.box, err = outbox.New(outbox.Config{
		Store: c.name, Send: s.send, Finish: s.encoder.finish, Log: s.log,
		Dir: c.spillDir, Limit: c.spillBytes, MaxAge: c.spillAge,
	})
	if err != nil {
		return nil, fmt.Errorf("influx: %w", err)
	}
	s.stream = s.box.NewStream()
	options := influxdb2.DefaultOptions().SetUseGZip(c.gzip).SetApplicationName("chronomon")
	options.HTTPOptions().SetHTTPDoer(s.doer)
	if log.Log != nil {
		options.SetLogLevel(log.Log.LogLevel()) // the level is the process's: leave it as it is
	}
	s.client = influxdb2.NewClientWithOptions(c.url, c.token, options)
	s.writes = s.client.WriteAPIBlocking(c.org, c.bucket)
	return s, nil
}

// Watch shows the sink's own counts in the monitor's registry and has the
// monitor's logger told of what was lost. A sink of a monitor that is off does
// nothing.
func (s *Sink) Watch(m *monitor.Monitor) error {
	if m == nil {
		return fmt.Errorf("influx: %w: Watch monitor = nil: want a monitor", monitor.ErrInvalidOption)
	}
	set := m.Instruments()
	if err := s.box.Show(set); err != nil {
		return fmt.Errorf("influx: watch: %w", err)
	}
	s.encoder.overflow.Store(instrumentLimits(set, s.config))
	s.monitor.Store(m)
	return nil
}

// Write implements monitor.Sink. The points that were taken of a batch that
// failed are not sent again with it.
func (s *Sink) Write(ctx context.Context, batch []monitor.Event) error {
	records := make([][]byte, 0, len(batch))
	for i := range batch {
		if line, ok := s.encoder.encode(&batch[i]); ok {
			records = append(records, line)
		} else {
			s.box.Records.Add(outbox.Rejected, 1)
		}
	}
	if len(records) == 0 && len(batch) > 0 {
		return monitor.Permanent(errTime)
	}
	return s.stream.Write(ctx, records)
}

// errTime is why an event has no point.
var errTime = errors.New("influx: the times of all events are outside of what InfluxDB can store (1677 to 2262)")

// Run empties the disk, see [WithSpill], until ctx is done: give the sink to
// [monitor.Monitor.Run]. Without a disk it waits, and need not be called.
func (s *Sink) Run(ctx context.Context) error {
	if m := s.monitor.Load(); m != nil && m.Off() {
		<-ctx.Done()
		return nil
	}
	return s.box.Run(ctx)
}

// String is what errors of the monitor's Run call the sink.
func (s *Sink) String() string { return s.config.name + " store" }

// Spilled is the number of points on disk.
func (s *Sink) Spilled() int { return s.box.Spilled() }

// Close lets another sink have the directory of [WithSpill], and drops idle
// connections. Call it when the monitor's Run has returned; points on disk stay
// there for the next sink.
func (s *Sink) Close() error {
	s.client.Close()
	s.doer.client.CloseIdleConnections()
	if err := s.box.Close(); err != nil {
		return fmt.Errorf("influx: close: %w", err)
	}
	return nil
}

// log tells the monitor's logger, or the default one while there is none.
func (s *Sink) log(level slog.Level, msg string, args ...any) {
	logger := slog.Default()
	if m := s.monitor.Load(); m != nil {
		logger = m.Logger()
	}
	logger.Log(context.Background(), level, msg, args...)
}

// instrumentLimits returns what counts the overflow of each tag.
func instrumentLimits(set *instrument.Set, c *config) *overflow {
	o := overflow{}
	for _, key := range append([]string{tagName}, c.tags...) {
		never := set.Limiter(c.name, key, 0) // lets nothing pass and counts it
		o[key] = func() { never.Allow("") }
	}
	return &o
}
