package spill_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/spill"
)

// FuzzFile opens a directory with any file in it: it is a batch whole, or none.
func FuzzFile(f *testing.F) {
	dir := f.TempDir()
	q, err := spill.Open(dir, 1<<20, func(string, int) {})
	require.NoError(f, err)
	require.NoError(f, q.Append(time.Now(), [][]byte{[]byte("a"), {}}))
	require.NoError(f, q.Close())
	files, err := filepath.Glob(filepath.Join(dir, "*.batch"))
	require.NoError(f, err)
	data, err := os.ReadFile(files[0])
	require.NoError(f, err)
	name := filepath.Base(files[0])
	f.Add(data)
	f.Add(data[:20])
	f.Fuzz(func(t *testing.T, file []byte) {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), file, 0o600))
		lost := 0
		q, err := spill.Open(dir, 1<<20, func(_ string, n int) { lost += n })
		require.NoError(t, err)
		defer q.Close()
		b, err := q.Oldest()
		if err != nil {
			require.ErrorIs(t, err, spill.ErrEmpty)
			require.Equal(t, 2, lost)
			return
		}
		require.Len(t, b.Items, 2)
	})
}
