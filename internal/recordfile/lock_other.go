//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd || windows)

package recordfile

import "os"

// lockFile opens the file. There are no locks here that end with the process:
// it is the host's to start one writer.
func lockFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
}

// unlockFile closes the file.
func unlockFile(file *os.File) error { return file.Close() }
