package anomaly

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/chronoretrace/chronomon/internal/lstm"
	"github.com/chronoretrace/chronomon/monitor"
)

const (
	lstmFirst      = 512                  // points, or the history if that is less, before the first training
	lstmWindow     = 60                   // steps that an error is carried back through, and that a gap may have
	lstmLead       = 2 * lstmWindow       // points that a new network sees before it forecasts
	lstmQuiet      = 30                   // points after a gap that are not scored
	lstmErrors     = 256                  // errors that are kept
	lstmLeast      = 50                   // errors before a score
	lstmSlice      = 5 * time.Millisecond // of work, before a rest
	lstmMaxHistory = 1 << 16
)

// An LSTMOption changes an [LSTM].
type LSTMOption interface{ applyLSTM(*lstmConfig) }

type lstmOptionFunc func(*lstmConfig)

func (f lstmOptionFunc) applyLSTM(c *lstmConfig) { f(c) }

type lstmConfig struct {
	limit, budget         float64
	units, history, every int
	seed                  uint64
}

// WithLSTMLimit sets how many robust standard deviations of its past errors a
// forecast may be off. The default is 6: errors of forecasts have longer tails than
// the normal distribution, of which 3 would do.
func WithLSTMLimit(sigmas float64) LSTMOption {
	return lstmOptionFunc(func(c *lstmConfig) { c.limit = sigmas })
}

// WithLSTMBudget sets the share of a core that training may take, from 0.001 to 1.
// The default is 0.05, with which a training of 2,048 points takes half a minute.
func WithLSTMBudget(share float64) LSTMOption {
	return lstmOptionFunc(func(c *lstmConfig) { c.budget = share })
}

// WithLSTMHistory sets how many points are kept and learnt from, from 128 to 65,536.
// The default is 2,048.
func WithLSTMHistory(points int) LSTMOption {
	return lstmOptionFunc(func(c *lstmConfig) { c.history = points })
}

// WithLSTMEvery sets after how many points, 1 or more, a new network is trained. The
// default is 1,024.
func WithLSTMEvery(points int) LSTMOption {
	return lstmOptionFunc(func(c *lstmConfig) { c.every = points })
}

// WithLSTMUnits sets how wide the network is, from 1 to 256. The default is 32. Time
// and memory go with the square.
func WithLSTMUnits(n int) LSTMOption {
	return lstmOptionFunc(func(c *lstmConfig) { c.units = n })
}

// WithLSTMSeed sets what chance begins with in training. The default is 1; any will
// do.
func WithLSTMSeed(seed uint64) LSTMOption {
	return lstmOptionFunc(func(c *lstmConfig) { c.seed = seed })
}

func newLSTMConfig(opts []LSTMOption) (lstmConfig, error) {
	c := lstmConfig{limit: 6, budget: 0.05, units: 32, history: 2048, every: 1024, seed: 1}
	for _, o := range opts {
		if o != nil {
			o.applyLSTM(&c)
		}
	}
	var errs []error
	invalid := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("anomaly: %w: "+format, append([]any{monitor.ErrInvalidOption}, args...)...))
	}
	if !(c.limit > 0) || math.IsInf(c.limit, 1) {
		invalid("WithLSTMLimit(%v) is not a number above 0", c.limit)
	}
	if !(c.budget >= 0.001 && c.budget <= 1) {
		invalid("WithLSTMBudget(%v) is not from 0.001 to 1", c.budget)
	}
	if c.history < 128 || c.history > lstmMaxHistory {
		invalid("WithLSTMHistory(%d) is not from 128 to %d", c.history, lstmMaxHistory)
	}
	if c.every < 1 {
		invalid("WithLSTMEvery(%d) is less than 1", c.every)
	}
	if c.units < 1 || c.units > 256 {
		invalid("WithLSTMUnits(%d) is not from 1 to 256", c.units)
	}
	return c, errors.Join(errs...)
}

