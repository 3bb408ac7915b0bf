package keypattern_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chronoretrace/chronomon/internal/keypattern"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func extractor(t testing.TB, change func(*keypattern.Config)) *keypattern.Extractor {
	t.Helper()
	c := keypattern.Config{Limit: 100, Crowd: 30}
	if change != nil {
		change(&c)
	}
	x, err := keypattern.New(c)
	require.NoError(t, err)
	return x
}

func find(x *keypattern.Extractor, key string) string {
	var sc keypattern.Scratch
	return x.Find(&sc, key).Name
}
