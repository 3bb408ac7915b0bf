package main

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// A usage is what the calling thread has used since it began. Its goroutine
// must be locked to it.
type usage struct {
	cpu       time.Duration
	preempted int64 // how often another thread was put in its place
}

func threadUsage() usage {
	var ts unix.Timespec
	var ru unix.Rusage
	// Both fail only for arguments that the kernel does not know.
	_ = unix.Getrusage(unix.RUSAGE_THREAD, &ru)
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts)
	return usage{cpu: time.Duration(ts.Nano()), preempted: ru.Nivcsw}
}

// processCPU is the CPU time of all threads.
func processCPU() time.Duration {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts)
	return time.Duration(ts.Nano())
}

// serverCPU is the CPU time of another process, 0 if it cannot be asked.
func serverCPU(pid int) time.Duration {
	var ts unix.Timespec
	_ = unix.ClockGettime(int32(^pid<<3|2), &ts) // CPUCLOCK_SCHED of the process, see clock_getcpuclockid
	return time.Duration(ts.Nano())
}

// cpus lists the CPUs that this process may run on.
func cpus() []int {
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) != nil {
		return nil
	}
	var list []int
	for cpu := 0; len(list) < set.Count(); cpu++ {
		if set.IsSet(cpu) {
			list = append(list, cpu)
		}
	}
	return list
}

// pin locks the calling goroutine to a thread that runs on one CPU only. It is
// for goroutines that end without unlocking: the thread ends with them.
func pin(cpu int) error {
	runtime.LockOSThread()
	var set unix.CPUSet
	set.Set(cpu)
	return unix.SchedSetaffinity(0, &set)
}
