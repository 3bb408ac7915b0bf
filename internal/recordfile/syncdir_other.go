//go:build !windows

package recordfile

import (
	"errors"
	"os"
	"syscall"
)

// syncDir makes the names in a directory durable, where the file system can.
func syncDir(path string) error {
	syncing(path)
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL) {
		err = nil
	}
	return errors.Join(err, d.Close())
}
