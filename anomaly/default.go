package anomaly

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"time"

	"github.com/chronoretrace/chronomon/internal/unseen"
	"github.com/chronoretrace/chronomon/monitor"
)

// A DefaultOption changes a [Default].
type DefaultOption interface{ applyDefault(*defaultConfig) }

type defaultOptionFunc func(*defaultConfig)

func (f defaultOptionFunc) applyDefault(c *defaultConfig) { f(c) }

type defaultConfig struct {
	warmup      int
	sensitivity float64
	repeats     bool
}

// WithWarmup sets how many points, from 16 to 10,000, are learnt from before the
// first score. The default is 750. They should show what is usual: a day at least
// where there is one, better two.
func WithWarmup(points int) DefaultOption {
	return defaultOptionFunc(func(c *defaultConfig) { c.warmup = points })
}

// WithSensitivity sets how easily a point is an anomaly, from 0.1 to 10. The default
// is 1; with 2 half as much beyond the edge of what was seen is enough, and with 0.5
// twice as much is needed.
func WithSensitivity(times float64) DefaultOption {
	return defaultOptionFunc(func(c *defaultConfig) { c.sensitivity = times })
}

// WithRepeats has each point of an event be an anomaly. By default it is the first
// alone, and those which are clearly further out.
func WithRepeats() DefaultOption {
	return defaultOptionFunc(func(c *defaultConfig) { c.repeats = true })
}

func newDefaultConfig(opts []DefaultOption) (defaultConfig, error) {
	c := defaultConfig{warmup: unseen.Default().Warmup, sensitivity: 1}
	for _, o := range opts {
		if o != nil {
			o.applyDefault(&c)
		}
	}
	var errs []error
	if c.warmup < unseen.MinWarmup || c.warmup > unseen.MaxWarmup {
		errs = append(errs, fmt.Errorf("anomaly: %w: WithWarmup(%d) is not from %d to %d", monitor.ErrInvalidOption, c.warmup, unseen.MinWarmup, unseen.MaxWarmup))
	}
	if !(c.sensitivity >= 0.1 && c.sensitivity <= 10) {
		errs = append(errs, fmt.Errorf("anomaly: %w: WithSensitivity(%v) is not from 0.1 to 10", monitor.ErrInvalidOption, c.sensitivity))
	}
	return c, errors.Join(errs...)
}

// Default is the detector for a series of which nothing is known. It finds the points
// at which the series does what it has not done before: the value, its distance to
// the last few, to the moving level, to what was at that time of day, the same of its
// mean, and the shape of what came last are each held against the range that they
// have moved in. See the package internal/unseen for the design and its sources.
//
// One set of parameters serves all series. They were fitted to the Numenta Anomaly
// Benchmark, by which `make nab` scores the detector.
//
// One event is one anomaly: after its first point, only a point that is a tenth
// further out is another, for as many points as a quarter of the warm-up has, or as
// long as those take at five minutes each if points come faster: 15.6 hours with the
// default. The Value of a point that is no anomaly for that alone is halved; see
// [WithRepeats].
//
// Expected is the mean of what was at that time of day in the last 21 days, or the
// moving level; out of the band the value alone is an anomaly, without the other
// features.
//
// Gaps are no anomaly in themselves. A time of day is five minutes in UTC, or the
// step if that is longer. It keeps 42 KiB, or 56 KiB during the default warm-up, after
// which it allocates nothing.
type Default struct {
	clock  clock
	config defaultConfig
	limit  float64
	unseen *unseen.Detector
}

var _ Detector = (*Default)(nil)

// NewDefault returns a Default. The error wraps monitor.ErrInvalidOption.
func NewDefault(opts ...DefaultOption) (*Default, error) {
	c, err := newDefaultConfig(opts)
	if err != nil {
		return nil, err
	}
	u := unseen.Default()
	u.Warmup = c.warmup
	u.Limit = 1 + (u.Limit-1)/c.sensitivity
	return &Default{config: c, limit: u.Limit, unseen: unseen.New(u)}, nil
}

// Observe implements [Detector].
func (d *Default) Observe(p Point) Score {
	if !d.clock.takes(p) {
		return unready()
	}
	s := d.unseen.Observe(float64(p.Time.Unix())+float64(p.Time.Nanosecond())*1e-9, p.Value)
	if !s.Ready {
		return unready()
	}
	out := Score{Value: value(s.Ratio, d.limit), Expected: s.Expected, Low: s.Low, High: s.High, Ready: true}
	if s.Repeat && !d.config.repeats {
		out.Value = math.Min(out.Value*Threshold, math.Nextafter(Threshold, 0))
	}
	return out
}

// A defaultHeader stands before the state of what it watches with.
type defaultHeader struct {
	Version    uint8
	Nanosecond uint32
	Second     int64
}

const defaultVersion = 1

// MarshalBinary implements encoding.BinaryMarshaler: all but the options, of which
// the warm-up is in what it has learnt.
func (d *Default) MarshalBinary() ([]byte, error) {
	out, err := binary.Append(nil, binary.LittleEndian, defaultHeader{defaultVersion, uint32(d.clock.last.Nanosecond()), d.clock.last.Unix()})
	if err != nil {
		return nil, fmt.Errorf("anomaly: Default: %w", err)
	}
	state, err := d.unseen.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("anomaly: Default: %w", err)
	}
	out = append(out, state...)
	return binary.LittleEndian.AppendUint32(out, crc32.ChecksumIEEE(out)), nil
}

// UnmarshalBinary implements encoding.BinaryUnmarshaler, for a Default that
// NewDefault returned: it goes on with the very scores of the one that was saved, if
// its options are the same. After an error d is what it was.
func (d *Default) UnmarshalBinary(b []byte) error {
	n := len(b) - 4
	if n < 0 || crc32.ChecksumIEEE(b[:n]) != binary.LittleEndian.Uint32(b[n:]) {
		return errors.New("anomaly: Default: restore: the checksum is wrong")
	}
	var h defaultHeader
	at, err := binary.Decode(b[:n], binary.LittleEndian, &h)
	if err != nil {
		return fmt.Errorf("anomaly: Default: restore: %w", err)
	}
	if h.Version != defaultVersion {
		return fmt.Errorf("anomaly: Default: restore: version %d is not known", h.Version)
	}
	if err := d.unseen.UnmarshalBinary(b[at:n]); err != nil {
		return fmt.Errorf("anomaly: Default: restore: %w", err)
	}
	d.clock.last = time.Unix(h.Second, int64(h.Nanosecond)).UTC()
	return nil
}
