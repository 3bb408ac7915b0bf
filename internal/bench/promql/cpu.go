package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// cpu is the CPU time of all threads of this process, the garbage collector's
// included: the machine may be busy with other things.
func cpu() time.Duration {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts) // fails for a clock that the kernel does not know
	return time.Duration(ts.Nano())
}

// milliseconds prints a duration.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
