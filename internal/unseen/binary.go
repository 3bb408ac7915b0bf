package unseen

import (
	"encoding/binary"
	"errors"
	"math"
)

// errState is the cause where bytes are not what MarshalBinary wrote.
var errState = errors.New("not the state of a detector")

// MarshalBinary writes all that the detector knows, its configuration too. There is
// no checksum.
func (d *Detector) MarshalBinary() ([]byte, error) {
	w := writer{out: make([]byte, 0, 48<<10)}
	w.put(wide64(d.config))
	w.put(&d.state)
	w.put(int64(len(d.head)))
	w.put(d.head)
	if d.head == nil {
		w.put(int64(d.season.bins))
		w.put(&d.season.clock)
		for _, m := range []*memory{&d.season.value, &d.season.mean} {
			w.put(m.values)
			w.put(m.n)
			w.put(m.next)
		}
		if d.warm() {
			w.put(&d.shape.state)
			w.put(int64(len(d.shape.samples)))
			w.put(d.shape.samples)
		} else {
			for _, v := range d.learnt {
				w.put(v)
			}
		}
	}
	return w.out, w.err
}

// UnmarshalBinary puts the detector where the one that wrote was, but for the limit,
// which stays. After an error it is what it was.
func (d *Detector) UnmarshalBinary(data []byte) error {
	r := reader{in: data}
	var w wideConfig
	r.get(&w)
	c := w.config()
	c.Limit = d.config.Limit
	if r.err != nil || c.Validate() != nil {
		return errState
	}
	out := New(c)
	r.get(&out.state)
	head := r.count(cap(out.head) - 1)
	out.head = out.head[:head]
	r.get(out.head)
	if out.state.Points > 0 {
		out.head = nil
		out.readRest(&r)
	}
	if r.err != nil || len(r.in) > 0 || out.state.Points < 0 {
		return errState
	}
	*d = *out
	return nil
}

// readRest reads what there is once the step is known.
func (d *Detector) readRest(r *reader) {
	bins := r.count(maxBins)
	if bins < 4 {
		r.err = errState
		return
	}
	d.season = newSeason(day / (float64(bins) + 0.5))
	r.get(&d.season.clock)
	for _, m := range []*memory{&d.season.value, &d.season.mean} {
		r.get(m.values)
		r.get(m.n)
		r.get(m.next)
		for i := range m.n {
			if int(m.n[i]) > m.days || int(m.next[i]) >= m.days {
				r.err = errState
			}
		}
	}
	if w := d.season.clock.Waits; w < 0 || w > pending || d.season.bins != bins {
		r.err = errState
	}
	if !d.warm() {
		for i := range d.learnt {
			d.learnt[i] = d.learnt[i][:d.state.Points]
			r.get(d.learnt[i])
		}
		return
	}
	d.learnt = [fromShape][]float32{}
	d.shape.samples = make([]float32, 0, 2*shapeKept)
	r.get(&d.shape.state)
	d.shape.samples = d.shape.samples[:r.count(2*shapeKept)]
	r.get(d.shape.samples)
}

// warm reports whether the warm-up is over.
func (d *Detector) warm() bool { return d.state.Points >= int64(d.config.Warmup) }

// A wideConfig is a Config whose fields are of fixed size.
type wideConfig struct {
	Warmup                                     int64
	Growth, Decay, Drift, Spread, Other, Floor float64
	Shape, Power, Quiet, Rise, Limit           float64
}

func wide64(c Config) *wideConfig {
	return &wideConfig{
		int64(c.Warmup), c.Growth, c.Decay, c.Drift, c.Spread, c.Other, c.Floor,
		c.Shape, c.Power, c.Quiet, c.Rise, c.Limit,
	}
}

func (w *wideConfig) config() Config {
	return Config{
		int(max(0, min(math.MaxInt32, w.Warmup))), w.Growth, w.Decay, w.Drift, w.Spread, w.Other, w.Floor,
		w.Shape, w.Power, w.Quiet, w.Rise, w.Limit,
	}
}

type writer struct {
	out []byte
	err error
}

func (w *writer) put(v any) {
	if w.err == nil {
		w.out, w.err = binary.Append(w.out, binary.LittleEndian, v)
	}
}

type reader struct {
	in  []byte
	err error
}

func (r *reader) get(v any) {
	if r.err != nil {
		return
	}
	var n int
	if n, r.err = binary.Decode(r.in, binary.LittleEndian, v); r.err == nil {
		r.in = r.in[n:]
	}
}

// count reads a number from 0 to a most.
func (r *reader) count(most int) int {
	var n int64
	r.get(&n)
	if r.err == nil && (n < 0 || n > int64(most)) {
		r.err = errState
	}
	if r.err != nil {
		return 0
	}
	return int(n)
}
