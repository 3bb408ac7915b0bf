package monitor_test

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/monitor"
)

// accepts are the Accept headers of scrapers.
var accepts = map[string]string{
	"nothing":     "",
	"text":        "text/plain; version=0.0.4",
	"OpenMetrics": "application/openmetrics-text; version=1.0.0",
	"UTF-8 names": "text/plain; version=1.0.0; escaping=allow-utf-8",
	"protobuf":    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
	"Prometheus 3": "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5," +
		"text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
	"Prometheus 3 with native histograms": "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;escaping=allow-utf-8;q=0.6," +
		"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
}

// series is what Prometheus keeps of one line of an exposition.
type series struct {
	value    string
	typ      string
	exemplar string
}

// ingest reads a response as Prometheus does: with the parser for its content
// type. A series that comes twice is an error.
func ingest(w *httptest.ResponseRecorder) (map[string]series, error) {
	p, err := textparse.New(w.Body.Bytes(), w.Header().Get("Content-Type"), labels.NewSymbolTable(),
		textparse.ParserOptions{KeepClassicOnClassicAndNativeHistograms: true})
	if err != nil {
		return nil, err
	}
	out := map[string]series{}
	add := func(l labels.Labels, s series) error {
		if _, dup := out[l.String()]; dup {
			return fmt.Errorf("%s comes twice", l)
		}
		out[l.String()] = s
		return nil
	}
	var typ string
	for {
		entry, err := p.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		var l labels.Labels
		switch entry {
		case textparse.EntryType:
			_, t := p.Type()
			typ = string(t)
		case textparse.EntrySeries:
			_, _, v := p.Series()
			p.Labels(&l)
			s := series{value: strconv.FormatFloat(v, 'g', 12, 64), typ: typ}
			var e exemplar.Exemplar
			if p.Exemplar(&e) {
				s.exemplar = fmt.Sprintf("%s %g at %d s", e.Labels, e.Value, (e.Ts+500)/1000)
			}
			if err := add(l, s); err != nil {
				return nil, err
			}
		case textparse.EntryHistogram:
			_, _, h, _ := p.Histogram()
			p.Labels(&l)
			if err := add(l, series{value: h.String(), typ: typ}); err != nil {
				return nil, err
			}
		}
	}
}

// asked serves one scrape.
func asked(t *testing.T, h http.Handler, accept string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody)
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	h.ServeHTTP(w, r)
	require.Equal(t, http.StatusOK, w.Code)
	return w
}

// hostMetrics registers collectors of every type, between whose names the SDK's
// stand, and one whose name only newer formats can carry as it is.
func hostMetrics(t *testing.T, reg prometheus.Registerer) {
	t.Helper()
	gauge := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "aaa_gauge", Help: "first \\ of\nall"}, []string{"l"})
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "api_request_total_of_the_host_total", Help: "counter"})
	bare := prometheus.NewCounter(prometheus.CounterOpts{Name: "counter_without_suffix", Help: "counter"})
	summary := prometheus.NewSummary(prometheus.SummaryOpts{Name: "cache_summary", Help: "summary", Objectives: map[float64]float64{.5: .1}})
	histogram := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "db_histogram", Help: "histogram", Buckets: []float64{1, 2}, NativeHistogramBucketFactor: 1.5,
	}, []string{"a", "b"})
	untyped := prometheus.NewUntypedFunc(prometheus.UntypedOpts{Name: "monitor_untyped", Help: ""}, func() float64 { return 1e100 })
	dotted := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "host.dotted", Help: "UTF-8"}, []string{"行情"})
	last := prometheus.NewGauge(prometheus.GaugeOpts{Name: "zzz", Help: "last"})
	reg.MustRegister(gauge, counter, bare, summary, histogram, untyped, dotted, last)
	gauge.WithLabelValues("a\"\\\n").Set(-1.5)
	counter.(prometheus.ExemplarAdder).AddWithExemplar(3, prometheus.Labels{"trace_id": "abc"})
	bare.Add(7)
	summary.Observe(3)
	histogram.WithLabelValues("x", "y").(prometheus.ExemplarObserver).ObserveWithExemplar(1.5, prometheus.Labels{"trace_id": "def"})
	dotted.WithLabelValues("v").Set(1)
}

