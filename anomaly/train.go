package anomaly

import (
	"context"
	"time"
)

// A Trainer is a Detector that learns in the background. Run has one goroutine that
// calls Train, of one detector after another, while another one calls Observe: so all
// of them together take no more than the share of a core that one keeps to. It
// returns at once if there is nothing to do, and soon after ctx is done.
type Trainer interface {
	Detector
	Train(ctx context.Context) error
}

// trainAgain is how long a detector rests whose training failed.
const trainAgain = 10 * time.Minute

// train calls Train of those that have it.
func (e *Engine) train(ctx context.Context) {
	ticker := time.NewTicker(e.period)
	defer ticker.Stop()
	for {
		for _, s := range e.trainers() {
			if ctx.Err() != nil {
				return
			}
			if now := e.m.Now(); now.Before(s.retrain) {
				continue
			}
			if err := e.trainOne(ctx, s.trainer); err != nil && ctx.Err() == nil {
				s.retrain = e.m.Now().Add(trainAgain)
				add(s.watch.errors, 1)
				e.m.Logger().Warn("anomaly: a detector was not trained", "watch", s.watch.Name, "series", s.labels.String(), "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (e *Engine) trainOne(ctx context.Context, t Trainer) (err error) {
	defer e.m.Guard("anomaly.Trainer", &err)
	return t.Train(ctx)
}

func (e *Engine) trainers() (out []*watched) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, w := range e.watches {
		for _, s := range w.order {
			if s.trainer != nil {
				out = append(out, s)
			}
		}
	}
	return out
}
