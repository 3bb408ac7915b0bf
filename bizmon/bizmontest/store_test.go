package bizmontest_test

import (
	"context"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/chronoretrace/chronomon/bizmon"
	"github.com/chronoretrace/chronomon/bizmon/bizmontest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is the simplest store there is.
type memory struct {
	mu          sync.Mutex
	fingerprint string                    // guarded by mu
	kept        map[string]*bizmon.Sketch // guarded by mu
}

func (m *memory) Join(_ context.Context, fingerprint string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fingerprint == "" {
		m.fingerprint = fingerprint
	}
	if m.fingerprint != fingerprint {
		return bizmon.ErrOtherKey
	}
	return nil
}

func (m *memory) Merge(_ context.Context, sketches []bizmon.StoredSketch) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range sketches {
		if m.kept[s.Key] == nil {
			m.kept[s.Key] = &bizmon.Sketch{}
		}
		m.kept[s.Key].Merge(s.Sketch)
	}
	return nil
}

func (m *memory) Load(_ context.Context, keys []string) ([]*bizmon.Sketch, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]*bizmon.Sketch, len(keys))
	for i, k := range keys {
		if m.kept[k] != nil {
			out[i] = m.kept[k].Clone()
		}
	}
	return out, nil
}

func TestSketchStore(t *testing.T) {
	t.Parallel()
	bizmontest.TestSketchStore(t, func(testing.TB) func() bizmon.SketchStore {
		m := &memory{kept: map[string]*bizmon.Sketch{}}
		return func() bizmon.SketchStore { return m }
	})
}
