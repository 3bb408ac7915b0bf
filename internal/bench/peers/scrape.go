package main

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"runtime"
	"strconv"
	"time"
)

// 589 endpoints have 10,013 samples: 12 buckets, +Inf, sum, count, counter, gauge.
const (
	scrapeEndpoints = 589
	heapEndpoints   = 5000
	scrapeAllocRuns = 10
)

// A scrape is what it costs to show a store once, in one encoding.
type scrape struct {
	store   string
	gzip    bool
	samples int
	size    int       // bytes on the wire
	cpu     []float64 // ms per scrape, all threads
	bytes   float64
	allocs  float64
	show    func()
}

// measureScrapes takes all stores and encodings in turn.
func measureScrapes(d time.Duration) ([]*scrape, error) {
	var list []*scrape
	for _, s := range stores() {
		h, err := s.fill(scrapeEndpoints)
		if err != nil {
			return nil, fmt.Errorf("fill %s: %w", s.name, err)
		}
		n, err := samples(h)
		if err != nil {
			return nil, fmt.Errorf("show %s: %w", s.name, err)
		}
		for _, gzip := range []bool{false, true} {
			if sc := newScrape(s.name, h, n, gzip); sc != nil {
				list = append(list, sc)
			}
		}
	}
	defer holdGC()()
	runtime.GC()
	for end := time.Now().Add(d); time.Now().Before(end); {
		for _, sc := range list {
			from := processCPU()
			sc.show()
			sc.cpu = append(sc.cpu, float64(processCPU()-from)/1e6)
		}
		collect()
	}
	return list, nil
}

// newScrape returns nil for a store that does not compress.
func newScrape(name string, h http.Handler, samples int, gzip bool) *scrape {
	r := metricsRequest()
	if gzip {
		r.Header.Set("Accept-Encoding", "gzip")
	}
	sc := &scrape{store: name, gzip: gzip, samples: samples}
	w := &sink{header: make(http.Header)}
	sc.show = func() {
		clear(w.header)
		w.bytes = 0
		h.ServeHTTP(w, r)
	}
	sc.bytes, sc.allocs = allocated(scrapeAllocRuns, func() {
		for range scrapeAllocRuns {
			sc.show()
		}
	})
	sc.size = w.bytes
	if gzip && w.header.Get("Content-Encoding") != "gzip" {
		return nil
	}
	return sc
}

// A footprint is the heap that one endpoint of a store takes.
type footprint struct {
	store string
	bytes float64
}

func measureHeap() ([]footprint, error) {
	var list []footprint
	for _, s := range stores() {
		if _, err := s.fill(10); err != nil { // what is made once
			return nil, fmt.Errorf("fill %s: %w", s.name, err)
		}
		before := live()
		h, err := s.fill(heapEndpoints)
		if err != nil {
			return nil, fmt.Errorf("fill %s: %w", s.name, err)
		}
		if _, err := samples(h); err != nil { // what a first scrape makes stays
			return nil, fmt.Errorf("show %s: %w", s.name, err)
		}
		list = append(list, footprint{s.name, float64(live()-before) / heapEndpoints})
		runtime.KeepAlive(h)
	}
	return list, nil
}

func printScrapes(w io.Writer, list []*scrape) {
	t := table{head: []string{"scrape", "samples", "KB", "CPU ms, median", "first decile", "÷ client_golang", "B/op", "allocs/op"}, numbers: 7}
	for _, sc := range list {
		name := sc.store
		if sc.gzip {
			name += ", gzip"
		}
		t.add(name, strconv.Itoa(sc.samples), strconv.Itoa(sc.size/1000), fmt.Sprintf("%.2f", median(sc.cpu)), fmt.Sprintf("%.2f", quantile(sc.cpu, 0.1)),
			ratio(median(sc.cpu), cpuOf(list, clientStore, sc.gzip)), fmt.Sprintf("%.0f", sc.bytes), fmt.Sprintf("%.0f", sc.allocs))
	}
	t.print(w)
}

func printHeap(w io.Writer, list []footprint) {
	t := table{head: []string{fmt.Sprintf("heap per endpoint, of %d", heapEndpoints), "bytes", "÷ client_golang"}, numbers: 2}
	for _, f := range list {
		t.add(f.store, fmt.Sprintf("%.0f", f.bytes), ratio(f.bytes, heapOf(list, clientStore)))
	}
	t.print(w)
}

func cpuOf(list []*scrape, store string, gzip bool) float64 {
	for _, sc := range list {
		if sc.store == store && sc.gzip == gzip {
			return median(sc.cpu)
		}
	}
	return math.NaN()
}

func heapOf(list []footprint, store string) float64 {
	for _, f := range list {
		if f.store == store {
			return f.bytes
		}
	}
	return math.NaN()
}

func scrapeGoals(list []*scrape) []goal {
	goals := []goal{
		{"scrape of 10,000 samples", cpuOf(list, oursStore, false) / cpuOf(list, clientStore, false), 0.10, " × promhttp", false},
		{"the same with gzip", cpuOf(list, oursStore, true) / cpuOf(list, clientStore, true), 0.25, " × promhttp", false},
	}
	for _, sc := range list {
		if sc.store == oursStore && !sc.gzip {
			goals = append(goals, goal{"allocations per scrape", sc.allocs, 10, "", false})
		}
	}
	return goals
}

func heapGoals(list []footprint) []goal {
	return []goal{{"heap per endpoint", heapOf(list, oursStore) / heapOf(list, clientStore), 0.5, " × client_golang", false}}
}
