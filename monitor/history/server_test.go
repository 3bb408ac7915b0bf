package history_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/history"
)

// TestServerAPI: what clients ask of a server beside its data, in its own words.
func TestServerAPI(t *testing.T) {
	t.Parallel()
	h := served(t)
	for name, c := range map[string]struct {
		path  string
		form  []string
		reply string
	}{
		"rules":         {"rules", nil, `{"groups":[]}`},
		"alerts":        {"alerts", nil, `{"alerts":[]}`},
		"targets":       {"targets", nil, `{"activeTargets":[],"droppedTargets":[],"droppedTargetCounts":{}}`},
		"alertmanagers": {"alertmanagers", nil, `{"activeAlertmanagers":[],"droppedAlertmanagers":[]}`},
		"format":        {"format_query", []string{"query", `sum  by(a)(rate(g [5m]))>1`}, `"sum by (a) (rate(g[5m])) \u003e 1"`},
		"format long": {
			"format_query",
			[]string{"query", `sum by (endpoint) (rate(t_requests_total{endpoint="/api/v1/stocks/0000/{symbol}"}[5m])) / sum by (endpoint) (rate(t_errors_total[5m]))`},
			`"  sum by (endpoint) (rate(t_requests_total{endpoint=\"/api/v1/stocks/0000/{symbol}\"}[5m]))\n/\n  sum by (endpoint) (rate(t_errors_total[5m]))"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := get(h, c.path, c.form...)
			require.Equal(t, http.StatusOK, w.Code, w.Body)
			require.Equal(t, `{"status":"success","data":`+c.reply+`}`, w.Body.String())
		})
	}
	w := get(h, "format_query", "query", "rate(")
	require.Equal(t, http.StatusBadRequest, w.Code)
	require.Contains(t, w.Body.String(), `"errorType":"bad_data","error":"invalid parameter \"query\": 1:6: parse error`)
}

// TestServerClient reads the same with client_golang's client.
func TestServerClient(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(served(t))
	t.Cleanup(server.Close)
	c, err := api.NewClient(api.Config{Address: server.URL})
	require.NoError(t, err)
	client := v1.NewAPI(c)
	rules, err := client.Rules(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, rules.Groups)
	alerts, err := client.Alerts(t.Context())
	require.NoError(t, err)
	require.Empty(t, alerts.Alerts)
	targets, err := client.Targets(t.Context())
	require.NoError(t, err)
	require.Empty(t, targets.Active)
	info, err := client.Runtimeinfo(t.Context())
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), info.StartTime, time.Minute)
	require.Equal(t, runtime.GOMAXPROCS(0), info.GOMAXPROCS)
	require.Positive(t, info.GoroutineCount)
	require.True(t, info.ReloadConfigSuccess)
	require.Equal(t, "1d", info.StorageRetention)
	build, err := client.Buildinfo(t.Context())
	require.NoError(t, err)
	require.Equal(t, runtime.Version(), build.GoVersion)
}

func TestServerHealth(t *testing.T) {
	t.Parallel()
	h := http.StripPrefix("/prometheus", served(t))
	for _, path := range []string{"/prometheus/-/healthy", "/prometheus/-/ready"} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			w := asked(h, method, path, "")
			require.Equal(t, http.StatusOK, w.Code, path)
		}
		require.Equal(t, http.StatusMethodNotAllowed, asked(h, http.MethodPost, path, "").Code)
	}
}

// TestServerUnknown: what there is not is said as Prometheus's clients read it.
func TestServerUnknown(t *testing.T) {
	t.Parallel()
	h := served(t)
	for _, path := range []string{"status/config", "write", "admin/tsdb/snapshot", "nothing", "label/a", "query/"} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut} {
			w := asked(h, method, "/api/v1/"+path, "")
			require.Equal(t, http.StatusNotFound, w.Code, path)
			require.Equal(t, "application/json", w.Header().Get("Content-Type"))
			var reply struct{ Status, ErrorType, Error string }
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &reply))
			require.Equal(t, "error", reply.Status)
			require.Equal(t, "not_found", reply.ErrorType)
			require.Contains(t, reply.Error, "/api/v1/"+path)
		}
	}
	for path, allow := range map[string]string{"query": "GET, HEAD, POST", "rules": "GET, HEAD", "label/a/values": "GET, HEAD"} {
		w := asked(h, http.MethodDelete, "/api/v1/"+path, "")
		require.Equal(t, http.StatusMethodNotAllowed, w.Code, path)
		require.Equal(t, allow, w.Header().Get("Allow"), path)
	}
	require.Equal(t, http.StatusMethodNotAllowed, asked(h, http.MethodPost, "/api/v1/rules", "").Code)
	require.Equal(t, http.StatusNotFound, asked(h, http.MethodGet, "/", "").Code)
}

// TestServerOff: no data is no answer, so that no dashboard reads it as all quiet.
func TestServerOff(t *testing.T) {
	t.Parallel()
	m, err := monitor.New(monitor.WithDisabled())
	require.NoError(t, err)
	db, err := history.New(m)
	require.NoError(t, err)
	h := db.Handler()
	for path, form := range map[string][]string{
		"query": {"query", "up"}, "query_range": {"query", "up", "start", "1", "end", "2", "step", "1"},
		"series": {"match[]", "up"}, "labels": nil, "label/a/values": nil, "metadata": nil, "query_exemplars": {"query", "up"},
	} {
		w := get(h, path, form...)
		require.Equal(t, http.StatusServiceUnavailable, w.Code, path)
		require.JSONEq(t, `{"status":"error","errorType":"unavailable","error":"the monitor is off"}`, w.Body.String(), path)
	}
	for _, path := range []string{"rules", "status/buildinfo", "format_query"} {
		require.Equal(t, http.StatusOK, asked(h, http.MethodGet, "/api/v1/"+path, "", "query", "up").Code, path)
	}
}