// requestCells adds what wholeCatalogue has not: many cells, awkward labels,
// exemplars, an empty histogram beside a counter.
func requestCells(t *testing.T, m *monitor.Monitor) {
	t.Helper()
	set := m.Instruments()
	name := catalog.Metric{Name: "test_request_seconds", Type: catalog.Histogram, Help: "x", HelpZH: "请求", Labels: []string{"method", "route"}}
	total := catalog.Metric{Name: "test_request_total", Type: catalog.Counter, Help: "x", HelpZH: "请求", Labels: []string{"method", "route"}}
	g := set.NewGroup(total.Name, instrument.Spec{
		Labels: name.Labels, Histograms: []instrument.HistogramSpec{{Bounds: []float64{.001, .5, 1}, Scale: 1e-9}}, Counters: 1,
	})
	require.NoError(t, set.Histogram(name, g, 0))
	require.NoError(t, set.Count(total, g, []int{0}, []int{0}))
	var home instrument.Home
	for i, route := range []string{"/a", "/b\"\\\n", "/\xff", "/行情", ""} {
		c := g.Cell("GET", route)
		for j := range int64(i) {
			v := j * int64(700*time.Millisecond)
			c.Observe(&home, 0, v)
			c.Exemplar(0, v, "4bf92f3577b34da6a3ce929d0e0e4736", time.Unix(1_700_000_000+j, 0))
		}
		c.Add(&home, 0, 5)
	}
}

// TestHandlerEqualsPromhttp: whatever a scraper asks for it gets, sample for
// sample and exemplar for exemplar, what promhttp would give it.
func TestHandlerEqualsPromhttp(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]func() []monitor.Option{
		"private registry":  func() []monitor.Option { return nil },
		"host's registry":   func() []monitor.Option { return []monitor.Option{monitor.WithRegisterer(prometheus.NewRegistry())} },
		"all profiles":      func() []monitor.Option { return []monitor.Option{monitor.WithProfiles(catalog.Profiles()...)} },
		"native histograms": func() []monitor.Option { return []monitor.Option{monitor.WithNativeHistograms(1.1)} },
		"in Chinese":        func() []monitor.Option { return []monitor.Option{monitor.WithChineseHelp()} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, host := range []bool{false, true} {
				m := wholeCatalogue(t, opts()...)
				requestCells(t, m)
				if host {
					hostMetrics(t, m.Registerer())
				}
				theirs := promhttp.HandlerFor(m.Gatherer(), promhttp.HandlerOpts{EnableOpenMetrics: true})
				for name, accept := range accepts {
					want, err := ingest(asked(t, theirs, accept))
					require.NoError(t, err, name)
					got, err := ingest(asked(t, m.Handler(), accept))
					require.NoError(t, err, name)
					require.Equal(t, want, got, name)
					require.Equal(t, asked(t, theirs, accept).Header().Get("Content-Type"), asked(t, m.Handler(), accept).Header().Get("Content-Type"), name)
				}
			}
		})
	}
}

// TestHandlerWithoutGatherer: a registerer that cannot gather, such as one that
// adds labels or a prefix, is scraped in every format all the same.
func TestHandlerWithoutGatherer(t *testing.T) {
	t.Parallel()
	m := plain(t, monitor.WithRegisterer(prometheus.WrapRegistererWith(prometheus.Labels{"app": "quotes"}, prometheus.NewRegistry())))
	m.Mark(t.Context(), monitor.MarkDeploy, "x")
	for name, accept := range accepts {
		require.NotPanics(t, func() {
			got, err := ingest(asked(t, m.Handler(), accept))
			require.NoError(t, err, name)
			require.Equal(t, "1", got[`{__name__="deployment_total"}`].value, name)
		}, name)
	}
}

// homonym is a collector that does not say beforehand what it has, and then has
// a metric under a name of the SDK's.
type homonym struct{}

