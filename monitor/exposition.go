package monitor

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/chronoretrace/chronomon/internal/instrument"
)

// Handler serves the metrics: the SDK's and those of every collector in the
// registry, in the format the client asks for (Prometheus text, OpenMetrics
// with exemplars, protobuf), gzipped if it asks for that. A collector that
// fails costs its own metrics only; the scrape is counted in
// monitor_scrape_errors_total. A monitor that is off serves the host's
// collectors only.
//
// The SDK's own series are written without being gathered first. Where the
// registry is the host's own, or the client asks for protobuf, all are gathered.
func (m *Monitor) Handler() http.Handler {
	return http.HandlerFunc(m.serveMetrics)
}

func (m *Monitor) serveMetrics(w http.ResponseWriter, r *http.Request) {
	format := m.negotiate(r.Header)
	h := w.Header()
	h.Set("Content-Type", string(format))
	h["Vary"] = vary
	if r.Method == http.MethodHead {
		return
	}
	var out io.Writer = w
	if acceptsGzip(r.Header) {
		h.Set("Content-Encoding", "gzip")
		z := gzips.Get().(*gzip.Writer)
		defer gzips.Put(z)
		z.Reset(w)
		defer z.Close()
		out = z
	}
	if err := m.writeMetrics(out, format); err != nil {
		m.scrapeFailed(err)
	}
}

// negotiated is the answer to one Accept header.
type negotiated struct {
	accept string
	format expfmt.Format
}

// negotiate picks the format. A scraper sends the same header every time, so
// the last answer is kept.
func (m *Monitor) negotiate(h http.Header) expfmt.Format {
	accept := h.Get("Accept")
	if last := m.negotiated.Load(); last != nil && last.accept == accept {
		return last.format
	}
	formats := expfmt.DefaultOpenMetricsAcceptedFormats()
	if m.gatherer == nil { // what cannot be gathered is written as text
		formats = slices.DeleteFunc(formats, func(f expfmt.Format) bool { return !isText(f) })
	}
	n := &negotiated{accept, expfmt.NegotiateAccept(h, formats...)}
	m.negotiated.Store(n)
	return n.format
}

func isText(f expfmt.Format) bool {
	t := f.FormatType()
	return t == expfmt.TypeOpenMetrics || t == expfmt.TypeTextPlain
}

func (m *Monitor) scrapeFailed(err error) {
	if !m.off {
		m.scrapeErrors.Add(&instrument.Home{}, 0, 1)
	}
	m.logger.Warn("scrape is incomplete", "error", err)
}

// writeMetrics writes everything there is in the format.
func (m *Monitor) writeMetrics(w io.Writer, format expfmt.Format) error {
	om := format.FormatType() == expfmt.TypeOpenMetrics
	switch {
	case m.off && m.gatherer == nil:
	case isText(format) && !m.off && (m.private != nil || m.gatherer == nil):
		foreign, err := m.foreign(format)
		if err != nil {
			m.scrapeFailed(err)
		}
		if err := m.set.WriteText(w, om, foreign); err != nil {
			return err
		}
	default:
		families, err := m.gatherer.Gather() // what could be gathered comes beside the error
		if err != nil {
			m.scrapeFailed(err)
		}
		return encode(w, format, families)
	}
	if om {
		_, err := w.Write(eof)
		return err
	}
	return nil
}

var (
	eof  = []byte("# EOF\n") // ends an OpenMetrics exposition
	vary = []string{"Accept, Accept-Encoding"}
)

// foreign gathers and encodes the collectors that are not the SDK's.
func (m *Monitor) foreign(format expfmt.Format) ([]instrument.Block, error) {
	if m.private == nil || m.private.count.Load() == 0 {
		return nil, nil
	}
	families, err := m.private.foreign.Gather()
	blocks := make([]instrument.Block, 0, len(families))
	var buf bytes.Buffer
	enc := expfmt.NewEncoder(&buf, format)
	for _, f := range families {
		if m.set.Has(f.GetName()) {
			err = errors.Join(err, fmt.Errorf("a collector exposes %s, which is the SDK's: left out", f.GetName()))
			continue
		}
		from := buf.Len()
		if e := enc.Encode(f); e != nil {
			return blocks, errors.Join(err, e)
		}
		blocks = append(blocks, instrument.Block{Name: f.GetName(), Text: buf.Bytes()[from:]})
	}
	return blocks, err
}

func encode(w io.Writer, format expfmt.Format, families []*dto.MetricFamily) error {
	enc := expfmt.NewEncoder(w, format)
	for _, f := range families {
		if err := enc.Encode(f); err != nil {
			return err
		}
	}
	if c, ok := enc.(expfmt.Closer); ok {
		return c.Close()
	}
	return nil
}

// gzips are writers at the fastest level: a scrape is sent once, over a fast
// network, by a process that has better things to do.
var gzips = sync.Pool{New: func() any {
	z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is valid
	return z
}}

// acceptsGzip reports whether the client takes gzip: named, and not at q=0.
func acceptsGzip(h http.Header) bool {
	for part := range strings.SplitSeq(h.Get("Accept-Encoding"), ",") {
		name, params, _ := strings.Cut(part, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			q := strings.TrimLeft(strings.TrimPrefix(strings.ToLower(strings.ReplaceAll(params, " ", "")), "q="), "0.")
			return params == "" || q != ""
		}
	}
	return false
}
