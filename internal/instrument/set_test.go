package instrument_test

import (
	"errors"
	"strconv"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
)

func open(reg prometheus.Registerer, p ...catalog.Profile) (*instrument.Set, error) {
	if len(p) == 0 {
		p = []catalog.Profile{catalog.Design}
	}
	return instrument.Open(instrument.Config{Registerer: reg, Profiles: p, LabelLimit: 100})
}

func TestTwoSetsOnOneRegistryShare(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewPedanticRegistry()
	first, err := open(reg)
	require.NoError(t, err)
	second, err := open(reg)
	require.NoError(t, err)
	require.Same(t, first, second)

	a, err := first.Counters(catalog.ChangeMarkers)
	require.NoError(t, err)
	b, err := second.Counters(catalog.ChangeMarkers)
	require.NoError(t, err)
	require.Same(t, a, b)
	a.Cell("deploy").Add(&instrument.Home{}, 0, 1)
	b.Cell("deploy").Add(&instrument.Home{}, 0, 2)
	p := parsed(t, write(t, second, false), textType)
	require.Equal(t, map[string]string{`{__name__="change_markers_total", kind="deploy"}`: "3"}, p.samples)

	// Another registry is another world.
	third, err := open(prometheus.NewPedanticRegistry())
	require.NoError(t, err)
	require.NotSame(t, first, third)
}

func TestShareBuildsOnce(t *testing.T) {
	t.Parallel()
	r := setup(t)
	var all sync.WaitGroup
	built := 0
	for range 8 {
		all.Go(func() {
			v, err := instrument.Share(r.set, "key", func() (*int, error) {
				built++ // Share calls one at a time
				return new(7), nil
			})
			require.NoError(t, err)
			require.Equal(t, 7, *v)
		})
	}
	all.Wait()
	require.Equal(t, 1, built)

	_, err := instrument.Share(r.set, "other", func() (int, error) { return 0, errFull })
	require.ErrorIs(t, err, errFull)
	v, err := instrument.Share(r.set, "other", func() (int, error) { return 1, nil })
	require.NoError(t, err, "a failure is not kept")
	require.Equal(t, 1, v)
}

// TestSecondProfileAddsNames to what is registered and to what comes later,
// with the values that were there.
func TestSecondProfileAddsNames(t *testing.T) {
	t.Parallel()
	r := setup(t)
	c := r.group.Cell("GET", "/a", "200")
	c.Observe(&instrument.Home{}, duration, 1)
	p := parsed(t, write(t, r.set, false), textType)
	require.NotContains(t, p.types, "http_requests_total")

	again, err := open(r.reg, catalog.ChronoRetrace, catalog.Design)
	require.NoError(t, err)
	require.Same(t, r.set, again)
	deployments, err := r.set.Counters(catalog.Deployments)
	require.NoError(t, err)
	deployments.Cell().Add(&instrument.Home{}, 0, 1)
	c.Observe(&instrument.Home{}, duration, 1)
	r.group.Cell("PUT", "/a", "200").Observe(&instrument.Home{}, duration, 1) // born under both

	p = parsed(t, write(t, r.set, false), textType)
	require.Equal(t, "2", p.samples[`{__name__="api_request_total", endpoint="/a", method="GET", status_code="200"}`])
	require.Equal(t, "2", p.samples[`{__name__="http_requests_total", endpoint="/a", method="GET", status="200"}`])
	require.Equal(t, "1", p.samples[`{__name__="http_requests_total", endpoint="/a", method="PUT", status="200"}`])
	require.Equal(t, "2", p.samples[`{__name__="http_request_duration_seconds_count", endpoint="/a", method="GET", status="200"}`])
	require.Equal(t, "1", p.samples[`{__name__="deployment_total"}`])
	require.Equal(t, "1", p.samples[`{__name__="chronoretrace_deployment_total"}`])
	requireSame(t, parsed(t, encoded(t, r.reg, expfmt.NewFormat(expfmt.TypeTextPlain)), textType), p, false)

	_, err = open(r.reg, catalog.OTel)
	require.NoError(t, err)
	p = parsed(t, write(t, r.set, false), textType)
	require.Equal(t, "2", p.samples[`{__name__="http_server_request_duration_seconds_count", http_request_method="GET", http_response_status_code="200", http_route="/a"}`])
}

