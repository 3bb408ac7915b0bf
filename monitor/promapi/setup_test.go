package promapi_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/promapi"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// site is a client with its monitor and what the monitor logs.
type site struct {
	*promapi.Client
	m   *monitor.Monitor
	log *logBuffer
}

func setup(t testing.TB, url string, opts ...promapi.Option) site {
	t.Helper()
	log := new(logBuffer)
	m, err := monitor.New(monitor.WithLogger(slog.New(slog.NewTextHandler(log, nil))))
	require.NoError(t, err)
	c, err := promapi.New(m, url, append([]promapi.Option{promapi.WithName("test")}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(c.CloseIdleConnections)
	return site{c, m, log}
}

// logBuffer keeps what is logged.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer // guarded by mu
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// serve returns the URL of a server for the length of the test.
func serve(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// says is a handler that answers every request with a status and a body.
func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// vector is the body of an answer to an instant query.
func vector(samples string) string {
	return `{"status":"success","data":{"resultType":"vector","result":[` + samples + `]}}`
}

// matrix is the body of an answer to a range query.
func matrix(series string) string {
	return `{"status":"success","data":{"resultType":"matrix","result":[` + series + `]}}`
}

const one = `{"metric":{"__name__":"up"},"value":[1772625600,"1"]}`

// write stores series in a server by Prometheus's remote write, version 1.0,
// which keeps every bit of a value and the millisecond of a time.
func write(t testing.TB, url string, all []monitor.Series) {
	t.Helper()
	var body []byte
	for _, s := range all {
		var series []byte
		for _, name := range slices.Sorted(maps.Keys(s.Labels)) {
			var label []byte
			label = protowire.AppendTag(label, 1, protowire.BytesType)
			label = protowire.AppendString(label, name)
			label = protowire.AppendTag(label, 2, protowire.BytesType)
			label = protowire.AppendString(label, s.Labels[name])
			series = protowire.AppendTag(series, 1, protowire.BytesType)
			series = protowire.AppendBytes(series, label)
		}
		for _, p := range s.Points {
			var sample []byte
			sample = protowire.AppendTag(sample, 1, protowire.Fixed64Type)
			sample = protowire.AppendFixed64(sample, math.Float64bits(p.Value))
			sample = protowire.AppendTag(sample, 2, protowire.VarintType)
			sample = protowire.AppendVarint(sample, uint64(p.Time.UnixMilli()))
			series = protowire.AppendTag(series, 2, protowire.BytesType)
			series = protowire.AppendBytes(series, sample)
		}
		body = protowire.AppendTag(body, 1, protowire.BytesType)
		body = protowire.AppendBytes(body, series)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/api/v1/write", bytes.NewReader(snappy(body)))
	require.NoError(t, err)
	req.Header.Set("Content-Encoding", "snappy")
	req.Header.Set("Content-Type", "application/x-protobuf")
	req.Header.Set("X-Prometheus-Remote-Write-Version", "0.1.0")
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusNoContent, resp.StatusCode, "%s", said)
}

// snappy puts data into Snappy's block format without compressing it: its
// length, then literals of at most 64 KiB.
func snappy(data []byte) []byte {
	out := binary.AppendUvarint(nil, uint64(len(data)))
	for part := range slices.Chunk(data, 1<<16) {
		out = append(out, 61<<2) // a literal whose length less one follows, in two bytes
		out = binary.LittleEndian.AppendUint16(out, uint16(len(part)-1))
		out = append(out, part...)
	}
	return out
}

// count returns the value of a counter of the client's, 0 if it is not there.
func (s site) count(t testing.TB, series string) float64 {
	t.Helper()
	name, _, _ := strings.Cut(series, "{")
	families, err := s.m.Gatherer().Gather()
	require.NoError(t, err)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			l := monitor.Labels{monitor.MetricName: name}
			for _, p := range m.GetLabel() {
				l[p.GetName()] = p.GetValue()
			}
			if f.GetName() == name && l.String() == series {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return 0
}

// transport is a function as an http.RoundTripper.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answering is a transport that answers every request without a network.
func answering(status int, body string) transport {
	return func(r *http.Request) (*http.Response, error) { return response(r, status, body), nil }
}

func response(r *http.Request, status int, body string) *http.Response {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}
}

// kindOf returns the one kind that an error is of, nil if it is of none or more.
func kindOf(err error) error {
	var kinds []error
	for _, k := range []error{
		monitor.ErrQueryInvalid, monitor.ErrQueryLimit, monitor.ErrQueryTimeout, monitor.ErrQueryDenied,
		monitor.ErrQueryUnavailable, context.Canceled,
	} {
		if errors.Is(err, k) {
			kinds = append(kinds, k)
		}
	}
	if len(kinds) != 1 {
		return nil
	}
	return kinds[0]
}
