package instrument

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/chronoretrace/chronomon/internal/catalog"
)

// traceLabel is the exemplar label Prometheus and Grafana look for.
const traceLabel = "trace_id"

var inf = math.Inf(1)

// shownSum is a histogram's sum in the exposed unit.
func (h *histogramLayout) shownSum(row []uint64) float64 {
	return h.shown(math.Float64frombits(row[h.sum]))
}

// appendText appends the family in the Prometheus text format 0.0.4 or, with
// om, in OpenMetrics 1.0. A family without series appends nothing.
func (f *Family) appendText(b []byte, sc *scrape, om bool) []byte {
	start := len(b)
	if om {
		b = append(b, f.text.headerOM...)
	} else {
		b = append(b, f.text.header...)
	}
	bare := len(b)
	switch src := f.source.(type) {
	case *cellSource:
		rows := sc.rows(src.group)
		for i, c := range rows.cells {
			row := rows.row(i)
			switch {
			case !src.shown(row):
			case f.metric.Type == catalog.Histogram:
				b = f.appendHistogram(b, c, src.histogram(), row, om)
			default:
				b = f.appendName(b, f.text.value, &c.labels)
				b = strconv.AppendUint(b, src.total(row), 10)
				b = append(b, '\n')
			}
		}
	case *funcSource:
		for _, v := range sc.values.read(src) {
			b = f.appendName(b, f.text.value, v.labels)
			b = appendFloat(b, v.value)
			b = append(b, '\n')
		}
	}
	if len(b) == bare {
		return b[:start]
	}
	return b
}

// appendName appends `name{labels} `.
func (f *Family) appendName(b []byte, name string, l *Labels) []byte {
	b = append(b, name...)
	b = l.appendText(b, f.text.naming, f.naming.Labels)
	return append(b, f.text.closing...)
}

func (f *Family) appendHistogram(b []byte, c *Cell, h *histogramLayout, row []uint64, om bool) []byte {
	le := f.text.le
	if om {
		le = f.text.leOM
	}
	var cumulative uint64
	for i, tail := range le {
		cumulative += row[h.at+i]
		b = append(b, f.text.bucket...)
		b = c.labels.appendText(b, f.text.naming, f.naming.Labels)
		b = append(b, tail...)
		b = strconv.AppendUint(b, cumulative, 10)
		if om {
			b = appendExemplar(b, c.exemplar(h.at+i))
		}
		b = append(b, '\n')
	}
	b = f.appendName(b, f.text.sum, &c.labels)
	b = appendFloat(b, h.shownSum(row))
	b = append(b, '\n')
	b = f.appendName(b, f.text.count, &c.labels)
	b = strconv.AppendUint(b, cumulative, 10)
	return append(b, '\n')
}

func appendExemplar(b []byte, e *exemplar) []byte {
	if e == nil {
		return b
	}
	b = append(b, " # {"+traceLabel+`="`...)
	b = appendEscaped(b, e.trace)
	b = append(b, `"} `...)
	b = appendFloat(b, e.value)
	b = append(b, ' ')
	return appendFloat(b, float64(e.at.UnixMilli())/float64(time.Second/time.Millisecond))
}

func appendFloat(b []byte, v float64) []byte {
	switch {
	case math.IsInf(v, 1):
		return append(b, "+Inf"...)
	case math.IsInf(v, -1):
		return append(b, "-Inf"...)
	case v == math.Trunc(v) && math.Abs(v) < 1<<53:
		return strconv.AppendInt(b, int64(v), 10)
	}
	return strconv.AppendFloat(b, v, 'g', -1, 64)
}

// formatOM writes a bound as OpenMetrics wants it: a float looks like one.
func formatOM(v float64) string {
	s := strconv.FormatFloat(v, 'g', -1, 64)
	if !strings.ContainsAny(s, "e.") {
		s += ".0"
	}
	return s
}

var helpEscaper = strings.NewReplacer("\\", `\\`, "\n", `\n`)

// header renders a family's HELP and TYPE lines. OpenMetrics names a counter
// without its _total.
func header(name, help string, typ catalog.Type, om bool) string {
	if om && typ == catalog.Counter {
		name = strings.TrimSuffix(name, "_total")
	}
	help = helpEscaper.Replace(help)
	if om {
		help = strings.ReplaceAll(help, `"`, `\"`)
	}
	return "# HELP " + name + " " + help + "\n# TYPE " + name + " " + typ.String() + "\n"
}

func sortPairs(pairs []*dto.LabelPair) {
	slices.SortFunc(pairs, func(a, b *dto.LabelPair) int { return cmp.Compare(a.GetName(), b.GetName()) })
}
