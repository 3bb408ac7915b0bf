package elastic_test

import (
	"encoding/json"
	"log/slog"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Keys of which Elasticsearch has no two, and none that it refuses, in groups
// and in what marshals itself: the stand-in complains otherwise.
func TestKeys(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("k", 255)
	pairs := []any{
		"\xb0", 1, "\xaf", 2, "\uFFFD", 3, // all of them the same
		"a\x00", 4, "a\uFFFD", 5,
		"", 6, "_", 7,
		"b_2", 8, "b", 9, "b", 10,
		long + "é", 11, long, 12, // is cut before the é
		"pass\x00word", "p1", "Password\xff", "p2", "pass/word:", "p3",
	}
	want := map[string]any{
		"\uFFFD": 1., "\uFFFD_2": 2., "\uFFFD_3": 3., "a\uFFFD": 4., "a\uFFFD_2": 5., "_": 6., "__2": 7., "b_2": 8., "b": 9., "b_3": 10.,
		long: 11., long + "_2": 12.,
		"pass\uFFFDword": "[redacted]", "Password\uFFFD": "[redacted]", "pass/word:": "[redacted]",
	}
	var raw strings.Builder // a host's own marshaller may repeat a key
	tree := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		key, err := json.Marshal(pairs[i])
		require.NoError(t, err)
		value, err := json.Marshal(pairs[i+1])
		require.NoError(t, err)
		raw.WriteString("," + string(key) + ":" + string(value))
		tree[pairs[i].(string)] = pairs[i+1]
	}
	got := attributes(t, func(l *slog.Logger) {
		l.Info("x", slog.Group("group", pairs...), "map", tree, "list", []any{tree, json.RawMessage("{" + raw.String()[1:] + "}")})
	})
	require.Equal(t, want, got["group"])
	list := got["list"].([]any)
	require.Equal(t, want, list[1])
	require.Equal(t, got["map"], list[0])
	require.Len(t, got["map"], len(want)-1, "a map has one b: nothing else is lost")
	require.NotContains(t, got["map"].(map[string]any), "b_3")
}

// TestMarshalledBounds: the bounds of groups are those of what marshals itself.
func TestMarshalledBounds(t *testing.T) {
	t.Parallel()
	many := map[string]int{}
	for i := range 300 {
		many[strconv.Itoa(i)] = i
	}
	nested := json.RawMessage(`{"a":[1,{"b":[[[[[{"c":1},2]]]],{"token":{"d":["x"]}}]}],"e":[true,null,1e300,"password=x"],"f":{},"g":[]}`)
	got := attributes(t, func(l *slog.Logger) {
		l.Info("x", "nul", "a\x00b", "many", many, "nested", nested, "long", json.RawMessage(`"`+strings.Repeat("x", 40<<10)+`"`))
	})
	require.Len(t, got["many"], 256)
	require.Equal(t, "a\uFFFDb", got["nul"])
	text, err := json.Marshal(got["nested"])
	require.NoError(t, err)
	require.JSONEq(t, `{"a":[1,{"b":[[[[["[too deep]",2]]]],{"token":"[redacted]"}]}],"e":[true,null,1e300,"password=[redacted]"],"f":{},"g":[]}`, string(text))
	require.Equal(t, "json.RawMessage", got["long"])
}
