package capacity

import (
	"fmt"
	"math"
	"time"

	"github.com/chronoretrace/chronomon/internal/series"
)

// Confidence is how much a plan can be relied on: the product of its parts, each
// from 0 to 1.
type Confidence struct {
	Score float64
	// History is the share of the horizon, 28 days at least, that the known days
	// are as long as.
	History Part
	// Accuracy is 1 where forecasts from earlier days of this history were without
	// error and a half where they were off by a tenth of the usual peak.
	Accuracy Part
	// Calibration is how close to 80 % of the tests were inside their 80 %
	// interval, with four tests more that are taken to be so.
	Calibration Part
	// Stability is the share of the history since the level changed at once, or
	// growth took a new slope, as far as that is likely; a half at least.
	Stability Part
}

// Part is a part of a [Confidence].
type Part struct {
	Score float64
	Why   string
}

func confidenceOf(o *outlook, a Analysis) Confidence {
	var c Confidence
	horizon := max(a.Horizon, 28*day)
	known := float64(a.Days) * float64(a.unit)
	c.History = Part{min(1, known/float64(horizon)), fmt.Sprintf("%d days are known, for a horizon of %d", time.Duration(known)/day, a.Horizon/day)}

	t := o.tests
	usual := usualOf(a.peaks)
	if t.count == 0 {
		c.Accuracy = Part{0.5, "the history is too short to test a forecast on"}
		c.Calibration = Part{0.5, c.Accuracy.Why}
	} else {
		off := 0.0
		if t.mae > 0 {
			off = t.mae / max(usual, t.mae/10)
		}
		c.Accuracy = Part{1 / (1 + 10*off), fmt.Sprintf("%d forecasts from %d earlier days, up to %d days ahead, were off by %s on average, %.1f %% of the usual peak", t.count, t.origins, t.distance, number(t.mae), 100*off)}
		const aim = 0.8
		share := (float64(t.inside) + aim*priorTests) / float64(t.count+priorTests)
		c.Calibration = Part{1 - math.Abs(share-aim)/aim, fmt.Sprintf("%d of %d tests were inside the interval of 80 %%", t.inside, t.count)}
		if w := t.widening(); w > 1.05 {
			c.Calibration.Why += fmt.Sprintf("; intervals were made %.1f times as wide for that", w)
		}
	}

	n := float64(len(a.peaks))
	since, why := 1.0, "no change of the level or of the slope"
	if k := len(o.pattern.steps); k > 0 {
		since = 1 - float64(o.pattern.steps[k-1])/n
		why = fmt.Sprintf("the level changed at once %d times, the last time %.0f days ago", k, since*n)
	}
	bent := o.shapes[kinked]
	if bent > 0.2 {
		why += fmt.Sprintf("; a new slope within the last 60 days has a probability of %.0f %%", 100*bent)
	}
	c.Stability = Part{(0.5 + 0.5*since) * (1 - 0.5*bent), why}
	c.Score = c.History.Score * c.Accuracy.Score * c.Calibration.Score * c.Stability.Score
	return c
}

// usualOf is the median size of peaks.
func usualOf(peaks []float64) float64 {
	var sizes []float64
	for _, v := range peaks {
		if !math.IsNaN(v) {
			sizes = append(sizes, math.Abs(v))
		}
	}
	return series.Median(sizes)
}

func (c Confidence) parts() map[string]Part {
	return map[string]Part{"history": c.History, "accuracy": c.Accuracy, "calibration": c.Calibration, "stability": c.Stability}
}
