//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package recordfile

import (
	"errors"
	"os"
	"syscall"
)

// lockFile opens and locks a file. The lock ends with the process, however it
// ends.
func lockFile(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err != syscall.EINTR { //nolint:errorlint // a plain errno
			break
		}
	}
	if err == nil {
		return file, nil
	}
	_ = file.Close()
	if err == syscall.EWOULDBLOCK { //nolint:errorlint // a plain errno
		return nil, ErrLocked
	}
	return nil, os.NewSyscallError("flock", err)
}

// unlockFile lets go of the lock and closes the file. To close it is not enough:
// a process that is just being started has a copy of it for a moment.
func unlockFile(file *os.File) error {
	return errors.Join(os.NewSyscallError("flock", syscall.Flock(int(file.Fd()), syscall.LOCK_UN)), file.Close())
}
