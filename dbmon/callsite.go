package dbmon

import (
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// layers are functions between the host's code and the tracer, by how their
// names begin.
var layers = []string{
	"github.com/chronoretrace/chronomon/dbmon.",
	"github.com/jackc/",
	"database/sql.",
	"runtime.",
	"sync.",
	"gorm.io/",
	"github.com/uptrace/bun",
	"github.com/jmoiron/sqlx",
	"github.com/georgysavva/scany",
	"entgo.io/ent/",
}

// maxFrames is how far up the stack the call site is looked for.
const maxFrames = 48

// callSite returns where the host's code came to the end of the running query:
// folder, file, line and function of the innermost frame that is not skipped.
func callSite(skip []string) string {
	var pcs [maxFrames]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		f, more := frames.Next()
		if f.Function != "" && !hasAnyPrefix(f.Function, skip) {
			dir, file := filepath.Split(f.File)
			fn := f.Function[strings.LastIndexByte(f.Function, '/')+1:]
			return filepath.Join(filepath.Base(dir), file) + ":" + strconv.Itoa(f.Line) + " " + fn
		}
		if !more {
			return ""
		}
	}
}

func hasAnyPrefix(s string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}
