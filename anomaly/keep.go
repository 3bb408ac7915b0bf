package anomaly

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/chronoretrace/chronomon/internal/queue"
)

const (
	mostWrite    = 4 << 20 // bytes of one write of state
	mostKeys     = 1000    // of one write
	mostUnsaved  = 1000    // anomalies that wait for the store
	mostSnapshot = 512 << 20
)

// tell makes what has changed known: to the state, the sinks and the store, in that
// order. The state is written even if the process ends meanwhile.
func (e *Engine) tell(ctx context.Context) error {
	e.capture(ctx)
	err := e.flush(context.WithoutCancel(ctx))
	if err != nil {
		err = fmt.Errorf("anomaly: %w", err)
	}
	for _, n := range e.told {
		e.notify(n)
	}
	clear(e.told)
	e.told = e.told[:0]
	if saving := e.save(ctx); saving != nil {
		err = errors.Join(err, fmt.Errorf("anomaly: save: %w", saving))
	}
	return err
}

// save gives the store what it does not have.
func (e *Engine) save(ctx context.Context) error {
	if e.config.store == nil || len(e.unsaved) == 0 {
		e.unsaved = nil
		return nil
	}
	e.mu.Lock()
	all := make([]Anomaly, len(e.unsaved))
	for i, a := range e.unsaved {
		all[i] = a.copy()
	}
	e.mu.Unlock()
	err := e.saveAll(ctx, all)
	if _, never := errors.AsType[*queue.PermanentError](err); never {
		add(e.counters.unsaved, len(e.unsaved))
		e.unsaved = nil
	} else if err == nil {
		e.unsaved = nil
	}
	if over := len(e.unsaved) - mostUnsaved; over > 0 {
		add(e.counters.unsaved, over)
		e.unsaved = slices.Delete(e.unsaved, 0, over)
	}
	return err
}

func (e *Engine) saveAll(ctx context.Context, all []Anomaly) (err error) {
	defer e.m.Guard("anomaly.Store", &err)
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	return e.config.store.SaveAnomalies(ctx, all...)
}

// load reads the state, once.
func (e *Engine) load(ctx context.Context) error {
	if err := e.keeping.lock(ctx); err != nil {
		return err
	}
	defer e.keeping.unlock()
	if e.loaded {
		return nil
	}
	if e.config.state == nil {
		e.loaded = true
		return nil
	}
	values := map[string][]byte{}
	if err := e.readState(ctx, values); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	k, bad := decodeMemory(values)
	if len(bad) > 0 { // what is left is worth more than nothing
		e.m.Logger().Error("anomaly: what cannot be read of the state is left out", "keys", len(bad), "first", bad[0])
	}
	e.mu.Lock()
	e.become(k)
	e.mu.Unlock()
	e.loaded = true
	return nil
}