// taken registers a host's collector under a name that the SDK wants, labels
// and help included: client_golang holds a name to its labels and help for as
// long as the registry lives, so that only then it can be freed again.
func taken(t *testing.T, reg prometheus.Registerer, m catalog.Metric, name string) prometheus.Collector {
	t.Helper()
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: m.Help}, m.Labels)
	require.NoError(t, reg.Register(c))
	return c
}

// TestTakenNameIsNamed: the error says which name is the host's already,
// whether it is used alike or differently there.
func TestTakenNameIsNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		profiles []catalog.Profile
		use      func(*instrument.Set) error
	}{
		{"monitor_info", nil, nil},
		{"monitor_label_overflow_total", nil, nil},
		{"change_markers_total", nil, func(s *instrument.Set) error {
			_, err := s.Counters(catalog.ChangeMarkers)
			return err
		}},
		{"chronoretrace_deployment_total", []catalog.Profile{catalog.Design, catalog.ChronoRetrace}, func(s *instrument.Set) error {
			_, err := s.Counters(catalog.Deployments)
			return err
		}},
		{"api_concurrent_requests", nil, func(s *instrument.Set) error {
			return s.Func(catalog.APIConcurrentRequests, func(instrument.LabelMaker) instrument.Func { return nil })
		}},
		{"api_request_duration_seconds", nil, func(s *instrument.Set) error {
			g := s.NewGroup("x", instrument.Spec{Labels: catalog.APIRequestDuration.Labels, Histograms: make([]instrument.HistogramSpec, 1)})
			return s.Histogram(catalog.APIRequestDuration, g, 0)
		}},
	} {
		m, ok := catalog.Lookup(c.name)
		require.True(t, ok)
		for use, host := range map[string]prometheus.Collector{
			"alike":       prometheus.NewCounterVec(prometheus.CounterOpts{Name: c.name, Help: m.Help}, m.Labels),
			"differently": prometheus.NewGauge(prometheus.GaugeOpts{Name: c.name, Help: "the host's"}),
		} {
			t.Run(c.name+" "+use, func(t *testing.T) {
				t.Parallel()
				reg := prometheus.NewPedanticRegistry()
				require.NoError(t, reg.Register(host))
				set, err := open(reg, c.profiles...)
				if c.use != nil {
					require.NoError(t, err)
					err = c.use(set)
					require.Empty(t, write(t, set, false), "what failed shows nothing")
				}
				require.ErrorContains(t, err, c.name)
				require.True(t, reg.Unregister(host), "the host's collector is left alone")
			})
		}
	}
}

// TestFreedName: what failed because of a name leaves nothing behind, and works
// when the name is free.
func TestFreedName(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewPedanticRegistry()
	host := taken(t, reg, catalog.Deployments, "chronoretrace_deployment_total")
	set, err := open(reg, catalog.Design, catalog.ChronoRetrace)
	require.NoError(t, err)
	_, err = set.Counters(catalog.Deployments)
	require.Error(t, err)
	require.True(t, reg.Unregister(host))
	g, err := set.Counters(catalog.Deployments)
	require.NoError(t, err, "the design name was given back")
	g.Cell().Add(&instrument.Home{}, 0, 1)
	require.Len(t, parsed(t, write(t, set, false), textType).samples, 2)
}

