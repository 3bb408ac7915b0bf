//go:build !unix

package main

import "time"

var started = time.Now()

// cpuTime is the time that passes, where nothing better is known.
func cpuTime() time.Duration { return time.Since(started) }
