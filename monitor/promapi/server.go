package promapi

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/monitor"
)

// instruments are the metrics of all clients on one registry.
type instruments struct {
	durations *instrument.Group // server, call
	errors    *instrument.Group // server, reason
	retries   *instrument.Group // server
	warnings  *instrument.Group // server

	mu      sync.Mutex
	labels  instrument.LabelMaker
	servers map[string]*server // guarded by mu; by name
}

// server is what is counted of one server.
type server struct {
	in       *instruments
	name     string
	labels   *instrument.Labels
	inFlight atomic.Int64
}

func newInstruments(set *instrument.Set) (*instruments, error) {
	in := &instruments{servers: map[string]*server{}}
	d := catalog.PromAPIDuration
	in.durations = set.NewGroup(d.Name, instrument.Spec{
		Labels: d.Labels, Histograms: []instrument.HistogramSpec{{Bounds: d.Buckets, Scale: 1e-9}},
	})
	errs := []error{set.Histogram(d, in.durations, 0)}
	for _, c := range []struct {
		metric catalog.Metric
		group  **instrument.Group
	}{
		{catalog.PromAPIErrors, &in.errors},
		{catalog.PromAPIRetries, &in.retries},
		{catalog.PromAPIWarnings, &in.warnings},
	} {
		g, err := set.Counters(c.metric)
		*c.group = g
		errs = append(errs, err)
	}
	errs = append(errs, set.Func(catalog.PromAPIInFlight, func(labels instrument.LabelMaker) instrument.Func {
		in.labels = labels
		return in.show
	}))
	return in, errors.Join(errs...)
}

// newServer returns what is counted under a server's name, the same for all
// clients of that name.
func newServer(m *monitor.Monitor, name string) (*server, error) {
	in, err := instrument.Share(m.Instruments(), "promapi", func() (*instruments, error) { return newInstruments(m.Instruments()) })
	if err != nil {
		return nil, err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	s := in.servers[name]
	if s == nil {
		s = &server{in: in, name: name, labels: in.labels(name)}
		in.servers[name] = s
	}
	return s, nil
}

func (in *instruments) show(yield instrument.Yield) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, s := range in.servers {
		yield(s.labels, float64(s.inFlight.Load()))
	}
}

// ended counts a call.
func (s *server) ended(call string, took time.Duration, err error) {
	s.in.durations.Cell(s.name, call).Observe(&instrument.Home{}, 0, int64(took))
	if err != nil {
		s.in.errors.Cell(s.name, reason(err)).Add(&instrument.Home{}, 0, 1)
	}
}

func (s *server) retried() { s.in.retries.Cell(s.name).Add(&instrument.Home{}, 0, 1) }

func (s *server) warned(n int) {
	s.in.warnings.Cell(s.name).Add(&instrument.Home{}, 0, uint64(n))
}
