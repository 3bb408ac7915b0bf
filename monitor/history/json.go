package history

import (
	"encoding/json"
	"math"
	"strconv"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
)

// The wire form of Prometheus's HTTP API: times are seconds with up to three
// decimals, values are strings.

// appendJSON appends the data of a query's response.
func (a *answer) appendJSON(b []byte) []byte {
	b = append(b, `{"resultType":"`...)
	b = append(b, a.kind...)
	b = append(b, `","result":`...)
	switch a.kind {
	case kindScalar:
		b = appendPoint(b, a.series[0].floats[0])
	case kindString:
		b = append(b, '[')
		b = appendTime(b, a.at)
		b = append(b, ',')
		b = appendString(b, a.text)
		b = append(b, ']')
	default:
		b = append(b, '[')
		for i := range a.series {
			if i > 0 {
				b = append(b, ',')
			}
			b = a.series[i].appendJSON(b, a.kind == kindVector)
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

// appendJSON appends a series; one of a vector has one point.
func (s *resultSeries) appendJSON(b []byte, single bool) []byte {
	b = append(b, `{"metric":`...)
	b = appendLabels(b, s.labels)
	switch {
	case single && len(s.native) > 0:
		b = append(b, `,"histogram":`...)
		b = appendNative(b, s.native[0])
	case single:
		b = append(b, `,"value":`...)
		b = appendPoint(b, s.floats[0])
	default:
		if len(s.floats) > 0 {
			b = append(b, `,"values":[`...)
			for i, p := range s.floats {
				if i > 0 {
					b = append(b, ',')
				}
				b = appendPoint(b, p)
			}
			b = append(b, ']')
		}
		if len(s.native) > 0 {
			b = append(b, `,"histograms":[`...)
			for i, p := range s.native {
				if i > 0 {
					b = append(b, ',')
				}
				b = appendNative(b, p)
			}
			b = append(b, ']')
		}
	}
	return append(b, '}')
}

func appendPoint(b []byte, p floatPoint) []byte {
	b = append(b, '[')
	b = appendTime(b, p.t)
	b = append(b, ',')
	b = appendFloat(b, p.v)
	return append(b, ']')
}

func appendNative(b []byte, p nativePoint) []byte {
	b = append(b, '[')
	b = appendTime(b, p.t)
	b = append(b, ',')
	b = appendHistogram(b, p.h)
	return append(b, ']')
}

// appendHistogram appends a native histogram: each bucket is a code for which
// of its bounds it includes, the bounds and the count.
func appendHistogram(b []byte, h *histogram.FloatHistogram) []byte {
	b = append(b, `{"count":`...)
	b = appendFloat(b, h.Count)
	b = append(b, `,"sum":`...)
	b = appendFloat(b, h.Sum)
	found := false
	for it := h.AllBucketIterator(); it.Next(); {
		bucket := it.At()
		if bucket.Count == 0 {
			continue
		}
		if found {
			b = append(b, ',')
		} else {
			b = append(b, `,"buckets":[`...)
			found = true
		}
		var code byte
		switch {
		case bucket.LowerInclusive && bucket.UpperInclusive:
			code = '3'
		case bucket.LowerInclusive:
			code = '1'
		case bucket.UpperInclusive:
			code = '0'
		default:
			code = '2'
		}
		b = append(b, '[', code)
		for _, v := range [...]float64{bucket.Lower, bucket.Upper, bucket.Count} {
			b = append(b, ',')
			b = appendFloat(b, v)
		}
		b = append(b, ']')
	}
	if found {
		b = append(b, ']')
	}
	return append(b, '}')
}

func appendLabels(b []byte, l labels.Labels) []byte {
	b = append(b, '{')
	first := true
	l.Range(func(l labels.Label) {
		if !first {
			b = append(b, ',')
		}
		first = false
		b = appendString(b, l.Name)
		b = append(b, ':')
		b = appendString(b, l.Value)
	})
	return append(b, '}')
}

func appendTime(b []byte, ms int64) []byte {
	if ms < 0 {
		b = append(b, '-')
		ms = -ms
	}
	b = strconv.AppendInt(b, ms/1000, 10)
	if rest := ms % 1000; rest > 0 {
		b = append(b, '.', byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10))
	}
	return b
}

// appendFloat appends a value as Prometheus writes it: a string, with an
// exponent only where it is very small or very large.
func appendFloat(b []byte, v float64) []byte {
	format := byte('f')
	if abs := math.Abs(v); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	b = append(b, '"')
	b = strconv.AppendFloat(b, v, format, -1, 64)
	return append(b, '"')
}

func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, _ := json.Marshal(s) // a string always has a form
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
