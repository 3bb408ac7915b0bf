package main

import (
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// garbageLimit is how much garbage may pile up between two collections.
const garbageLimit = 128 << 20

// holdGC switches the collector off until the returned function is called: a
// peer must not pay for another's garbage, so it is collected between timed
// blocks, by collect. What an allocating peer shows is therefore its own
// thread's time; in a service the collector costs it about as much again.
func holdGC() (release func()) {
	percent := debug.SetGCPercent(-1)
	limit := debug.SetMemoryLimit(8 << 30) // for a host that is not this large
	return func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}
}

var heapObjects = []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}

// collect runs the collector if there is enough garbage. It is not safe for
// concurrent use.
func collect() {
	metrics.Read(heapObjects)
	if heapObjects[0].Value.Uint64() > garbageLimit {
		runtime.GC()
	}
}

// live is the heap in use after a full collection.
func live() int64 {
	runtime.GC()
	runtime.GC() // what finalizers and pools let go of in the first one
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// allocated runs f and returns the bytes and objects that it allocated, per
// each of its n steps, rounded down as testing.AllocsPerRun does.
func allocated(n int, f func()) (bytes, objects float64) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer holdGC()()
	runtime.GC()
	f() // fills pools and caches
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	each := func(before, after uint64) float64 { return math.Floor(float64(after-before) / float64(n)) }
	return each(before.TotalAlloc, after.TotalAlloc), each(before.Mallocs, after.Mallocs)
}
