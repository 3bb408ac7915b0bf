package history

import (
	"maps"
	"sync"
)

// Metadata says what a metric is.
type Metadata struct {
	Type string // counter, gauge, histogram, gaugehistogram, summary or unknown
	Help string
}

// metadata is kept of every metric that was collected, up to a number and a size
// that no registry has at a time.
type metadata struct {
	disk *disk // nil: in memory only

	mu       sync.RWMutex
	families map[string]Metadata // guarded by mu, as all below
	bytes    int                 // of all their texts
}

const (
	maxMetadata      = 20_000
	maxMetadataBytes = 8 << 20
)

func (md *metadata) add(name, typ, help string) {
	now := Metadata{typ, help}
	md.mu.RLock()
	old, ok := md.families[name]
	md.mu.RUnlock()
	if ok && old == now {
		return
	}
	md.mu.Lock()
	defer md.mu.Unlock()
	if md.put(name, now) {
		md.disk.metadata(name, now)
	}
}

// put reports whether there was room. mu is held.
func (md *metadata) put(name string, m Metadata) bool {
	old, known := md.families[name]
	size := md.bytes + len(m.Type) + len(m.Help) - len(old.Type) - len(old.Help)
	if !known {
		size += len(name)
	}
	if size > maxMetadataBytes || (!known && len(md.families) == maxMetadata) {
		return false
	}
	md.families[name], md.bytes = m, size
	return true
}

// merge adds what another one knows beside it.
func (md *metadata) merge(other *metadata) {
	md.mu.Lock()
	defer md.mu.Unlock()
	for name, m := range other.families {
		if _, known := md.families[name]; !known {
			md.put(name, m)
		}
	}
}

// Metadata returns what is known of each metric that was collected, by name.
func (db *DB) Metadata() map[string]Metadata {
	db.metadata.mu.RLock()
	defer db.metadata.mu.RUnlock()
	return maps.Clone(db.metadata.families)
}
