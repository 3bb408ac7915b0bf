//go:build unix

// Package cputime tells what a process has computed, which others on the machine do
// not change.
package cputime

import (
	"syscall"
	"time"
)

// Spent is how long this process has computed.
func Spent() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
