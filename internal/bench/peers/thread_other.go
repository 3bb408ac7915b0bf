//go:build !linux

package main

import (
	"runtime"
	"time"
)

var processStart = time.Now()

// A usage is the wall time where threads cannot be asked for their own.
type usage struct {
	cpu       time.Duration
	preempted int64
}

func threadUsage() usage { return usage{cpu: time.Since(processStart)} }

func processCPU() time.Duration { return time.Since(processStart) }

// serverCPU knows nothing: the wall time has it.
func serverCPU(int) time.Duration { return 0 }

// cpus numbers the CPUs; pin cannot hold a thread to one.
func cpus() []int {
	list := make([]int, runtime.NumCPU())
	for i := range list {
		list[i] = i
	}
	return list
}

func pin(int) error {
	runtime.LockOSThread()
	return nil
}
