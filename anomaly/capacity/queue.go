package capacity

import (
	"errors"
	"fmt"
	"math"
)

// Queue is an M/M/c queue: arrivals and services at random (Poisson), each
// request served by one of several equal servers, waiting in order of arrival.
// Pools of connections and workers are close to it. Rates are per second, times
// in seconds. A queue whose arrivals its servers cannot keep up with waits for
// ever: its times and lengths are +Inf.
//
// The formulas are those of Kleinrock, Queueing Systems, volume 1, section 3.5.
type Queue struct {
	Arrival float64 // requests per second
	Service float64 // requests per second that one busy server completes
	Servers int
}

// NewQueue checks the numbers: an arrival of zero or more, a service rate and
// servers above zero.
func NewQueue(arrival, service float64, servers int) (Queue, error) {
	q := Queue{arrival, service, servers}
	err := checkRates(arrival, service)
	if servers < 1 || servers > maxServers {
		err = errors.Join(err, fmt.Errorf("capacity: servers %d: want 1 to %d", servers, maxServers))
	}
	return q, err
}

// maxServers bounds what is counted through one by one.
const maxServers = 1_000_000

func checkRates(arrival, service float64) error {
	var errs []error
	if !(arrival >= 0) || math.IsInf(arrival, 1) {
		errs = append(errs, fmt.Errorf("capacity: arrival rate %v: want a finite number, 0 or more", arrival))
	}
	if !(service > 0) || math.IsInf(service, 1) {
		errs = append(errs, fmt.Errorf("capacity: service rate %v: want a finite number above 0", service))
	}
	return errors.Join(errs...)
}

// Utilization is the share of the servers that are busy; above 1 they cannot
// keep up.
func (q Queue) Utilization() float64 { return q.Arrival / (q.Service * float64(q.Servers)) }

// WaitProbability is the share of requests that wait (Erlang C).
func (q Queue) WaitProbability() float64 {
	return erlangC(q.Arrival/q.Service, q.Servers, erlangB(q.Arrival/q.Service, q.Servers))
}

// MeanWait is the mean time before a server is free.
func (q Queue) MeanWait() float64 { return q.wait(q.WaitProbability()) }

func (q Queue) wait(probability float64) float64 {
	spare := q.Service*float64(q.Servers) - q.Arrival
	if spare <= 0 {
		return math.Inf(1)
	}
	return probability / spare
}

// MeanTime is the mean time until a request is done.
func (q Queue) MeanTime() float64 { return q.MeanWait() + 1/q.Service }

// MeanWaiting is the mean number of requests that wait (Little's law).
func (q Queue) MeanWaiting() float64 { return q.count(q.MeanWait()) }

// MeanRequests is the mean number of requests that wait or are served.
func (q Queue) MeanRequests() float64 { return q.count(q.MeanTime()) }

func (q Queue) count(seconds float64) float64 {
	if q.Arrival == 0 {
		return 0
	}
	return q.Arrival * seconds
}

// WaitQuantile is the wait that a share p of the requests stay below, p from 0
// to below 1.
func (q Queue) WaitQuantile(p float64) float64 {
	c := q.WaitProbability()
	spare := q.Service*float64(q.Servers) - q.Arrival
	switch {
	case c <= 1-p:
		return 0
	case spare <= 0:
		return math.Inf(1)
	}
	return math.Log(c/(1-p)) / spare
}

// ServersForWait returns the fewest servers with which the mean wait is not
// above the given seconds.
func ServersForWait(arrival, service, wait float64) (int, error) {
	if err := checkRates(arrival, service); err != nil {
		return 0, err
	}
	if !(wait > 0) {
		return 0, fmt.Errorf("capacity: wait of %v s: want more than 0", wait)
	}
	offered, b := arrival/service, 1.0
	for c := 1; c <= maxServers; c++ {
		b = offered * b / (float64(c) + offered*b)
		if (Queue{arrival, service, c}).wait(erlangC(offered, c, b)) <= wait {
			return c, nil
		}
	}
	return 0, tooMany(arrival, service)
}

// ServersForUtilization returns the fewest servers of which not more than the
// given share are busy.
func ServersForUtilization(arrival, service, share float64) (int, error) {
	if err := checkRates(arrival, service); err != nil {
		return 0, err
	}
	if !(share > 0 && share <= 1) {
		return 0, fmt.Errorf("capacity: utilization %v: want above 0 and not above 1", share)
	}
	const rounding = 1e-12 // 95/(5*0.95) is 20
	n := max(1, math.Ceil(arrival/(service*share)*(1-rounding)))
	if n > maxServers {
		return 0, tooMany(arrival, service)
	}
	return int(n), nil
}

func tooMany(arrival, service float64) error {
	return fmt.Errorf("capacity: %v requests per second at %v for each server: more than %d servers", arrival, service, maxServers)
}

// erlangB is the share of requests lost where none may wait, by its recursion,
// which neither overflows nor cancels.
func erlangB(offered float64, servers int) float64 {
	b := 1.0
	for c := 1; c <= servers; c++ {
		b = offered * b / (float64(c) + offered*b)
	}
	return b
}

// erlangC is the share of requests that wait, from Erlang B.
func erlangC(offered float64, servers int, b float64) float64 {
	rho := offered / float64(servers)
	if rho >= 1 {
		return 1
	}
	return b / (1 - rho*(1-b))
}