func (e *Engine) readState(ctx context.Context, into map[string][]byte) (err error) {
	defer e.m.Guard("anomaly.State", &err)
	ctx, cancel := context.WithTimeout(ctx, stateTimeout)
	defer cancel()
	for _, prefix := range []string{anomalyKey, opinionKey, verdictsKey} {
		err := e.config.state.Range(ctx, prefix, func(key string, value []byte) error {
			into[key] = value
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// memory is what outlives the process.
type memory struct {
	Anomalies []*Anomaly         `json:"anomalies"` // those that are over in the order in which they ended
	Opinions  map[string]opinion `json:"opinions"`
	Verdicts  verdicts           `json:"verdicts"`
}

// decodeMemory returns the state, and the keys of what cannot be read of it.
func decodeMemory(values map[string][]byte) (k memory, bad []string) {
	k.Opinions = map[string]opinion{}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		var err error
		switch value := values[key]; {
		case key == verdictsKey:
			err = json.Unmarshal(value, &k.Verdicts)
		case strings.HasPrefix(key, opinionKey):
			var o opinion
			err = json.Unmarshal(value, &o)
			k.Opinions[strings.TrimPrefix(key, opinionKey)] = o
		case strings.HasPrefix(key, anomalyKey):
			a := &Anomaly{}
			if err = json.Unmarshal(value, a); err == nil {
				k.Anomalies = append(k.Anomalies, a)
			}
		}
		if err != nil {
			bad = append(bad, key)
		}
	}
	return k, bad
}

// become takes over a state. mu is held.
func (e *Engine) become(k memory) {
	for _, a := range e.open {
		if a.series != nil {
			a.series.open = nil
		}
	}
	e.opinions, e.verdicts = map[string]opinion{}, k.Verdicts
	for id, o := range k.Opinions {
		if len(e.opinions) < mostOpinions && o.Limit >= leastOpinion && o.Limit <= mostOpinion {
			e.opinions[id] = o
		}
	}
	e.open, e.ended, e.unsaved = map[string]*Anomaly{}, nil, nil
	slices.SortStableFunc(k.Anomalies, func(a, b *Anomaly) int { return a.Last.Compare(b.Last) })
	for _, a := range k.Anomalies {
		pairs, ok := shownLabels(a.Watch, a.Labels)
		if !ok {
			continue
		}
		key := keyOf(pairs)
		a.seriesID, a.series = idOf(key), nil
		e.unsaved = append(e.unsaved, a)
		i := slices.IndexFunc(e.watches, func(w *watching) bool { return w.Name == a.Watch })
		if !a.Open || i < 0 || e.open[a.seriesID] != nil {
			if a.Open { // nobody watches it any more
				a.Open, e.dirty[anomalyKey+a.ID] = false, true
			}
			e.ended = append(e.ended, a)
			continue
		}
		e.open[a.seriesID] = a
		if s := e.watches[i].series[key]; s != nil {
			s.open, s.bad, a.series = a, a.Last, s
		}
	}
	for len(e.ended) > mostEnded {
		e.dirty[anomalyKey+e.ended[0].ID] = true
		e.ended = slices.Delete(e.ended, 0, 1)
	}
}

// keep is what the state is now. mu is held.
func (e *Engine) keep() memory {
	k := memory{Opinions: maps.Clone(e.opinions), Verdicts: e.verdicts}
	for _, a := range e.ended {
		c := a.copy()
		k.Anomalies = append(k.Anomalies, &c)
	}
	for _, a := range e.open {
		c := a.copy()
		k.Anomalies = append(k.Anomalies, &c)
	}
	return k
}

// keys lists where the state is. mu is held.
func (e *Engine) keys() (out []string) {
	out = append(out, verdictsKey)
	for id := range e.opinions {
		out = append(out, opinionKey+id)
	}
	for _, a := range e.ended {
		out = append(out, anomalyKey+a.ID)
	}
	for _, a := range e.open {
		out = append(out, anomalyKey+a.ID)
	}
	return out
}

// flush writes what has changed. After an error it is written the next time.
func (e *Engine) flush(ctx context.Context) error {
	if err := e.keeping.lock(ctx); err != nil {
		return err
	}
	defer e.keeping.unlock()
	e.mu.Lock()
	changes, err := e.changes()
	e.dirty = map[string]bool{}
	e.mu.Unlock()
	if e.config.state == nil || len(changes) == 0 {
		return err
	}
	part, size := map[string][]byte{}, 0
	left := slices.Sorted(maps.Keys(changes))
	for i, key := range left {
		part[key] = changes[key]
		size += len(key) + len(changes[key])
		if i < len(left)-1 && size < mostWrite && len(part) < mostKeys {
			continue
		}
		if err := e.writeState(ctx, part); err != nil {
			e.mu.Lock()
			for key := range part {
				e.dirty[key] = true
			}
			for _, key := range left[i+1:] {
				e.dirty[key] = true
			}
			e.mu.Unlock()
			return fmt.Errorf("write the state: %w", err)
		}
		part, size = map[string][]byte{}, 0
	}
	return err
}

func (e *Engine) writeState(ctx context.Context, changes map[string][]byte) (err error) {
	defer e.m.Guard("anomaly.State", &err)
	ctx, cancel := context.WithTimeout(ctx, stateTimeout)
	defer cancel()
	return e.config.state.Write(ctx, changes)
}

// changes encodes what is under the keys that are to be written: nothing of those
// that are no more. mu is held.
func (e *Engine) changes() (map[string][]byte, error) {
	if e.config.state == nil || len(e.dirty) == 0 {
		return nil, nil
	}
	anomalies := map[string]*Anomaly{}
	for _, a := range e.ended {
		anomalies[a.ID] = a
	}
	for _, a := range e.open {
		anomalies[a.ID] = a
	}
	out := make(map[string][]byte, len(e.dirty))
	var errs []error
	for key := range e.dirty {
		var v any
		switch {
		case key == verdictsKey:
			v = e.verdicts
		case strings.HasPrefix(key, opinionKey):
			if o, ok := e.opinions[strings.TrimPrefix(key, opinionKey)]; ok {
				v = o
			}
		default:
			if a := anomalies[strings.TrimPrefix(key, anomalyKey)]; a != nil {
				v = a
			}
		}
		if v == nil {
			out[key] = nil
			continue
		}
		value, err := json.Marshal(v)
		if err != nil {
			errs = append(errs, fmt.Errorf("encode %q: %w", key, err))
			continue
		}
		out[key] = value
	}
	return out, errors.Join(errs...)
}

// SnapshotName implements monitor.Snapshotter.
func (e *Engine) SnapshotName() string { return "anomaly" }

// archive is a snapshot.
type archive struct {
	Version int `json:"version"`
	memory
}

const archiveVersion = 1

// Snapshot implements monitor.Snapshotter: what was said of anomalies, and those that
// are open or have ended lately. Detectors are not in it: they are warmed up anew.
func (e *Engine) Snapshot(ctx context.Context, w io.Writer) error {
	if err := e.load(ctx); err != nil {
		return fmt.Errorf("anomaly: snapshot: %w", err)
	}
	e.mu.Lock()
	a := archive{archiveVersion, e.keep()}
	e.mu.Unlock()
	if err := json.NewEncoder(w).Encode(a); err != nil {
		return fmt.Errorf("anomaly: snapshot: %w", err)
	}
	return nil
}

// Verify implements monitor.Verifier.
func (e *Engine) Verify(_ context.Context, r io.Reader) error {
	if _, err := readArchive(r); err != nil {
		return fmt.Errorf("anomaly: verify: %w", err)
	}
	return nil
}

func readArchive(r io.Reader) (a archive, err error) {
	limited := &io.LimitedReader{R: r, N: mostSnapshot}
	err = json.NewDecoder(limited).Decode(&a)
	switch {
	case err != nil && limited.N <= 0:
		return a, fmt.Errorf("more than %d MiB: %w", mostSnapshot>>20, err)
	case err != nil:
		return a, err
	case a.Version != archiveVersion:
		return a, fmt.Errorf("version %d: want %d", a.Version, archiveVersion)
	case slices.Contains(a.Anomalies, nil):
		return a, errors.New("an anomaly is null")
	}
	return a, nil
}

// Restore implements monitor.Snapshotter.
func (e *Engine) Restore(ctx context.Context, r io.Reader) error {
	failed := func(err error) error { return fmt.Errorf("anomaly: restore: %w", err) }
	a, err := readArchive(r)
	if err != nil {
		return failed(err)
	}
	if err := e.detecting.lock(ctx); err != nil {
		return failed(err)
	}
	defer e.detecting.unlock()
	if err := e.load(ctx); err != nil {
		return failed(err)
	}
	e.mu.Lock()
	before := e.keep()
	e.touch()
	e.become(a.memory)
	e.touch()
	e.mu.Unlock()
	if err := e.flush(ctx); err != nil { // it is as it was, and is written so with the next Detect
		e.mu.Lock()
		e.touch()
		e.become(before)
		e.touch()
		e.mu.Unlock()
		return failed(err)
	}
	return nil
}

// touch has all of the state written. mu is held.
func (e *Engine) touch() {
	for _, key := range e.keys() {
		e.dirty[key] = true
	}
}
