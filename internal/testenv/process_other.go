//go:build !linux

package testenv

import (
	"errors"
	"os/exec"
	"syscall"
)

// errLinux is why nothing starts here.
var errLinux = errors.New("servers are started on Linux only")

func reserveAddr() (addr string, release func(), err error) { return "", nil, errLinux }

type owner struct{}

func lookupOwner(string) (*owner, error)                 { return nil, errLinux }
func (*owner) give(string) error                         { return errLinux }
func (*owner) command(_ string, argv []string) *exec.Cmd { return exec.Command(argv[0], argv[1:]...) }

type process struct{ done chan struct{} }

func startProcess(*exec.Cmd, syscall.Signal, string) (*process, error) { return nil, errLinux }
func (*process) stop(syscall.Signal)                                   {}
func (*process) pause() error                                          { return errLinux }
func (*process) resume() error                                         { return errLinux }
