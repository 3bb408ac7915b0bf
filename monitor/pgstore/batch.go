package pgstore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/chronoretrace/chronomon/internal/pgerror"
)

const (
	chunk      = 1000    // how many rows one statement writes at most
	chunkBytes = 4 << 20 // and from how many bytes on it takes no further one
	maxRow     = 4 << 20 // bytes of a row, and of a configuration
	maxReasons = 10      // how many rows an error tells of
)

// batch is rows to write, each key once: the last one given stands. A row that
// cannot be written is rejected, and does not keep the others from it.
type batch struct {
	table, what, arg string // "alert_history", "save alerts", "alerts"
	rows             []row
	at               map[string]int
	rejected         int
	reasons          []error
}

// row is the n-th argument: what becomes JSON, or what is JSON already.
type row struct {
	n     int
	value any
	text  string
}

func newBatch(table, what, arg string, n int) *batch {
	return &batch{table: table, what: what, arg: arg, rows: make([]row, 0, n), at: make(map[string]int, n)}
}

func (b *batch) put(n int, key string, value any, c checker) {
	if err := c.err(); err != nil {
		b.reject(n, err)
		return
	}
	if i, ok := b.at[key]; ok {
		b.rows[i] = row{n: n, value: value}
		return
	}
	b.at[key] = len(b.rows)
	b.rows = append(b.rows, row{n: n, value: value})
}

func (b *batch) reject(n int, err error) {
	if b.rejected++; b.rejected <= maxReasons {
		b.reasons = append(b.reasons, fmt.Errorf("%s[%d]: %w", b.arg, n, err))
	}
}

// write does the statement, whose $3 are the rows as JSON, a chunk at a time.
func (b *batch) write(ctx context.Context, s *Store, sql string) error {
	defer func() { s.metrics.rejectedRows(b.table, b.rejected) }()
	var rows []row
	size := 0
	for i, r := range b.rows {
		text, err := bounded(r.value)
		if err != nil {
			b.reject(r.n, err)
		} else {
			rows = append(rows, row{n: r.n, text: text})
			size += len(text)
		}
		if len(rows) == chunk || size >= chunkBytes || i == len(b.rows)-1 {
			if err := b.halve(ctx, s, sql, rows); err != nil {
				return failed(b.what, err)
			}
			rows, size = rows[:0], 0
		}
	}
	if b.rejected == 0 {
		return nil
	}
	if more := b.rejected - len(b.reasons); more > 0 {
		b.reasons = append(b.reasons, fmt.Errorf("and %d more", more))
	}
	return fmt.Errorf("pgstore: %s: %w", b.what, errors.Join(b.reasons...))
}

// halve writes rows. If the server refuses them it is for one of them as a rule,
// which is found by halves: that takes two statements a row at the very most.
func (b *batch) halve(ctx context.Context, s *Store, sql string, rows []row) error {
	if len(rows) == 0 {
		return nil
	}
	texts := make([]string, len(rows))
	for i, r := range rows {
		texts[i] = r.text
	}
	var written int64
	err := s.do(ctx, b.table, sql, []any{"[" + strings.Join(texts, ",") + "]"}, []any{&written})
	switch {
	case !refused(err):
		return err
	case len(rows) == 1:
		b.reject(rows[0].n, invalid(err))
		return nil
	}
	half := len(rows) / 2
	if err := b.halve(ctx, s, sql, rows[:half]); err != nil {
		return err
	}
	return b.halve(ctx, s, sql, rows[half:])
}

// bounded is a document of what one row may have.
func bounded(v any) (string, error) {
	text, err := document(v)
	if err == nil && len(text) > maxRow {
		err = fmt.Errorf("%w: %d bytes of JSON: want %d at most", ErrInvalid, len(text), maxRow)
	}
	return text, err
}

// refused reports whether a statement failed because of what is to be written:
// JSON that jsonb has not, or what a host's own constraint does not take.
func refused(err error) bool {
	switch code := pgerror.Code(err); code {
	case "54000", "54001": // larger, or deeper, than the server can take
		return true
	default:
		return strings.HasPrefix(code, "22") || strings.HasPrefix(code, "23")
	}
}

// invalid says of an error that is refused that the value is why.
func invalid(err error) error { return fmt.Errorf("%w: %w", ErrInvalid, pgerror.Plain(err)) }