// LSTM forecasts each point with a small recurrent network and scores how far off
// the forecast was, in robust standard deviations of its last 256 errors: 1.4826
// times their median, and a thousandth of the series' own standard deviation at
// least. Expected is the forecast, and the band ends where a point would be an
// anomaly.
//
// The network is trained by [LSTM.Train], which the owner calls from a goroutine of
// its own; Observe learns nothing but the errors. It is ready when a network has
// been trained, from 512 points or more, and has then forecast 50. The network sees
// the time of day in UTC if it learnt from two days or more, and of the week from
// two weeks on.
//
// A gap is a step like any other; after one of 60 steps or more 30 points are not
// scored. With the defaults it keeps 80 KiB, and 400 KiB more while it is trained.
//
// Sources: as in internal/lstm; P. Malhotra, L. Vig, G. Shroff, P. Agarwal: Long
// Short Term Memory Networks for Anomaly Detection in Time Series, ESANN 2015, for
// the use of its errors.
type LSTM struct {
	config lstmConfig

	// mu guards what follows.
	mu      sync.Mutex
	clock   clock
	history lstmHistory
	taken   uint64      // points
	state   *lstm.State // of the network, which has seen all but the last point; nil before there is one
	learnt  uint64      // points that were taken when its training began
	gap     int64       // in milliseconds, from where on what was is forgotten; 0: never
	quiet   int         // points that will not be scored
	errors  pastErrors

	training *lstmTraining // of Train alone
}

// An lstmTraining is a network on its way.
type lstmTraining struct {
	trainer *lstm.Trainer
	from    uint64 // points that were taken
	gap     int64
}

var _ Detector = (*LSTM)(nil)

// NewLSTM returns an LSTM, which is not ready before its Train has been called. The
// error wraps monitor.ErrInvalidOption.
func NewLSTM(opts ...LSTMOption) (*LSTM, error) {
	c, err := newLSTMConfig(opts)
	if err != nil {
		return nil, err
	}
	return &LSTM{config: c, history: newLSTMHistory(c.history), errors: newPastErrors()}, nil
}

// Observe implements [Detector]. It may be called while Train runs; with the defaults
// it waits for some 0.3 ms when a network is put in place.
func (d *LSTM) Observe(p Point) Score {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.clock.takes(p) {
		return unready()
	}
	out, at := unready(), p.Time.UnixMilli()
	if d.state != nil {
		out = d.score(p.Value, at)
	}
	d.history.add(at, p.Value)
	d.taken++
	return out
}

// Train trains a network if it is time for one, and puts it in place. That takes as
// long as the budget asks for, most of it asleep; if nothing is to be done it returns
// at once. If the context ends, the error says so, and the next call goes on from
// there. Train is for one goroutine at a time, which may be another than Observe's:
// one goroutine that calls the Train of many detectors, one after another, keeps
// all of them within the budget of one.
//
// What is scored depends on which points were observed before Train was called and
// before it returned, and else on nothing but the seed.
func (d *LSTM) Train(ctx context.Context) error {
	if d.training == nil {
		if err := d.begin(); err != nil || d.training == nil {
			return err
		}
	}
	for done := false; !done; {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("anomaly: LSTM: train: %w", err)
		}
		began := time.Now()
		if done = d.training.trainer.Train(ctx, lstmSlice).Done(); done {
			d.adopt()
		}
		rest(ctx, time.Duration(float64(time.Since(began))*(1/d.config.budget-1)))
	}
	return nil
}

