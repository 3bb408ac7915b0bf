package pgstore_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor/pgstore"
)

func TestDiff(t *testing.T) {
	t.Parallel()
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	for name, tc := range map[string]struct {
		before, after string
		want          []pgstore.Change
	}{
		"same":     {`{"a": [1, {"b": null}]}`, `{"a":[1,{"b":null}]}`, nil},
		"whole":    {`1`, `{"a": 1}`, []pgstore.Change{{"", raw(`1`), raw(`{"a":1}`)}}},
		"kinds":    {`{"a": []}`, `{"a": {}}`, []pgstore.Change{{"/a", raw(`[]`), raw(`{}`)}}},
		"null":     {`{"a": null}`, `{"b": null}`, []pgstore.Change{{"/a", raw(`null`), nil}, {"/b", nil, raw(`null`)}}},
		"elements": {`[1, 2, 3]`, `[1, 4]`, []pgstore.Change{{"/1", raw(`2`), raw(`4`)}, {"/2", raw(`3`), nil}}},
		"pointer":  {`{"a/b~": 1}`, `{"a/b~": 2}`, []pgstore.Change{{"/a~1b~0", raw(`1`), raw(`2`)}}},
		"numbers":  {`{"n": 12345678901234567890}`, `{"n": 12345678901234567891}`, []pgstore.Change{{"/n", raw(`12345678901234567890`), raw(`12345678901234567891`)}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := pgstore.Diff(raw(tc.before), raw(tc.after))
			require.NoError(t, err)
			require.Equal(t, tc.want, got)
		})
	}
}

func FuzzDiff(f *testing.F) {
	f.Add(`{"a": [1, 2]}`, `{"a": {"b": 1}}`)
	f.Fuzz(func(t *testing.T, a, b string) {
		changes, err := pgstore.Diff(json.RawMessage(a), json.RawMessage(b))
		if err != nil {
			return
		}
		back, err := pgstore.Diff(json.RawMessage(b), json.RawMessage(a))
		require.NoError(t, err)
		require.Len(t, back, len(changes))
		for i, c := range changes {
			require.Equal(t, pgstore.Change{Path: c.Path, Before: c.After, After: c.Before}, back[i])
		}
		same, err := pgstore.Diff(json.RawMessage(a), json.RawMessage(a))
		require.NoError(t, err)
		require.Empty(t, same)
	})
}
