package lstm

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// A Trainer makes a model better, a batch of windows at a time. It is for one
// goroutine at a time.
type Trainer struct {
	config Config
	model  *Model
	lesson lesson
	pass   *pass
	adam   adam
	random *rand.Rand

	epoch   int
	windows []int // where those of the epoch end, in their order
	next    int
	sum     float64 // of the losses of the epoch's windows until now
	loss    float64 // of the last whole epoch
}

// Progress is how far a training has come.
type Progress struct {
	Epoch, Epochs int     // how many are done, of how many
	Loss          float64 // of a step, in the last whole epoch
}

// Done reports whether nothing is left to do.
func (p Progress) Done() bool { return p.Epoch >= p.Epochs }

// NewTrainer returns a trainer of a new model, for a series of which it keeps a
// copy. The series has to have more values than a window has steps, all of them
// finite.
func NewTrainer(c Config, times []int64, values []float64) (*Trainer, error) {
	c, err := c.complete()
	if err != nil {
		return nil, err
	}
	if len(times) != len(values) {
		return nil, fmt.Errorf("lstm: %d times of %d values", len(times), len(values))
	}
	steps := len(values) - 1
	if steps < c.Window {
		return nil, fmt.Errorf("lstm: %d values are too few for a window of %d", len(values), c.Window)
	}
	for i, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("lstm: value %d is %v", i, v)
		}
	}
	m := newModel(&c, values)
	n := m.inputs()
	t := &Trainer{
		config: c, model: m, pass: newPass(&c, m), adam: newAdam(len(m.weights.all)), random: rand.New(rand.NewPCG(c.Seed, 1)),
		lesson:  lesson{inputs: make([]float64, steps*n), answers: make([]float64, steps)},
		windows: make([]int, 0, steps/c.Stride+1),
	}
	for i := range steps {
		m.see(t.lesson.inputs[i*n:(i+1)*n], values[i], times[i+1])
		t.lesson.answers[i] = m.change(values[i], values[i+1])
	}
	t.shuffle()
	return t, nil
}

// Train goes on until it has worked for a time, the context ends or the training
// does, and for a batch at least: some milliseconds. Another call goes on where it
// stopped; how the work is cut does not change what is learnt.
func (t *Trainer) Train(ctx context.Context, budget time.Duration) Progress {
	p := Progress{Epochs: t.config.Epochs}
	for began := time.Now(); t.epoch < p.Epochs; {
		t.batch()
		if ctx.Err() != nil || time.Since(began) >= budget {
			break
		}
	}
	p.Epoch, p.Loss = t.epoch, t.loss
	return p
}

// Model returns the model as it has become; further training leaves it as it is.
func (t *Trainer) Model() *Model { return t.model.clone() }

func (t *Trainer) batch() {
	c := &t.config
	ends := t.windows[t.next:min(t.next+c.Batch, len(t.windows))]
	t.next += len(ends)
	t.sum += float64(len(ends)) * t.pass.gradient(t.model, &t.lesson, ends)
	share := float64(t.next) / float64(len(t.windows))
	done := (float64(t.epoch) + share) / float64(c.Epochs)
	t.adam.step(t.model.weights.all, t.pass.grad.all, c.Rate*(1+math.Cos(math.Pi*done))/2)
	if t.next == len(t.windows) {
		t.epoch++
		t.loss = t.sum / float64(len(t.windows))
		t.shuffle()
	}
}

// shuffle begins an epoch: it draws where the windows are, and in which order.
func (t *Trainer) shuffle() {
	c := &t.config
	t.windows, t.next, t.sum = t.windows[:0], 0, 0
	first := t.random.IntN(min(c.Stride, len(t.lesson.answers)-c.Window+1))
	for end := len(t.lesson.answers) - first; end >= c.Window; end -= c.Stride {
		t.windows = append(t.windows, end)
	}
	t.random.Shuffle(len(t.windows), func(i, j int) { t.windows[i], t.windows[j] = t.windows[j], t.windows[i] })
}
