package promapi

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/prometheus/common/model"

	"github.com/chronoretrace/chronomon/monitor"
)

var (
	errHistogram = fmt.Errorf("%w: the answer has native histograms: ask for histogram_quantile, histogram_count or the like", monitor.ErrQueryInvalid)
	errNothing   = fmt.Errorf("%w: the answer is not of the Prometheus API: it has gaps, or is out of order", monitor.ErrQueryUnavailable)
)

// samples makes the answer to an instant query the caller's.
func samples(value model.Value) ([]monitor.Sample, error) {
	switch v := value.(type) {
	case *model.Scalar:
		return []monitor.Sample{{Labels: monitor.Labels{}, Point: point(v.Timestamp, v.Value)}}, nil
	case model.Vector:
		if v == nil {
			return nil, errNothing
		}
		var out []monitor.Sample
		for _, s := range v {
			switch {
			case s == nil:
				return nil, errNothing
			case s.Histogram != nil:
				return nil, errHistogram
			}
			out = append(out, monitor.Sample{Labels: labels(s.Metric), Point: point(s.Timestamp, s.Value)})
		}
		return out, nil
	case model.Matrix:
		return nil, fmt.Errorf("%w: the answer is a range of points for each series, not one", monitor.ErrQueryInvalid)
	}
	return nil, errNothing
}

// series makes the answer to a range query the caller's.
func series(value model.Value) ([]monitor.Series, error) {
	m, ok := value.(model.Matrix)
	if !ok || m == nil {
		return nil, errNothing
	}
	var out []monitor.Series
	for _, s := range m {
		switch {
		case s == nil:
			return nil, errNothing
		case len(s.Histograms) > 0:
			return nil, errHistogram
		case len(s.Values) == 0:
			continue
		}
		points := make([]monitor.Point, len(s.Values))
		for i, p := range s.Values {
			if i > 0 && p.Timestamp <= s.Values[i-1].Timestamp {
				return nil, errNothing
			}
			points[i] = point(p.Timestamp, p.Value)
		}
		out = append(out, monitor.Series{Labels: labels(s.Metric), Points: points})
	}
	return out, nil
}

// gap reports whether the answer to an instant query has a scalar or a sample
// without a time or a number: the API's client would make that 0.
func gap(body []byte) bool {
	var a struct {
		Data struct {
			ResultType string
			Result     json.RawMessage
		}
	}
	if json.Unmarshal(body, &a) != nil {
		return false // nor can that client read it
	}
	switch a.Data.ResultType {
	case "scalar":
		var pair []json.RawMessage
		return json.Unmarshal(a.Data.Result, &pair) != nil || !isPair(pair)
	case "vector":
		var all []struct {
			Value     []json.RawMessage
			Histogram []json.RawMessage
		}
		if json.Unmarshal(a.Data.Result, &all) != nil {
			return true
		}
		for _, s := range all {
			if !isPair(s.Value) && !isPair(s.Histogram) {
				return true
			}
		}
	}
	return false
}

func isPair(p []json.RawMessage) bool {
	return len(p) == 2 && string(p[0]) != "null" && string(p[1]) != "null"
}

func point(at model.Time, v model.SampleValue) monitor.Point {
	return monitor.Point{Time: time.UnixMilli(int64(at)), Value: float64(v)}
}

func labels[M ~map[model.LabelName]model.LabelValue](in M) monitor.Labels {
	out := make(monitor.Labels, len(in))
	for name, value := range in {
		out[string(name)] = string(value)
	}
	return out
}
