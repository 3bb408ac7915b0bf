package bizmon

import (
	"strings"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
)

// mostFeatures is how many features may be told apart: the table of journeys
// has the square of it.
const mostFeatures = 1000

// none is the feature of a session that has used none yet.
const none = -1

// feature is one value of the feature label.
type feature struct {
	id   int32 // counts from 1; 0 is "other"
	name string
	cell *instrument.Cell
}

// features are the features that are told apart.
type features struct {
	core     *core
	table    lookup[string, *feature]
	most     int
	closed   bool // the host has listed them
	other    *feature
	overflow *instrument.Cell
	next     int32 // guarded by table.mu
}

func (c *config) featureCount() int {
	if len(c.features) > 0 {
		return len(c.features)
	}
	return c.featureLimit
}

func newFeatures(c *core) *features {
	fs := &features{core: c, most: c.config.featureCount(), closed: len(c.config.features) > 0}
	if c.m.Off() {
		return fs
	}
	fs.other = &feature{0, instrument.Other, c.in.features.Cell(instrument.Other)}
	fs.overflow = c.in.overflowed(catalog.FeatureUses, "feature")
	for _, name := range c.config.features {
		fs.make(name)
	}
	return fs
}

func (fs *features) find(name string) *feature {
	if f, ok := fs.table.get(name); ok {
		return f
	}
	if name == "" || name == instrument.Other || fs.closed {
		return fs.other
	}
	if len(name) <= mostName {
		if f, ok := fs.make(name); ok {
			return f
		}
	}
	add(fs.overflow, 0, 1)
	return fs.other
}

func (fs *features) make(name string) (*feature, bool) {
	if fs.table.full(fs.most) {
		return nil, false
	}
	return fs.table.getOrMake(name, fs.most, func() (string, *feature) {
		name = strings.Clone(name)
		fs.next++
		return name, &feature{fs.next, name, fs.core.in.features.Cell(name)}
	})
}
