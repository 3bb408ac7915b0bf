package sqltext

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEverySpellingIsFound(t *testing.T) {
	t.Parallel()
	all := 0
	for k, words := range spellings {
		for word := range strings.FieldsSeq(words) {
			for _, sql := range []string{word, strings.ToUpper(word), strings.ToUpper(word[:1]) + word[1:]} {
				var found token
				s := scanner{src: sql}
				s.next(&found)
				require.Equal(t, keyword(k), found.keyword, sql)
			}
			all++
		}
	}
	require.Less(t, all, len(dictionary)/3, "the dictionary is too full to be quick")
}
