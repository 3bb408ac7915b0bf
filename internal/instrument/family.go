package instrument

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chronoretrace/chronomon/internal/catalog"
)

// A Family is one metric under one name: an ordinary prometheus.Collector that
// can also write itself as text.
type Family struct {
	metric catalog.Metric
	naming catalog.Naming
	source source
	desc   *prometheus.Desc
	text   familyText
}

var _ prometheus.Collector = (*Family)(nil)

// source is where a family's numbers come from: *cellSource or *funcSource.
type source interface {
	// namingOf returns the index under which Labels hold text for the names.
	namingOf(names []string) int
}

// familyText is what a family's lines are made of, rendered once.
type familyText struct {
	naming    int      // of the labels' rendered text
	value     string   // `name` or `name{`
	closing   string   // ` ` or `} `
	bucket    string   // `name_bucket{`
	le        []string // `,le="0.005"} `, the last one +Inf
	leOM      []string // the same with OpenMetrics numbers
	sum       string   // `name_sum{`
	count     string   // `name_count{`
	header    string   // HELP and TYPE lines
	headerOM  string
	labelless bool
}

func newFamily(m catalog.Metric, n catalog.Naming, src source) *Family {
	f := &Family{
		metric: m, naming: n, source: src,
		desc: prometheus.NewDesc(n.Name, m.Help, n.Labels, nil),
	}
	f.text = f.render()
	return f
}

// Name is the family's exposition name.
func (f *Family) Name() string { return f.naming.Name }

func (f *Family) render() familyText {
	name, open, closing := f.naming.Name, "{", "} "
	t := familyText{naming: f.source.namingOf(f.naming.Labels), labelless: len(f.naming.Labels) == 0}
	if t.labelless {
		open, closing = "", " "
	}
	t.value, t.closing = name+open, closing
	t.sum, t.count, t.bucket = name+"_sum"+open, name+"_count"+open, name+"_bucket{"
	comma := ","
	if t.labelless {
		comma = ""
	}
	if src, ok := f.source.(*cellSource); ok && f.metric.Type == catalog.Histogram {
		for _, b := range src.histogram().upper {
			t.le = append(t.le, comma+`le="`+strconv.FormatFloat(b, 'g', -1, 64)+`"} `)
			t.leOM = append(t.leOM, comma+`le="`+formatOM(b)+`"} `)
		}
		t.le = append(t.le, comma+`le="+Inf"} `)
		t.leOM = append(t.leOM, comma+`le="+Inf"} `)
	}
	t.header = header(name, f.metric.Help, f.metric.Type, false)
	t.headerOM = header(name, f.metric.Help, f.metric.Type, true)
	return t
}

// Describe implements prometheus.Collector.
func (f *Family) Describe(ch chan<- *prometheus.Desc) { ch <- f.desc }

// Collect implements prometheus.Collector.
func (f *Family) Collect(ch chan<- prometheus.Metric) {
	switch src := f.source.(type) {
	case *cellSource:
		row := make([]uint64, src.group.layout.width)
		for _, c := range src.group.snapshot() {
			c.read(row)
			if !src.shown(row) {
				continue
			}
			ch <- &sample{family: f, labels: &c.labels, cell: c, row: append([]uint64(nil), row...)}
		}
	case *funcSource:
		for _, v := range newValueList().read(src) {
			ch <- &sample{family: f, labels: v.labels, value: v.value}
		}
	}
}
