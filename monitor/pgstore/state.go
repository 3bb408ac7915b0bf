package pgstore

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/chronoretrace/chronomon/internal/journal"
)

// State is state by key in the table monitoring_state: what an engine keeps on
// disk otherwise. Its methods are those of the store that the engine declares.
// It is safe for concurrent use.
type State struct {
	store     *Store
	namespace string
}

var _ journal.Keyed = (*State)(nil)

// State returns the state of that name, 1 to 100 bytes: "alerting". Others have
// nothing to do with it.
func (s *Store) State(namespace string) (*State, error) {
	if namespace == "" || len(namespace) > 100 || !utf8.ValidString(namespace) || strings.IndexByte(namespace, 0) >= 0 {
		return nil, fmt.Errorf("pgstore: state: %w: a namespace of %d bytes: want 1 to 100, UTF-8 without NUL", ErrInvalid, len(namespace))
	}
	return &State{store: s, namespace: namespace}, nil
}

// Write makes the changes, all of them or none; a nil value deletes its key.
// Keys are UTF-8 without NUL, of 1 to 512 bytes, values have up to 1 MiB, and a
// write 10,000 keys and 8 MiB.
func (s *State) Write(ctx context.Context, changes map[string][]byte) error {
	const what = "write state"
	if err := journal.Validate(changes); err != nil {
		return failed(what, err)
	}
	if len(changes) == 0 {
		return nil
	}
	type row struct {
		Key   string `json:"key"`
		Value []byte `json:"value"` // base64; null for a deletion
	}
	rows := make([]row, 0, len(changes))
	for key, value := range changes {
		rows = append(rows, row{key, value})
	}
	text, err := document(rows)
	if err != nil {
		return failed(what, err)
	}
	var written int64
	return s.store.write(ctx, "monitoring_state", what, `
WITH {term}, r AS (
	SELECT x.key, decode(x.value, 'base64') AS value FROM jsonb_to_recordset($4::text::jsonb) AS x (key text, value text)
), deleted AS (
	DELETE FROM {schema}.monitoring_state s USING r, term
	WHERE s.namespace = $3::text AND s.key = r.key AND r.value IS NULL
	RETURNING 1
), put AS (
	INSERT INTO {schema}.monitoring_state (namespace, key, value, updated_at)
	SELECT $3::text, r.key, r.value, {now} FROM r, term WHERE r.value IS NOT NULL ORDER BY r.key COLLATE "C"
	ON CONFLICT (namespace, key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at
	RETURNING 1
) SELECT (SELECT count(*) FROM term), (SELECT count(*) FROM deleted) + (SELECT count(*) FROM put)`,
		[]any{s.namespace, text}, []any{&written})
}

// Range calls f for the keys that begin with prefix, in ascending order of their
// bytes. It reads some megabytes at a time, and has no connection while f runs;
// what is written meanwhile may be seen or not. An error of f ends it and is
// returned.
func (s *State) Range(ctx context.Context, prefix string, f func(key string, value []byte) error) error {
	type entry struct {
		key   string
		value []byte
	}
	text := prefix // what of it can be asked for: bytes that are no text are no key's
	if i := strings.IndexFunc(prefix, func(r rune) bool { return r == 0 || r == utf8.RuneError }); i >= 0 {
		text = prefix[:i]
	}
	for after := ""; ; {
		page, err := collect(ctx, s.store, "read state", nil, `
SELECT key, value FROM (
	SELECT key, value, sum(octet_length(value)) OVER (ORDER BY key) - octet_length(value) AS before FROM (
		SELECT key, value FROM {schema}.monitoring_state
		WHERE namespace = $1::text AND starts_with(key, $2::text) AND key >= $2::text AND key > $3::text
		ORDER BY key LIMIT 1000
	) AS next
) AS page WHERE before < 4194304 ORDER BY key`,
			[]any{s.namespace, text, after},
			func(row pgx.CollectableRow) (e entry, err error) {
				err = row.Scan(&e.key, &e.value)
				return e, err
			})
		if err != nil {
			return err
		}
		if len(page) == 0 {
			return nil
		}
		for _, e := range page {
			if !strings.HasPrefix(e.key, prefix) {
				continue
			}
			if err := f(e.key, e.value); err != nil {
				return err
			}
		}
		after = page[len(page)-1].key
	}
}
