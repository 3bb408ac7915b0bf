//go:build !(linux || darwin || freebsd || netbsd || openbsd)

package spill

import "os"

// lockFile opens the file. That the directory is one process's own is up to
// the host here.
func lockFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
}