// rest sleeps, unless the context ends.
func rest(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func (d *LSTM) score(v float64, at int64) Score {
	lastAt, last := d.history.at(d.history.n - 1)
	if d.gap > 0 && at-lastAt >= d.gap {
		d.state.Reset()
		d.quiet = lstmQuiet
	}
	expected := finite(d.state.Step(last, at))
	if d.quiet > 0 {
		d.quiet--
		return unready()
	}
	off := finite(math.Abs(v - expected))
	out := unready()
	if d.errors.n >= lstmLeast {
		limit := finite(d.config.limit * max(1.4826*d.errors.median(), d.state.Model().Scale()/1000))
		out = Score{
			Value: value(off, limit), Ready: true,
			Expected: expected, Low: finite(expected - limit), High: finite(expected + limit),
		}
	}
	d.errors.add(off)
	return out
}

// begin makes the trainer, from a copy of the history, if it is time for one.
func (d *LSTM) begin() error {
	d.mu.Lock()
	due := d.history.n >= min(lstmFirst, d.config.history) && (d.state == nil || d.taken-d.learnt >= uint64(d.config.every))
	var times []int64
	var values []float64
	if due {
		times, values = d.history.points()
	}
	from := d.taken
	d.mu.Unlock()
	if !due {
		return nil
	}
	c := lstm.Config{Hidden: d.config.units, Window: lstmWindow, Seed: d.config.seed}
	const day = 24 * time.Hour
	span := times[len(times)-1] - times[0]
	if span >= 2*day.Milliseconds() {
		c.Seasons = append(c.Seasons, day)
	}
	if span >= 14*day.Milliseconds() {
		c.Seasons = append(c.Seasons, 7*day)
	}
	t, err := lstm.NewTrainer(c, times, values)
	if err != nil {
		return fmt.Errorf("anomaly: LSTM: train: %w", err)
	}
	for i := len(times) - 1; i > 0; i-- {
		times[i] -= times[i-1]
	}
	steps := times[1:]
	slices.Sort(steps)
	d.training = &lstmTraining{trainer: t, from: from, gap: max(lstmWindow*steps[len(steps)/2], 0)}
	return nil
}

// adopt puts the network that has been trained in place. It sees the last points
// first, so that it knows where in the series it is.
func (d *LSTM) adopt() {
	state := d.training.trainer.Model().Begin()
	d.mu.Lock()
	defer d.mu.Unlock()
	_, before := d.history.at(max(d.history.n-lstmLead, 0))
	for i := max(d.history.n-lstmLead, 0) + 1; i < d.history.n; i++ {
		at, v := d.history.at(i)
		state.Step(before, at)
		before = v
	}
	d.state, d.learnt, d.gap = state, d.training.from, d.training.gap
	d.training = nil
}

func finite(v float64) float64 { return min(max(v, -math.MaxFloat64), math.MaxFloat64) }

// An lstmHistory is the last points.
type lstmHistory struct {
	times  []int64 // in milliseconds; rings
	values []float64
	next   int
	n      int
}

func newLSTMHistory(points int) lstmHistory {
	return lstmHistory{times: make([]int64, points), values: make([]float64, points)}
}

func (h *lstmHistory) add(at int64, v float64) {
	h.times[h.next], h.values[h.next] = at, v
	h.next = (h.next + 1) % len(h.values)
	h.n = min(h.n+1, len(h.values))
}

// at returns a point, of which 0 is the oldest.
func (h *lstmHistory) at(i int) (int64, float64) {
	i = (h.next - h.n + i + len(h.values)) % len(h.values)
	return h.times[i], h.values[i]
}

// points copies all.
func (h *lstmHistory) points() (times []int64, values []float64) {
	times, values = make([]int64, h.n), make([]float64, h.n)
	for i := range h.n {
		times[i], values[i] = h.at(i)
	}
	return times, values
}

// pastErrors is the last errors, in the order in which they came and by size.
type pastErrors struct {
	ring, sorted []float64
	next, n      int
}

func newPastErrors() pastErrors {
	return pastErrors{ring: make([]float64, lstmErrors), sorted: make([]float64, lstmErrors)}
}

func (e *pastErrors) add(v float64) {
	if e.n == len(e.ring) {
		i, _ := slices.BinarySearch(e.sorted, e.ring[e.next])
		copy(e.sorted[i:], e.sorted[i+1:])
		e.n--
	}
	i, _ := slices.BinarySearch(e.sorted[:e.n], v)
	copy(e.sorted[i+1:e.n+1], e.sorted[i:e.n])
	e.sorted[i], e.ring[e.next] = v, v
	e.next = (e.next + 1) % len(e.ring)
	e.n++
}

func (e *pastErrors) median() float64 { return e.sorted[e.n/2] }

// arrived copies the errors in the order in which they came.
func (e *pastErrors) arrived() []float64 {
	if e.n < len(e.ring) {
		return slices.Clone(e.ring[:e.n])
	}
	return slices.Concat(e.ring[e.next:], e.ring[:e.next])
}

// The encoding of an LSTM, little-endian: an lstmHeader; the times of the history
// and its values; the errors; the network's state; and the Castagnoli CRC of all
// that in 4 bytes.
type lstmHeader struct {
	Version               uint8
	Quiet                 uint8
	Nanosecond            uint32 // of the last point
	Second                int64
	Taken, Learnt         uint64
	Gap                   int64
	Points, Errors, State uint32 // how many; bytes, or 0 without a network
}

const lstmVersion = 1

var lstmSums = crc32.MakeTable(crc32.Castagnoli)

// MarshalBinary implements encoding.BinaryMarshaler: all but the options, and a
// training that is under way, which another Train will begin anew.
func (d *LSTM) MarshalBinary() ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var state []byte
	if d.state != nil {
		var err error
		if state, err = d.state.MarshalBinary(); err != nil {
			return nil, fmt.Errorf("anomaly: LSTM: %w", err)
		}
	}
	times, values := d.history.points()
	errs := d.errors.arrived()
	out := make([]byte, 0, len(state)+16*len(values)+8*len(errs)+128)
	for _, part := range []any{
		lstmHeader{
			Version: lstmVersion, Quiet: uint8(d.quiet), Nanosecond: uint32(d.clock.last.Nanosecond()), Second: d.clock.last.Unix(),
			Taken: d.taken, Learnt: d.learnt, Gap: d.gap, Points: uint32(len(values)), Errors: uint32(len(errs)), State: uint32(len(state)),
		}, times, values, errs, state,
	} {
		var err error
		if out, err = binary.Append(out, binary.LittleEndian, part); err != nil {
			return nil, fmt.Errorf("anomaly: LSTM: %w", err)
		}
	}
	return binary.LittleEndian.AppendUint32(out, crc32.Checksum(out, lstmSums)), nil
}

