package dbmon

import (
	"sync/atomic"

	"github.com/chronoretrace/chronomon/internal/sqltext"
)

// statement is what is known of one SQL text.
type statement struct {
	target *target
	typ    string
	table  string // as written; "" for none
	hash   string
	text   string                // only if asked for
	stats  atomic.Pointer[stats] // shared with texts that differ by literals only
}

// analyze makes the statement of a text that is seen for the first time.
func (t *Tracer) analyze(sql string) *statement {
	info := sqltext.Analyze(sql)
	s := &statement{target: t.metrics.target(info.Type, info.Table), typ: info.Type, table: info.Table, hash: info.Hash}
	if t.text {
		s.text = info.Text
	}
	s.stats.Store(t.top.admit(s, nil))
	return s
}

// statement finds the statement of a text or of a prepared statement's name.
func (t *Tracer) statement(s *state, sql string) *statement {
	if s.prepared != nil {
		if st := s.prepared.find(sql); st != nil {
			return st
		}
	}
	return t.statements.Get(sql)
}
