package influx_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/influx"
)

// BenchmarkWrite writes batches of 500 events to a server that throws them away.
func BenchmarkWrite(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()
	for name, opts := range map[string][]influx.Option{"gzip": nil, "plain": {influx.WithoutGzip()}} {
		b.Run(name, func(b *testing.B) {
			s, err := influx.New(server.URL, "db", opts...)
			require.NoError(b, err)
			defer s.Close()
			events := make([]monitor.Event, 500)
			at := time.Now()
			b.ReportAllocs()
			for b.Loop() {
				for i := range events {
					at = at.Add(time.Microsecond)
					e := monitor.Event{Time: at, Kind: monitor.KindRequest, Name: "GET /quotes/{symbol}", Duration: 1234567, TraceID: "4bf92f3577b34da6a3ce929d0e0e4736"}
					e.Add(slog.String("method", "GET"), slog.Int("status", 200), slog.Int("bytes", 5120+i))
					events[i] = e
				}
				require.NoError(b, s.Write(b.Context(), events))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/500, "ns/event")
		})
	}
}
