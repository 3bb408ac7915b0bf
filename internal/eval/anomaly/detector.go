package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/chronoretrace/chronomon/anomaly"
	"github.com/chronoretrace/chronomon/internal/eval/nab"
	"github.com/chronoretrace/chronomon/internal/unseen"
)

// detectors make a detector for a series whose first rows are for learning. All but
// the default go by their own defaults.
var detectors = []struct {
	name string
	make func(probation int) (anomaly.Detector, error)
}{
	{"default", func(probation int) (anomaly.Detector, error) {
		return anomaly.NewDefault(anomaly.WithWarmup(warmup(probation)))
	}},
	{"default-repeats", func(probation int) (anomaly.Detector, error) {
		return anomaly.NewDefault(anomaly.WithWarmup(warmup(probation)), anomaly.WithRepeats())
	}},
	{"sigma", func(int) (anomaly.Detector, error) { return anomaly.NewSigma() }},
	{"median", func(int) (anomaly.Detector, error) { return anomaly.NewMedian() }},
	{"moving-average", func(int) (anomaly.Detector, error) { return anomaly.NewMovingAverage() }},
	{"ewma", func(int) (anomaly.Detector, error) { return anomaly.NewEWMA() }},
	{"seasonal", func(int) (anomaly.Detector, error) { return anomaly.NewSeasonal(anomaly.TimeOfDay(time.Hour, nil)) }}, // two weeks are too short for those of the week
	{"shift", func(int) (anomaly.Detector, error) { return anomaly.NewShift() }},
	{"neighbours", func(int) (anomaly.Detector, error) { return anomaly.NewNeighbours(), nil }},
	{"clusters", func(int) (anomaly.Detector, error) { return anomaly.NewClusters() }},
	{"forest", func(int) (anomaly.Detector, error) { return anomaly.NewForest() }},
	{"half-space-trees", func(int) (anomaly.Detector, error) { return anomaly.NewHalfSpaceTrees() }},
	{"lstm", func(int) (anomaly.Detector, error) {
		d, err := anomaly.NewLSTM(anomaly.WithLSTMBudget(1), anomaly.WithLSTMEvery(4096))
		return &trained{d}, err
	}},
}

// trained is an LSTM that is trained between two points when it is time, so that the
// same series has the same scores. A host trains it beside.
type trained struct{ *anomaly.LSTM }

func (d *trained) Observe(p anomaly.Point) anomaly.Score {
	s := d.LSTM.Observe(p)
	if err := d.Train(context.Background()); err != nil {
		panic(err) // without a deadline there is no error
	}
	return s
}

func names() []string {
	out := make([]string, len(detectors))
	for i, d := range detectors {
		out[i] = d.name
	}
	return out
}

// warmup is the probation, held to what a detector can do with.
func warmup(probation int) int { return max(unseen.MinWarmup, min(unseen.MaxWarmup, probation)) }

// feed gives the scores of the rows, one after another.
func feed(rows []nab.Row, name string, probation int) ([]float64, error) {
	i := slices.Index(names(), name)
	d, err := detectors[i].make(probation)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	out := make([]float64, len(rows))
	for i, r := range rows {
		out[i] = d.Observe(anomaly.Point{Time: r.At, Value: r.Value}).Value
	}
	return out, nil
}
