package instrument

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chronoretrace/chronomon/internal/catalog"
)

// Config is what a Set needs to know.
type Config struct {
	Registerer   prometheus.Registerer // where families are registered
	Profiles     []catalog.Profile     // at least one
	LabelLimit   int                   // distinct values per label
	NativeFactor float64               // native histograms beside the classic ones if above 1
	Chinese      bool                  // help texts in Chinese
}

// A Set is all of the SDK's instruments in one registry. It is safe for
// concurrent use.
type Set struct {
	reg          prometheus.Registerer
	labelLimit   int
	nativeFactor float64
	chinese      bool
	overflow     *Group // metric, label

	families atomic.Pointer[[]*Family] // by name

	mu       sync.Mutex
	profiles []catalog.Profile  // guarded by mu
	metrics  map[string]*member // guarded by mu; by design name
	order    []*member          // guarded by mu

	sharing sync.Mutex     // held while Share builds, which takes mu
	shared  map[string]any // guarded by sharing
}

// member is one catalogue metric in the set.
type member struct {
	metric catalog.Metric
	source source
}

// anchor is the collector by which a second Set finds the first one in a
// registry: registering its twin fails and hands it over.
type anchor struct {
	*Family
	set *Set
}

// Open returns the set of instruments in the registry: a new one, or the one
// that is there already, with the given profiles added to it.
func Open(c Config) (*Set, error) {
	s := &Set{
		reg: c.Registerer, labelLimit: c.LabelLimit, nativeFactor: c.NativeFactor, chinese: c.Chinese,
		metrics: map[string]*member{}, shared: map[string]any{},
	}
	s.families.Store(new([]*Family))
	src := &funcSource{}
	a := &anchor{newFamily(s.worded(catalog.MonitorInfo), catalog.MonitorInfo.Names(catalog.Design)[0], src), s}
	if err := c.Registerer.Register(a); err != nil {
		if dup, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
			if old, ok := dup.ExistingCollector.(*anchor); ok {
				return old.set, old.set.addProfiles(c.Profiles)
			}
		}
		return nil, fmt.Errorf("register %s: %w", a.Name(), err)
	}
	s.metrics[catalog.MonitorInfo.Name] = &member{catalog.MonitorInfo, src}
	s.publish([]*Family{a.Family})
	if err := s.addProfiles(c.Profiles); err != nil {
		return nil, err
	}
	var err error
	s.overflow, err = s.Counters(catalog.MonitorLabelOverflow)
	return s, err
}

// NewGroup makes a group of cells. Its parts get names by Histogram and Count.
// metric is the name by which overflows of its labels are reported.
func (s *Set) NewGroup(metric string, spec Spec) *Group {
	g := &Group{
		set: s, labels: spec.Labels, layout: newLayout(spec),
		lanes: runtime.GOMAXPROCS(0), cells: map[string]*Cell{},
	}
	for _, label := range spec.Labels {
		g.limiters = append(g.limiters, s.Limiter(metric, label, s.labelLimit))
	}
	return g
}

// Limiter returns a limiter whose overflows are counted under the metric and label.
func (s *Set) Limiter(metric, label string, limit int) *Limiter {
	return NewLimiter(limit, func() {
		if s.overflow != nil {
			s.overflow.Cell(metric, label).Add(&Home{}, 0, 1)
		}
	})
}

// LabelLimit is the number of distinct values a label may have.
func (s *Set) LabelLimit() int { return s.labelLimit }

// Histogram shows histogram i of the group as a catalogue metric.
func (s *Set) Histogram(m catalog.Metric, g *Group, i int) error {
	return s.addCells(m, &cellSource{group: g, typ: catalog.Histogram, histograms: []int{i}})
}

// Count shows a catalogue counter: the number of values in the given
// histograms of the group plus the given counters.
func (s *Set) Count(m catalog.Metric, g *Group, histograms, counters []int) error {
	return s.addCells(m, &cellSource{group: g, typ: catalog.Counter, histograms: histograms, counters: counters})
}

func (s *Set) addCells(m catalog.Metric, src *cellSource) error {
	used, err := s.add(m, src)
	if err == nil && used != source(src) {
		return fmt.Errorf("%s is shown already, from another group", m.Name)
	}
	return err
}

// Counters makes a group of one counter per cell for a catalogue metric, or
// returns the one that is there.
func (s *Set) Counters(m catalog.Metric) (*Group, error) {
	g := s.NewGroup(m.Name, Spec{Labels: m.Labels, Counters: 1})
	src, err := s.add(m, &cellSource{group: g, typ: catalog.Counter, counters: []int{0}})
	if err != nil {
		return nil, err
	}
	return src.(*cellSource).group, nil
}

// A LabelMaker makes the label sets that a Func yields; a Func keeps them.
type LabelMaker func(values ...string) *Labels

// Func adds a function to a catalogue metric that is computed when scraped.
// labels makes the label sets which that function yields.
func (s *Set) Func(m catalog.Metric, f func(labels LabelMaker) Func) error {
	src, err := s.add(m, &funcSource{})
	if err != nil {
		return err
	}
	fs, ok := src.(*funcSource)
	if !ok {
		return fmt.Errorf("%s is not computed at scrape time", m.Name)
	}
	fs.add(f(func(values ...string) *Labels { return fs.labels(values) }))
	return nil
}

// Share returns what build makes for the key, calling it once per registry:
// how two monitors on one registry use one set of instruments. build must not
// call Share.
func Share[T any](s *Set, key string, build func() (T, error)) (T, error) {
	s.sharing.Lock()
	defer s.sharing.Unlock()
	if v, ok := s.shared[key]; ok {
		return v.(T), nil
	}
	built, err := build()
	if err == nil {
		s.shared[key] = built
	}
	return built, err
}

// add registers the metric's families for every profile, or returns the source
// of those that are registered.
func (s *Set) add(m catalog.Metric, src source) (source, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.metrics[m.Name]; ok {
		return old.source, nil
	}
	fresh := &member{m, src}
	if err := s.register(fresh, m.Names(s.profiles...)); err != nil {
		return nil, err
	}
	s.metrics[m.Name] = fresh
	s.order = append(s.order, fresh)
	return src, nil
}

func (s *Set) addProfiles(profiles []catalog.Profile) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range profiles {
		if slices.Contains(s.profiles, p) {
			continue
		}
		for _, m := range s.order {
			have := m.metric.Names(s.profiles...)
			all := m.metric.Names(append(slices.Clone(s.profiles), p)...)
			if err := s.register(m, all[len(have):]); err != nil {
				return err
			}
		}
		s.profiles = append(s.profiles, p)
	}
	return nil
}

func (s *Set) register(m *member, names []catalog.Naming) error {
	var added []*Family
	for _, n := range names {
		f := newFamily(s.worded(m.metric), n, m.source)
		if err := s.reg.Register(f); err != nil {
			for _, done := range added {
				s.reg.Unregister(done)
			}
			return fmt.Errorf("register %s: %w", n.Name, err)
		}
		added = append(added, f)
	}
	s.publish(added)
	return nil
}

// worded returns the metric with its help in the set's language.
func (s *Set) worded(m catalog.Metric) catalog.Metric {
	if s.chinese {
		m.Help = m.HelpZH
	}
	return m
}

func (s *Set) publish(added []*Family) {
	all := slices.Concat(*s.families.Load(), added)
	slices.SortFunc(all, func(a, b *Family) int { return strings.Compare(a.Name(), b.Name()) })
	s.families.Store(&all)
}
