package apimon_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/httpcases"
	"github.com/chronoretrace/chronomon/internal/httpcases/ours"
)

func TestBehaviourOverARealServer(t *testing.T) {
	t.Parallel()
	for _, c := range httpcases.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			f := c.Run(t.Context(), ours.Subject)
			require.Equal(t, httpcases.Right, f.Verdict, f.String())
		})
	}
}
