package pgstore

import "context"

// batch is rows to write, each key once: the last one given stands.
type batch[T any] struct {
	rows []T
	at   map[string]int
}

func newBatch[T any](n int) *batch[T] {
	return &batch[T]{rows: make([]T, 0, n), at: make(map[string]int, n)}
}

func (b *batch[T]) put(key string, row T) {
	if i, ok := b.at[key]; ok {
		b.rows[i] = row
		return
	}
	b.at[key] = len(b.rows)
	b.rows = append(b.rows, row)
}

// write does the statement, whose $3 are the rows as JSON, a chunk at a time.
func (b *batch[T]) write(ctx context.Context, s *Store, table, what, sql string) error {
	for rows := b.rows; len(rows) > 0; {
		n := min(chunk, len(rows))
		text, err := document(rows[:n])
		if err != nil {
			return failed(what, err)
		}
		var written int64
		if err := s.write(ctx, table, what, sql, []any{text}, []any{&written}); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}
