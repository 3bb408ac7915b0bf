package monitor

import (
	"context"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/chronoretrace/chronomon/internal/instrument"
)

// Kinds of change markers. Others may be used; past the label limit they are
// counted as "other".
const (
	MarkDeploy   = "deploy"
	MarkConfig   = "config"
	MarkRecovery = "recovery"
)

// Mark is a note that something was changed at a moment: what charts show as
// a vertical line and explanations look for first.
type Mark struct {
	Time time.Time
	Kind string
	Text string
}

// keepMarks is how many change markers are kept in memory.
const keepMarks = 256

type marks struct {
	mu   sync.Mutex
	list []Mark // guarded by mu; oldest first, at most keepMarks
}

// Mark notes a change: it is kept in memory, counted in change_markers_total
// (a deploy in deployment_total too) and recorded as an event with the attribute
// text. [Monitor.Run] marks the start of the build by itself, as a deploy: each
// start of the process counts.
func (m *Monitor) Mark(ctx context.Context, kind, text string) {
	if m.off {
		return
	}
	mark := Mark{Time: m.Now(), Kind: kind, Text: text}
	m.marks.mu.Lock()
	if len(m.marks.list) == keepMarks {
		m.marks.list = slices.Delete(m.marks.list, 0, 1)
	}
	m.marks.list = append(m.marks.list, mark)
	m.marks.mu.Unlock()

	var home instrument.Home
	m.markers.Cell(kind).Add(&home, 0, 1)
	if kind == MarkDeploy {
		m.deployments.Cell().Add(&home, 0, 1)
	}
	if m.Enabled(KindMark) {
		e := Event{Time: mark.Time, Kind: KindMark, Name: kind}
		e.Add(slog.String("text", text))
		if c := CallerFrom(ctx); c != nil {
			e.Add(slog.String("caller", c.CallerName()))
		}
		m.Record(e)
	}
}

// Marks returns the newest change markers, oldest first, at most 256.
func (m *Monitor) Marks() []Mark {
	m.marks.mu.Lock()
	defer m.marks.mu.Unlock()
	return slices.Clone(m.marks.list)
}

// markStart marks the start of this build as a deploy.
func (m *Monitor) markStart(ctx context.Context) {
	text := m.build.version
	if m.build.revision != "" {
		text += " " + m.build.revision
	}
	m.Mark(ctx, MarkDeploy, m.build.service+" "+text)
}

// build is what is known of the host's program.
type build struct{ service, version, revision, goVersion string }

func readBuild(service, version string) build {
	b := build{service: service, version: version}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.goVersion = info.GoVersion
	if b.service == "" {
		b.service = info.Path
	}
	if b.version == "" {
		b.version = info.Main.Version
	}
	dirty := ""
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.revision = s.Value
		case "vcs.modified":
			if s.Value == "true" {
				dirty = "+dirty"
			}
		}
	}
	if b.revision != "" {
		b.revision += dirty
	}
	return b
}
