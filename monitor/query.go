package monitor

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// MetricName is the label that holds a series' metric name.
const MetricName = "__name__"

// Labels are the labels of a series, the metric name under [MetricName].
type Labels map[string]string

// String returns the labels in PromQL's notation: name{a="1",b="2"}.
func (l Labels) String() string {
	var b strings.Builder
	b.WriteString(l[MetricName])
	first := true
	for _, k := range slices.Sorted(maps.Keys(l)) {
		if k == MetricName {
			continue
		}
		if first {
			b.WriteByte('{')
			first = false
		} else {
			b.WriteByte(',')
		}
		b.WriteString(k)
		b.WriteByte('=')
		b.WriteString(strconv.Quote(l[k]))
	}
	if !first || b.Len() == 0 {
		if first {
			b.WriteByte('{')
		}
		b.WriteByte('}')
	}
	return b.String()
}

// Point is a value at a time.
type Point struct {
	Time  time.Time
	Value float64
}

// Sample is one series' value at the time of a query.
type Sample struct {
	Labels Labels
	Point
}

// Series is one series' values over a range, oldest first.
type Series struct {
	Labels Labels
	Points []Point
}

// Range is the time of a range query: From, From+Step, … not after To.
type Range struct {
	From, To time.Time
	Step     time.Duration
}

// Querier answers PromQL. Every engine reads through it, from this process
// (monitor/history) or from a server (monitor/promapi). It may be called
// concurrently. What it returns is the caller's.
//
// Times are to the millisecond, as Prometheus keeps them; the zero time means
// now. A result that is not one number for each series, a native histogram for
// one, is an error. Errors wrap [ErrQueryInvalid], [ErrQueryLimit], [ErrQueryTimeout],
// [ErrQueryDenied] or [ErrQueryUnavailable], or context.Canceled.
type Querier interface {
	// Query evaluates an instant query. A scalar comes back as one sample
	// without labels.
	Query(ctx context.Context, promql string, at time.Time) ([]Sample, error)
	// QueryRange evaluates a range query.
	QueryRange(ctx context.Context, promql string, r Range) ([]Series, error)
}
