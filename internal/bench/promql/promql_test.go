package main

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// short runs a part with as little as it takes, and returns what it prints.
func short(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	err := run(t.Context(), &out, args)
	if errors.Is(err, errNoServer) {
		t.Skip(err)
	}
	require.NoError(t, err)
	return out.String()
}

// Both sides evaluate the rules, and have alerts.
func TestRules(t *testing.T) {
	t.Parallel()
	out := short(t, "-part", "rules", "-series", "200", "-rules", "100", "-every", "1s", "-warm", "3s", "-measure", "3s")
	require.Contains(t, out, "different expressions, over 200 series every 1s")
	require.Regexp(t, `Alerts at the end: ours [1-9]\d*, the server's [1-9]`, out)
	require.Regexp(t, `CPU of a cycle.*\| +met`, out)
}

func TestCompression(t *testing.T) {
	t.Parallel()
	out := short(t, "-part", "compression", "-series", "200", "-live", "5s")
	require.Regexp(t, `live, ours +\| +\d{4}`, out)
	require.Regexp(t, `live, Prometheus +\| +\d{4}`, out)
}

// A day is asked for within what a month may take.
func TestQueries(t *testing.T) {
	out := short(t, "-part", "queries", "-series", "200", "-days", "1")
	require.Regexp(t, `1 days of a watched expression.*\| +met`, out)
}

func TestRefusals(t *testing.T) {
	for _, args := range [][]string{
		{"-part", "nonsense"},
		{"-series", "7"},
		{"-rules", "7"},
		{"-every", "0s"},
		{"-warm", "soon"},
		{"-days", "0"},
		{"-part", "rules", "-server", "/nothing"},
	} {
		require.Error(t, run(t.Context(), new(bytes.Buffer), args), "%v", args)
	}
}
