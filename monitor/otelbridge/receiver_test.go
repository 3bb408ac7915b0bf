package otelbridge_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/proto"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/otelbridge"
)

// receiver is an OTLP receiver that answers with the scripted statuses, and
// with 200 when the script is over.
type receiver struct {
	mu       sync.Mutex
	script   []int                                      // guarded by mu
	attempts int                                        // guarded by mu
	accepted []*collectorpb.ExportMetricsServiceRequest // guarded by mu
	broken   []error                                    // guarded by mu; requests that are not OTLP
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	msg, err := decode(req)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.attempts++
	status := http.StatusOK
	switch {
	case err != nil:
		r.broken = append(r.broken, err)
		status = http.StatusBadRequest
	case len(r.script) > 0:
		status = r.script[0]
		r.script = r.script[1:]
	}
	if status == http.StatusOK {
		r.accepted = append(r.accepted, msg)
		w.Header().Set("Content-Type", "application/x-protobuf")
		return
	}
	w.WriteHeader(status)
}

func decode(req *http.Request) (*collectorpb.ExportMetricsServiceRequest, error) {
	if req.URL.Path != "/v1/metrics" || req.Header.Get("Content-Type") != "application/x-protobuf" {
		return nil, fmt.Errorf("%s of %s", req.URL.Path, req.Header.Get("Content-Type"))
	}
	body := io.Reader(req.Body)
	if req.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(req.Body)
		if err != nil {
			return nil, err
		}
		body = z
	}
	raw, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	msg := &collectorpb.ExportMetricsServiceRequest{}
	return msg, proto.Unmarshal(raw, msg)
}

// export sends the monitor's metrics to a receiver and returns what arrived and
// how many requests that took.
func export(t *testing.T, m *monitor.Monitor, script []int, opts ...otelbridge.Option) ([]*metricspb.ScopeMetrics, int) {
	t.Helper()
	r := &receiver{script: script}
	srv := httptest.NewServer(r)
	t.Cleanup(srv.Close)
	exporter, err := otlpmetrichttp.New(
		t.Context(),
		otlpmetrichttp.WithEndpointURL(srv.URL+"/v1/metrics"),
		otlpmetrichttp.WithCompression(otlpmetrichttp.GzipCompression),
		otlpmetrichttp.WithRetry(otlpmetrichttp.RetryConfig{
			Enabled: true, InitialInterval: time.Millisecond, MaxInterval: time.Millisecond, MaxElapsedTime: time.Minute,
		}),
	)
	require.NoError(t, err)
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(
		sdkmetric.NewPeriodicReader(exporter, sdkmetric.WithInterval(time.Hour), sdkmetric.WithProducer(newProducer(t, m, opts...)))))
	require.NoError(t, provider.ForceFlush(t.Context()))

	r.mu.Lock()
	require.Empty(t, r.broken)
	require.Len(t, r.accepted, 1)
	require.Len(t, r.accepted[0].GetResourceMetrics(), 1)
	scopes, attempts := r.accepted[0].GetResourceMetrics()[0].GetScopeMetrics(), r.attempts
	r.mu.Unlock()
	require.NoError(t, provider.Shutdown(t.Context()))
	return scopes, attempts
}
