package monitor

import (
	"log/slog"
	"maps"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
)

// maxLogSites bounds the table of lines that log. A program has no more of them
// than it has calls; only records made by hand could have more.
const maxLogSites = 1 << 14

// logSites counts records by where they were made. A record that comes again
// costs one look-up in a map that is never written to.
type logSites struct {
	records *instrument.Group   // nil: not counted
	limiter *instrument.Limiter // lets lines pass; counts nothing
	over    *instrument.Limiter // lets none pass; counts each record of theirs

	rest logBudget // of the lines past maxLogSites

	known atomic.Pointer[map[logSiteKey]*logSite]
	mu    sync.Mutex // held to replace known
}

type logSiteKey struct {
	pc    uintptr
	level string
}

// logSite is a line of code that logs, with a level.
type logSite struct {
	source string // "api/quote.go:42"
	own    bool   // the SDK's own line
	cell   *instrument.Cell
	over   *instrument.Limiter // nil: within the limit
	events *logBudget
}

// newLogSites returns the registry's lines of code, with the first caller's
// limit. With the error come sites that count nothing.
func newLogSites(set *instrument.Set, limit int) (*logSites, error) {
	s, err := instrument.Share(set, "log", func() (*logSites, error) {
		g, err := set.Counters(catalog.LogMessages)
		if err != nil {
			return nil, err
		}
		if limit < 1 {
			limit = set.LabelLimit()
		}
		return &logSites{
			records: g, limiter: instrument.NewLimiter(limit, func() {}),
			over: set.Limiter(catalog.LogMessages.Name, "source", 0),
		}, nil
	})
	if err != nil {
		s = &logSites{}
	}
	if s.known.Load() == nil {
		s.known.CompareAndSwap(nil, &map[logSiteKey]*logSite{})
	}
	return s, err
}

func (s *logSites) find(pc uintptr, level slog.Level) *logSite {
	key := logSiteKey{pc, levelName(level)}
	if site := (*s.known.Load())[key]; site != nil {
		return site
	}
	return s.add(key)
}

func (s *logSites) add(key logSiteKey) *logSite {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := *s.known.Load()
	if site := known[key]; site != nil {
		return site
	}
	site := s.resolve(key)
	if len(known) < maxLogSites {
		site.events = new(logBudget)
		grown := maps.Clone(known)
		grown[key] = site
		s.known.Store(&grown)
	}
	return site
}

func (s *logSites) resolve(key logSiteKey) *logSite {
	site := &logSite{source: "unknown", events: &s.rest}
	if key.pc != 0 {
		frame, _ := runtime.CallersFrames([]uintptr{key.pc}).Next()
		site.source = shortFile(frame.File) + ":" + strconv.Itoa(frame.Line)
		site.own = ownCode(frame.Function)
	}
	if s.records == nil {
		return site
	}
	source := s.limiter.Value(site.source)
	if source != site.source {
		site.over = s.over
	}
	site.cell = s.records.Cell(key.level, source)
	return site
}

// count counts one record of the site.
func (s *logSite) count() {
	if s.cell == nil {
		return
	}
	s.cell.Add(&instrument.Home{}, 0, 1)
	if s.over != nil {
		s.over.Allow(s.source)
	}
}

// levelName is the label of a level: the name of the one at or below it.
func levelName(l slog.Level) string {
	switch {
	case l < slog.LevelInfo:
		return "debug"
	case l < slog.LevelWarn:
		return "info"
	case l < slog.LevelError:
		return "warn"
	}
	return "error"
}

// shortFile is the file with its directory's last part.
func shortFile(path string) string {
	if path == "" {
		return "unknown"
	}
	file := strings.LastIndexByte(path, '/')
	return path[strings.LastIndexByte(path[:max(0, file)], '/')+1:]
}

const modulePath = "github.com/chronoretrace/chronomon"

// ownCode reports whether a function is the SDK's. Its tests and examples are
// not: they stand for a host.
func ownCode(function string) bool {
	rest, ok := strings.CutPrefix(function, modulePath)
	if !ok || rest == "" || (rest[0] != '/' && rest[0] != '.') || strings.HasPrefix(rest, "/examples/") {
		return false
	}
	last := rest[strings.LastIndexByte(rest, '/')+1:]
	pkg, _, _ := strings.Cut(last, ".")
	return !strings.HasSuffix(pkg, "_test")
}
