//go:build !unix

// Package cputime tells what a process has computed, which others on the machine do
// not change.
package cputime

import "time"

var started = time.Now()

// Spent is the time that has passed: nothing better is known here.
func Spent() time.Duration { return time.Since(started) }
