package anomaly

import (
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"math"
	"math/bits"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	dto "github.com/prometheus/client_model/go"

	"github.com/chronoretrace/chronomon/monitor"
)

// A watched is a series with its detector. It is for who detects, but for what the
// metrics show.
type watched struct {
	watch    *watching
	key      string         // of the labels
	id       string         // the key's hash, for state
	labels   monitor.Labels // its own
	pairs    []*dto.LabelPair
	detector Detector  // nil: it panicked
	trainer  Trainer   // the same, or nil
	retrain  time.Time // for who trains: not before
	limit    float64   // what feedback has made of the detector's

	points []Point   // that are to be fed
	last   time.Time // of the points that were fed
	seen   time.Time // the newest step that it had a point for
	there  bool      // it has one for the newest step
	flags  uint64    // which of the last points were anomalies, the newest lowest
	bad    time.Time // the last anomaly's time
	score  Score
	recent recent
	open   *Anomaly // changed under the engine's mu, as is what it points to

	shown  bool // guarded by the engine's mu, as are the next ones
	active bool
	value  float64
}

// recent is what a series was at its last steps.
type recent struct {
	values [recentSteps]float64
	newest int64 // step of the newest, in steps since 1970
}

const recentSteps = 32

func (r *recent) put(step int64, v float64) {
	if step <= r.newest-recentSteps || math.IsInf(v, 0) {
		return
	}
	for i := max(r.newest+1, step-recentSteps+1); i < step; i++ {
		r.values[uint64(i)%recentSteps] = math.NaN()
	}
	r.values[uint64(step)%recentSteps] = v
	r.newest = max(r.newest, step)
}

func (r *recent) at(step int64) float64 {
	if step > r.newest || step <= r.newest-recentSteps {
		return math.NaN()
	}
	return r.values[uint64(step)%recentSteps]
}

// mostLabels bounds the bytes of a series' labels.
const mostLabels = 16 << 10

// shownLabels returns the labels that a series has in the metrics, by name: its own
// without the metric's name, what a metric may not have taken out, and its own
// "watch" renamed as Prometheus would. ok is false if they are too long.
func shownLabels(watch string, own monitor.Labels) (pairs []*dto.LabelPair, ok bool) {
	all := make(map[string]string, len(own)+1)
	size := 0
	for k, v := range own {
		if size += len(k) + len(v); size > mostLabels {
			return nil, false
		}
		if k != "" && v != "" && k != watchLabel && !strings.HasPrefix(k, "__") {
			all[k] = v
		}
	}
	if v := own[watchLabel]; v != "" {
		name := "exported_" + watchLabel
		for all[name] != "" {
			name = "exported_" + name
		}
		all[name] = v
	}
	all[watchLabel] = watch
	for _, k := range slices.Sorted(maps.Keys(all)) {
		name, v := k, all[k]
		pairs = append(pairs, &dto.LabelPair{Name: &name, Value: &v})
	}
	return pairs, true
}

// texts returns labels that are UTF-8, as all that keeps them wants them.
func texts(l monitor.Labels) monitor.Labels {
	valid := true
	for k, v := range l {
		valid = valid && utf8.ValidString(k) && utf8.ValidString(v)
	}
	if valid {
		return l
	}
	out := make(monitor.Labels, len(l))
	for _, k := range slices.Sorted(maps.Keys(l)) { // two may become one, the same each time
		out[strings.ToValidUTF8(k, "\uFFFD")] = strings.ToValidUTF8(l[k], "\uFFFD")
	}
	return out
}

const watchLabel = "watch"

// keyOf tells series of a watch apart.
func keyOf(pairs []*dto.LabelPair) string {
	n := 0
	for _, p := range pairs {
		n += len(p.GetName()) + len(p.GetValue()) + 2
	}
	var b strings.Builder
	b.Grow(n)
	for _, p := range pairs {
		b.WriteString(p.GetName())
		b.WriteByte(0xff) // which is in no UTF-8
		b.WriteString(p.GetValue())
		b.WriteByte(0xff)
	}
	return b.String()
}

// idOf is a short name for a key of a watch.
func idOf(key string) string {
	h := fnv.New64a()
	_, _ = io.WriteString(h, key) // never fails
	return fmt.Sprintf("%016x", h.Sum64())
}

// judge takes a score of a point into account and says what changes.
func (s *watched) judge(p Point, score Score, rate rate, quiet time.Duration) (opens, closes bool) {
	s.score = scaled(score, s.watch.factor(s.limit))
	if score.Ready {
		s.flags <<= 1
		if s.score.Anomalous() {
			s.flags |= 1
			s.bad = later(s.bad, p.Time) // later already, of an anomaly from before
		}
	}
	switch {
	case s.open != nil:
		return false, p.Time.Sub(s.bad) >= quiet && !p.Time.Equal(s.bad)
	case s.flags&1 == 1 && score.Ready:
		return bits.OnesCount64(s.flags&rate.mask()) >= rate.of, false
	}
	return false, false
}

// A rate is how many of the last points make an anomaly.
type rate struct{ of, last int }

func (r rate) mask() uint64 { return math.MaxUint64 >> (64 - r.last) }
