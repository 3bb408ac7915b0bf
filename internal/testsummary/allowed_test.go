package main

import (
	"os"
	"path"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReadAllowed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]allowance{
		"":                                nil,
		"# nothing\n\n":                   nil,
		"TestA  it has a reason\nB* so\n": {"TestA", "B*"},
	} {
		got, err := readAllowed(write(t, text))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}

	_, err := readAllowed(write(t, "TestA\n"))
	require.ErrorContains(t, err, "a reason is missing")
	_, err = readAllowed(write(t, "Test[ it has a reason\n"))
	require.ErrorIs(t, err, path.ErrBadPattern)
	_, err = readAllowed(filepath.Join(t.TempDir(), "absent"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestAllows(t *testing.T) {
	t.Parallel()
	r := newReport(nil, []allowance{"TestA", "TestB/x*", "*Alloc*"})
	for test, want := range map[string]bool{
		"TestA":            true,
		"TestA/sub/sub":    true,
		"TestAB":           false,
		"TestB":            false,
		"TestB/xy":         true,
		"TestB/xy/sub":     true,
		"TestB/y":          false,
		"TestRecordAllocs": true,
	} {
		require.Equal(t, want, r.allows(test), test)
	}
}

func write(t *testing.T, text string) (name string) {
	t.Helper()
	name = filepath.Join(t.TempDir(), "allowed.txt")
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	return name
}
