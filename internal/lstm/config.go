package lstm

import (
	"errors"
	"fmt"
	"time"
)

// What a [Config] may ask for at most.
const (
	maxHidden  = 256
	maxSeasons = 4
	maxWindow  = 1024
)

// A Config is the form of a network and how it is trained. What is 0 has the
// default.
type Config struct {
	// Hidden is the number of units of the layer: 32, at most 256.
	Hidden int

	// Seasons are lengths, such as a day and a week, of which the network sees how
	// far each has gone: none, at most 4.
	Seasons []time.Duration

	// Window is how many steps an error is carried back through: 60, at most 1024.
	Window int

	// Stride is how many steps of a window, its last, are learnt from, and how far
	// it is to the next window: 8. In an epoch each value is learnt from once.
	Stride int

	// Batch is how many windows make one change of the weights: 8, at most 64.
	Batch int

	// Epochs is how often the series is gone through: 20, at most 1000.
	Epochs int

	// Rate is how far a change goes at first, in the units of Adam: 0.02. It falls
	// to 0 by the end.
	Rate float64

	// Seed makes the first weights and the order of the windows.
	Seed uint64
}

func (c Config) complete() (Config, error) {
	var errs []error
	number := func(name string, v *int, normal, most int) {
		if *v == 0 {
			*v = normal
		}
		if *v < 1 || *v > most {
			errs = append(errs, fmt.Errorf("lstm: %s of %d is not from 1 to %d", name, *v, most))
		}
	}
	number("hidden", &c.Hidden, 32, maxHidden)
	number("window", &c.Window, 60, maxWindow)
	number("stride", &c.Stride, min(8, c.Window), c.Window)
	number("batch", &c.Batch, 8, 64)
	number("epochs", &c.Epochs, 20, 1000)
	if len(c.Seasons) > maxSeasons {
		errs = append(errs, fmt.Errorf("lstm: %d seasons are more than %d", len(c.Seasons), maxSeasons))
	}
	for _, s := range c.Seasons {
		if s < time.Second {
			errs = append(errs, fmt.Errorf("lstm: a season of %v is less than a second", s))
		}
	}
	if c.Rate == 0 {
		c.Rate = 0.02
	}
	if !(c.Rate > 0 && c.Rate <= 1) {
		errs = append(errs, fmt.Errorf("lstm: rate of %v is not from 0 to 1", c.Rate))
	}
	return c, errors.Join(errs...)
}
