package monitor_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
)

var discard = monitor.SinkFunc(func(context.Context, []monitor.Event) error { return nil })

func TestNewNamesEveryBadOption(t *testing.T) {
	t.Parallel()
	bad := map[string]monitor.Option{
		"WithRegisterer = <nil>":                        monitor.WithRegisterer(nil),
		"WithProfiles = none":                           monitor.WithProfiles(),
		`WithProfiles = "nope"`:                         monitor.WithProfiles("nope"),
		"WithNativeHistograms = 1":                      monitor.WithNativeHistograms(1),
		"WithNativeHistograms = -1":                     monitor.WithNativeHistograms(-1),
		"WithNativeHistograms = NaN":                    monitor.WithNativeHistograms(math.NaN()),
		"WithLabelLimit = 0":                            monitor.WithLabelLimit(0),
		"WithEdgeLimit = -1":                            monitor.WithEdgeLimit(-1),
		"WithLogger = <nil>":                            monitor.WithLogger(nil),
		"WithClock = <nil>":                             monitor.WithClock(nil),
		"WithGracePeriod = 0s":                          monitor.WithGracePeriod(0),
		"WithPseudonymKey = 3 bytes":                    monitor.WithPseudonymKey([]byte("abc")),
		"WithSampling(request) = 2":                     monitor.WithSampling(monitor.KindRequest, 2),
		"WithSampling(request) = NaN":                   monitor.WithSampling(monitor.KindRequest, math.NaN()),
		"WithSampling kind = kind(99)":                  monitor.WithSampling(99, 1),
		`WithSink = "": want a name`:                    monitor.WithSink("", discard),
		`WithSink("s") sink = <nil>`:                    monitor.WithSink("s", nil),
		`WithSink("s") WithQueue = 0`:                   monitor.WithSink("s", discard, monitor.WithQueue(0)),
		`WithSink("s") WithBatch size = -5`:             monitor.WithSink("s", discard, monitor.WithBatch(-5, time.Second)),
		`WithSink("s") WithBatch age = 0s`:              monitor.WithSink("s", discard, monitor.WithBatch(1, 0)),
		`WithSink("s") WithSpill = -1`:                  monitor.WithSink("s", discard, monitor.WithSpill(-1)),
		`WithSink("s") WithRetry = [2s 1s]`:             monitor.WithSink("s", discard, monitor.WithRetry(2*time.Second, time.Second)),
		`WithSink("s") WithWriteTimeout = -1ns`:         monitor.WithSink("s", discard, monitor.WithWriteTimeout(-1)),
		`WithSink("s") WithKinds = kind(0)`:             monitor.WithSink("s", discard, monitor.WithKinds(0)),
		`WithSink("s") WithQueue = 9223372036854775807`: monitor.WithSink("s", discard, monitor.WithQueue(math.MaxInt)),
	}
	var all []monitor.Option
	for want, o := range bad {
		m, err := monitor.New(o)
		require.Nil(t, m, want)
		require.ErrorIs(t, err, monitor.ErrInvalidOption)
		require.ErrorContains(t, err, want)
		all = append(all, o)
	}
	// Together, each is still named, but for those that a later call of the
	// same option replaced.
	_, err := monitor.New(all...)
	for _, want := range []string{"WithRegisterer", "WithLabelLimit", "WithLogger", "WithSampling(request)", "WithQueue", "WithSpill", "WithKinds"} {
		require.ErrorContains(t, err, want)
	}
}

func TestNewRefusesTwoSinksOfOneName(t *testing.T) {
	t.Parallel()
	_, err := monitor.New(monitor.WithSink("log", discard), monitor.WithSink("log", discard))
	require.ErrorIs(t, err, monitor.ErrInvalidOption)
	require.ErrorContains(t, err, `WithSink = "log": want a name that no other sink has`)
}

func TestNewIgnoresNilOptions(t *testing.T) {
	t.Parallel()
	_, err := monitor.New(nil, monitor.WithSink("s", discard, nil), nil)
	require.NoError(t, err)
}

func TestNewSaysWhichNameIsTaken(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	reg.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "change_markers_total", Help: "the host's"}))
	_, err := monitor.New(monitor.WithRegisterer(reg))
	require.ErrorContains(t, err, "change_markers_total")
}