func (homonym) Describe(chan<- *prometheus.Desc) {}

func (homonym) Collect(ch chan<- prometheus.Metric) {
	desc := prometheus.NewDesc("deployment_total", "the host's own", nil, nil)
	ch <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, 42)
}

// TestHandlerServesNoSeriesTwice: Prometheus would take one of the two at
// random.
func TestHandlerServesNoSeriesTwice(t *testing.T) {
	t.Parallel()
	m := plain(t)
	require.NoError(t, m.Registerer().Register(homonym{}))
	m.Mark(t.Context(), monitor.MarkDeploy, "x")
	for name, accept := range accepts {
		got, err := ingest(asked(t, m.Handler(), accept))
		require.NoError(t, err, name)
		require.Contains(t, got, `{__name__="deployment_total"}`, name)
	}
}

func TestHandlerGzips(t *testing.T) {
	t.Parallel()
	m := wholeCatalogue(t)
	plainBody := asked(t, m.Handler(), "").Body.String()
	for encoding, zipped := range map[string]bool{
		"gzip": true, "GZIP": true, "br, gzip": true, "gzip;q=1.0": true, "gzip; q=0.5, br": true, "deflate,gzip ;q=0.001": true,
		"": false, "identity": false, "gzip;q=0": false, "gzip; q=0.0, *": false, "xgzip": false,
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody)
		r.Header.Set("Accept-Encoding", encoding)
		m.Handler().ServeHTTP(w, r)
		if !zipped {
			require.Empty(t, w.Header().Get("Content-Encoding"), "%q", encoding)
			require.Equal(t, plainBody, w.Body.String(), "%q", encoding)
			continue
		}
		require.Equal(t, "gzip", w.Header().Get("Content-Encoding"), "%q", encoding)
		z, err := gzip.NewReader(w.Body)
		require.NoError(t, err)
		body, err := io.ReadAll(z)
		require.NoError(t, err)
		require.Equal(t, plainBody, string(body))
	}
}

func TestHandlerAnswersHead(t *testing.T) {
	t.Parallel()
	m := plain(t)
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodHead, "/metrics", http.NoBody))
	require.Equal(t, http.StatusOK, w.Code)
	require.Contains(t, w.Header().Get("Content-Type"), "text/plain")
	require.Zero(t, w.Body.Len())
}

// TestHandlerUnderLoad: scrapes of every format while metrics are written and
// host's collectors come and go.
func TestHandlerUnderLoad(t *testing.T) {
	t.Parallel()
	m := plain(t, monitor.WithNativeHistograms(1.1))
	requestCells(t, m)
	stop := make(chan struct{})
	var work sync.WaitGroup
	loop := func(f func(i int)) {
		work.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
					f(i)
				}
			}
		})
	}
	loop(func(i int) { m.Mark(t.Context(), fmt.Sprint("kind", i%50), "x") })
	loop(func(i int) {
		c := prometheus.NewGauge(prometheus.GaugeOpts{Name: fmt.Sprint("host_", i%7), Help: "comes and goes"})
		if m.Registerer().Register(c) == nil {
			m.Registerer().Unregister(c)
		}
	})
	for range 10 {
		for name, accept := range accepts {
			_, err := ingest(asked(t, m.Handler(), accept))
			require.NoError(t, err, name)
		}
	}
	close(stop)
	work.Wait()
	require.NotContains(t, asked(t, m.Handler(), "").Body.String(), "monitor_scrape_errors_total 1")
}

// TestMonitorInfoIsOne: also where two monitors of one program share a registry.
func TestMonitorInfoIsOne(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	for range 2 {
		plain(t, monitor.WithRegisterer(reg), monitor.WithService("quotes", "v1"))
	}
	w := asked(t, promhttp.HandlerFor(reg, promhttp.HandlerOpts{}), "")
	got, err := ingest(w)
	require.NoError(t, err)
	n := 0
	for s, v := range got {
		if strings.Contains(s, `__name__="monitor_info"`) {
			require.Equal(t, "1", v.value, s)
			n++
		}
	}
	require.Equal(t, 1, n)
}
