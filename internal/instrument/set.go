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

	opening sync.Mutex // held while the set is opened
	opened  bool       // guarded by opening

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
	const tries = 3
	for range tries {
		s := &Set{
			reg: c.Registerer, labelLimit: c.LabelLimit, nativeFactor: c.NativeFactor, chinese: c.Chinese,
			metrics: map[string]*member{}, shared: map[string]any{},
		}
		s.families.Store(new([]*Family))
		s.opening.Lock()
		err := s.open(c.Profiles)
		s.opened = err == nil
		s.opening.Unlock()
		if err == nil {
			return s, nil
		}
		dup, ok := errors.AsType[prometheus.AlreadyRegisteredError](err)
		if !ok {
			return nil, err
		}
		old, ok := dup.ExistingCollector.(*anchor)
		if !ok {
			return nil, err
		}
		if old.set.isOpen() {
			return old.set, old.set.addProfiles(c.Profiles)
		}
		// The other one was not to be, and its anchor should be gone: try again.
	}
	return nil, errors.New("the registry holds what an earlier monitor left when it could not be made: use another one")
}

// isOpen waits until the set is open, and reports false if that failed.
func (s *Set) isOpen() bool {
	s.opening.Lock()
	defer s.opening.Unlock()
	return s.opened
}

// open registers the anchor and the set's own metrics, all of them or none.
func (s *Set) open(profiles []catalog.Profile) error {
	src := &funcSource{}
	a := &anchor{newFamily(s.worded(catalog.MonitorInfo), catalog.MonitorInfo.Names(catalog.Design)[0], src), s}
	if err := s.reg.Register(a); err != nil {
		return fmt.Errorf("register %s: %w", a.Name(), err)
	}
	s.metrics[catalog.MonitorInfo.Name] = &member{catalog.MonitorInfo, src}
	s.publish([]*Family{a.Family})
	if err := s.fill(profiles); err != nil {
		for _, f := range *s.families.Load() {
			s.reg.Unregister(f)
		}
		return err
	}
	return nil
}

// fill gives a new set its profiles and its own metrics.
func (s *Set) fill(profiles []catalog.Profile) (err error) {
	if err := s.addProfiles(profiles); err != nil {
		return err
	}
	s.overflow, err = s.Counters(catalog.MonitorLabelOverflow)
	return err
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
	if metric == catalog.MonitorLabelOverflow.Name {
		return NewLimiter(limit, func() {}) // it does not count itself
	}
	return NewLimiter(limit, func() { s.overflow.Cell(metric, label).Add(&Home{}, 0, 1) })
}

// Has reports whether a family of the set has samples of that exposition name.
func (s *Set) Has(name string) bool {
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if base, ok := strings.CutSuffix(name, suffix); ok && s.has(base) {
			return true
		}
	}
	return s.has(name)
}

func (s *Set) has(name string) bool {
	_, found := slices.BinarySearchFunc(*s.families.Load(), name, func(f *Family, name string) int {
		return strings.Compare(f.Name(), name)
	})
	return found
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
	added, err := s.register(nil, fresh, m.Names(s.profiles...))
	if err != nil {
		return nil, err
	}
	s.publish(added)
	s.metrics[m.Name] = fresh
	s.order = append(s.order, fresh)
	return src, nil
}

// Drop takes metrics out again, for a constructor that failed half way: those
// that are not in the set are passed over.
func (s *Set) Drop(metrics ...catalog.Metric) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range metrics {
		gone, ok := s.metrics[m.Name]
		if !ok {
			continue
		}
		delete(s.metrics, m.Name)
		s.order = slices.DeleteFunc(s.order, func(o *member) bool { return o == gone })
		rest := slices.Clone(*s.families.Load())
		rest = slices.DeleteFunc(rest, func(f *Family) bool {
			return f.source == gone.source && s.reg.Unregister(f)
		})
		s.families.Store(&rest)
	}
}

// addProfiles shows every metric under its names in the profiles too: in all
// of them or, if a name is taken, in none.
func (s *Set) addProfiles(profiles []catalog.Profile) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var added []*Family
	now := slices.Clone(s.profiles)
	for _, p := range profiles {
		if slices.Contains(now, p) {
			continue
		}
		next := append(slices.Clip(now), p)
		for _, m := range s.order {
			have := m.metric.Names(now...)
			var err error
			if added, err = s.register(added, m, m.metric.Names(next...)[len(have):]); err != nil {
				return err
			}
		}
		now = next
	}
	s.publish(added)
	s.profiles = now
	return nil
}

// register makes and registers the metric's families under the names and
// appends them to added. On an error all of added are unregistered.
func (s *Set) register(added []*Family, m *member, names []catalog.Naming) ([]*Family, error) {
	for _, n := range names {
		f := newFamily(s.worded(m.metric), n, m.source)
		if err := s.reg.Register(f); err != nil {
			for _, done := range added {
				s.reg.Unregister(done)
			}
			return nil, fmt.Errorf("%s is in the registry already (leave out the profile that names it so, or wrap the registerer with a prefix): %w", n.Name, err)
		}
		added = append(added, f)
	}
	return added, nil
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
