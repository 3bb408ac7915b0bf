package recordfile

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSnapshotIsNotDurable: one whose name may be gone after a crash is none.
//
//nolint:paralleltest // it is the package's
func TestSnapshotIsNotDurable(t *testing.T) {
	d := Dir(t.TempDir())
	durable = func(string) error { return os.ErrInvalid }
	defer func() { durable = syncDir }()
	require.ErrorIs(t, d.WriteSnapshot(7, func(*os.File) error { return nil }), os.ErrInvalid)
	found, err := d.List()
	require.NoError(t, err)
	require.Empty(t, found.Snapshots)
}