// UnmarshalBinary implements encoding.BinaryUnmarshaler, for an LSTM that NewLSTM
// returned: it goes on with the very scores of the one that was saved. Its options
// stay its own; of a history that is longer than its own the last points are kept,
// and the network is the one that was saved until the next training. It is not to be
// called while Train runs. After an error d is what it was.
func (d *LSTM) UnmarshalBinary(b []byte) error {
	damaged := func(format string, args ...any) error {
		return fmt.Errorf("anomaly: LSTM: restore: "+format, args...)
	}
	var h lstmHeader
	size := binary.Size(h)
	if len(b) < size+4 || b[0] != lstmVersion {
		return damaged("%d bytes are not of version %d", len(b), lstmVersion)
	}
	body, sum := b[:len(b)-4], binary.LittleEndian.Uint32(b[len(b)-4:])
	if crc32.Checksum(body, lstmSums) != sum {
		return damaged("the checksum differs")
	}
	if _, err := binary.Decode(body, binary.LittleEndian, &h); err != nil {
		return damaged("%w", err)
	}
	if h.Points > lstmMaxHistory || h.Errors > lstmErrors || uint64(len(body)) != uint64(size)+16*uint64(h.Points)+8*uint64(h.Errors)+uint64(h.State) {
		return damaged("%d points, %d errors and %d bytes of a network in %d bytes", h.Points, h.Errors, h.State, len(b))
	}
	times, values, errs := make([]int64, h.Points), make([]float64, h.Points), make([]float64, h.Errors)
	body = body[size:]
	for _, part := range []any{times, values, errs} {
		n, err := binary.Decode(body, binary.LittleEndian, part)
		if err != nil {
			return damaged("%w", err)
		}
		body = body[n:]
	}
	out := LSTM{history: newLSTMHistory(d.config.history), errors: newPastErrors()}
	for i, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return damaged("point %d is %v", i, v)
		}
		out.history.add(times[i], v)
	}
	for i, v := range errs {
		if !(v >= 0) || math.IsInf(v, 1) {
			return damaged("error %d is %v", i, v)
		}
		out.errors.add(v)
	}
	if h.State > 0 {
		out.state = new(lstm.State)
		if err := out.state.UnmarshalBinary(body); err != nil {
			return damaged("%w", err)
		}
	}
	if h.Taken < uint64(h.Points) || h.Learnt > h.Taken || h.Gap < 0 || h.Quiet > lstmQuiet || (h.State > 0 && h.Points == 0) {
		return damaged("%d points of %d, of which %d were learnt from", h.Points, h.Taken, h.Learnt)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.clock = clock{last: time.Unix(h.Second, int64(h.Nanosecond)).UTC()}
	d.history, d.errors, d.state = out.history, out.errors, out.state
	d.taken, d.learnt, d.gap, d.quiet = h.Taken, h.Learnt, h.Gap, int(h.Quiet)
	d.training = nil
	return nil
}
