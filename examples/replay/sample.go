package main

import (
	"math"
	"math/rand/v2"
	"time"
)

// sample generates a week of the CPU use of four hosts, in percent: days and
// nights, noise, and two incidents. It is the same one every time.
func sample() *recording {
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	day := func(d, hour int) time.Time { return start.AddDate(0, 0, d).Add(time.Duration(hour) * time.Hour) }
	runaway, climb := window{day(3, 14), day(3, 20)}, window{day(4, 2), day(5, 18)}
	r := &recording{name: "generated sample"}
	for i, host := range []string{"db-1", "web-1", "web-2", "web-3"} {
		noise := rand.New(rand.NewPCG(uint64(i), 7))
		s := series{name: host}
		for at := start; at.Before(day(7, 0)); at = at.Add(step) {
			hour := at.Sub(start).Hours()
			v := 25 + 4*float64(i) + 12*math.Sin(2*math.Pi*(hour-8)/24) + 1.5*noise.NormFloat64()
			switch host {
			case "web-2":
				if s.windows = []window{runaway}; s.labelled(at) {
					v = 97 + noise.NormFloat64()/2
				}
			case "db-1":
				if s.windows = []window{climb}; s.labelled(at) {
					v += 1.2 * at.Sub(climb.from).Hours()
				}
			}
			s.rows = append(s.rows, row{at, math.Round(100*min(max(v, 0), 100)) / 100})
		}
		r.series = append(r.series, s)
	}
	return r
}