// TestTakenNameOfAddedProfile: adding a profile fails as a whole. Once the name
// is free it can be added, and until then the set is what it was.
func TestTakenNameOfAddedProfile(t *testing.T) {
	t.Parallel()
	r := setup(t)
	for _, m := range []catalog.Metric{catalog.Deployments, catalog.UserLogins} {
		g, err := r.set.Counters(m)
		require.NoError(t, err)
		g.Cell().Add(&instrument.Home{}, 0, 1)
	}
	before := string(write(t, r.set, false))
	host := taken(t, r.reg, catalog.UserLogins, "chronoretrace_user_logins_total") // deployments come before it
	_, err := open(r.reg, catalog.ChronoRetrace)
	require.ErrorContains(t, err, "chronoretrace_user_logins_total")
	require.Equal(t, before, string(write(t, r.set, false)), "a profile that could not be added shows nothing")
	require.True(t, r.reg.Unregister(host))
	_, err = open(r.reg, catalog.ChronoRetrace)
	require.NoError(t, err, "the name is free now")
	p := parsed(t, write(t, r.set, false), textType)
	require.Equal(t, "1", p.samples[`{__name__="chronoretrace_deployment_total"}`])
	require.Equal(t, "1", p.samples[`{__name__="chronoretrace_user_logins_total"}`])
}

// TestOpenAfterAFailedOpen: a registry on which Open failed is not left with
// half a set that a second Open takes for a whole one.
func TestOpenAfterAFailedOpen(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewPedanticRegistry()
	host := taken(t, reg, catalog.MonitorLabelOverflow, "monitor_label_overflow_total")
	_, err := open(reg)
	require.Error(t, err)
	_, err = open(reg)
	require.ErrorContains(t, err, "monitor_label_overflow_total", "the name is still taken")
	require.True(t, reg.Unregister(host))
	set, err := open(reg)
	require.NoError(t, err)
	l := set.Limiter("m", "l", 0)
	require.Equal(t, instrument.Other, l.Value("v"))
	p := parsed(t, write(t, set, false), textType)
	require.Equal(t, "1", p.samples[`{__name__="monitor_label_overflow_total", label="l", metric="m"}`])
}

// TestOpenIsSafeForConcurrentUse: two monitors may be made at the same time on
// one registry, as programs with several servers do.
func TestOpenIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	for range 200 {
		reg := prometheus.NewPedanticRegistry()
		var all sync.WaitGroup
		errs := make([]error, 4)
		for i := range errs {
			all.Go(func() {
				set, err := open(reg, catalog.Profiles()[i%3])
				if err != nil {
					errs[i] = err
					return
				}
				g, err := set.Counters(catalog.Deployments)
				if err == nil {
					g.Cell().Add(&instrument.Home{}, 0, 1)
					set.Limiter("m", "l", 0).Allow("v")
					err = set.Func(catalog.MonitorInfo, func(labels instrument.LabelMaker) instrument.Func {
						l := labels(strconv.Itoa(i), "", "", "")
						return func(yield instrument.Yield) { yield(l, 1) }
					})
				}
				errs[i] = err
			})
		}
		all.Wait()
		require.NoError(t, errors.Join(errs...))
		set, err := open(reg)
		require.NoError(t, err)
		p := parsed(t, write(t, set, false), textType)
		require.Equal(t, "4", p.samples[`{__name__="deployment_total"}`])
		require.Equal(t, "4", p.samples[`{__name__="chronoretrace_deployment_total"}`])
		require.Equal(t, "4", p.samples[`{__name__="monitor_label_overflow_total", label="l", metric="m"}`])
		require.Equal(t, "1", p.samples[`{__name__="monitor_info", go_version="", revision="", service="3", version=""}`])
	}
}

func TestMetricIsShownOnce(t *testing.T) {
	t.Parallel()
	r := setup(t)
	other := r.set.NewGroup("x", instrument.Spec{
		Labels:     catalog.APIRequestDuration.Labels,
		Histograms: []instrument.HistogramSpec{{Bounds: []float64{1}, Scale: 1}},
	})
	require.ErrorContains(t, r.set.Histogram(catalog.APIRequestDuration, other, 0), "api_request_duration_seconds")
	require.Error(t, r.set.Func(catalog.APIRequestTotal, func(instrument.LabelMaker) instrument.Func {
		return func(instrument.Yield) {}
	}))
	require.Equal(t, 100_000, r.set.LabelLimit())
}
