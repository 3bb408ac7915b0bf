package history_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/instrument"
	"github.com/chronoretrace/chronomon/monitor/history"
)

// served is a history with a little in it, and its API.
func served(t *testing.T, opts ...history.Option) http.Handler {
	t.Helper()
	r := setup(t, opts...)
	g := r.gauge(t, "g", "a")
	g.WithLabelValues("x").Set(1.5)
	g.WithLabelValues(`<y>"`).Set(1e-7)
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "h", Help: "x", NativeHistogramBucketFactor: 2})
	h.Observe(0)
	h.Observe(3)
	h.Observe(-3)
	r.m.Registerer().MustRegister(h)
	tr := newTraffic(t, r.m, 1)
	tr.cells[0].Observe(&instrument.Home{}, 0, int64(30*time.Millisecond))
	tr.cells[0].Exemplar(0, int64(30*time.Millisecond), "abc", start)
	r.sample(t, start)
	r.sample(t, start.Add(10*time.Second))
	return r.db.Handler()
}

func get(h http.Handler, path string, pairs ...string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/"+path+"?"+form(pairs).Encode(), http.NoBody))
	return w
}

func form(pairs []string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

const at = "1700000010"

// TestAPI holds the responses to what Prometheus answers, byte for byte.
func TestAPI(t *testing.T) {
	t.Parallel()
	h := served(t)
	for name, c := range map[string]struct {
		path  string
		form  []string
		reply string
	}{
		"vector": {
			"query",
			[]string{"query", "g", "time", at},
			`{"resultType":"vector","result":[{"metric":{"__name__":"g","a":"\u003cy\u003e\""},"value":[1700000010,"1e-07"]},` +
				`{"metric":{"__name__":"g","a":"x"},"value":[1700000010,"1.5"]}]}`,
		},
		"empty":        {"query", []string{"query", "nothing", "time", at}, `{"resultType":"vector","result":[]}`},
		"scalar":       {"query", []string{"query", "1/0", "time", "1700000010.25"}, `{"resultType":"scalar","result":[1700000010.250,"+Inf"]}`},
		"not a number": {"query", []string{"query", "0/0", "time", at}, `{"resultType":"scalar","result":[1700000010,"NaN"]}`},
		"small":        {"query", []string{"query", "1e-7", "time", at}, `{"resultType":"scalar","result":[1700000010,"1e-07"]}`},
		"string":       {"query", []string{"query", `"a\"b"`, "time", at}, `{"resultType":"string","result":[1700000010,"a\"b"]}`},
		"RFC 3339":     {"query", []string{"query", "time()", "time", "2023-11-14T22:13:30Z"}, `{"resultType":"scalar","result":[1700000010,"1700000010"]}`},
		"native": {
			"query",
			[]string{"query", "h", "time", at},
			`{"resultType":"vector","result":[{"metric":{"__name__":"h"},"histogram":[1700000010,{"count":"3","sum":"0","buckets":[` +
				`[1,"-4","-2","1"],[3,"-2.938735877055719e-39","2.938735877055719e-39","1"],[0,"2","4","1"]]}]}]}`,
		},
		"matrix": {
			"query",
			[]string{"query", `g{a="x"}[20s]`, "time", at},
			`{"resultType":"matrix","result":[{"metric":{"__name__":"g","a":"x"},"values":[[1700000000,"1.5"],[1700000010,"1.5"]]}]}`,
		},
		"range": {
			"query_range",
			[]string{"query", `sum(g)`, "start", "1700000000", "end", "1700000010.5", "step", "5"},
			`{"resultType":"matrix","result":[{"metric":{},"values":[[1700000000,"1.5000001"],[1700000005,"1.5000001"],[1700000010,"1.5000001"]]}]}`,
		},
		"range of natives": {
			"query_range",
			[]string{"query", `h`, "start", "1700000000", "end", "1700000000", "step", "1m"},
			`{"resultType":"matrix","result":[{"metric":{"__name__":"h"},"histograms":[[1700000000,{"count":"3","sum":"0","buckets":[` +
				`[1,"-4","-2","1"],[3,"-2.938735877055719e-39","2.938735877055719e-39","1"],[0,"2","4","1"]]}]]}]}`,
		},
		"series":           {"series", []string{"match[]", "g", "match[]", `{a="x"}`}, `[{"__name__":"g","a":"\u003cy\u003e\""},{"__name__":"g","a":"x"}]`},
		"series of before": {"series", []string{"match[]", "g", "end", "1699999999"}, `[]`},
		"labels":           {"labels", []string{"match[]", "g"}, `["__name__","a"]`},
		"values":           {"label/a/values", nil, `["\u003cy\u003e\"","x"]`},
		"values of match":  {"label/__name__/values", []string{"match[]", `{a="x"}`}, `["g"]`},
		"no values":        {"label/nothing/values", nil, `[]`},
		"metadata":         {"metadata", []string{"metric", "g"}, `{"g":[{"type":"gauge","help":"g","unit":""}]}`},
		"exemplars": {
			"query_exemplars",
			[]string{"query", "t_duration_seconds_bucket", "start", "1700000000", "end", at},
			`[{"seriesLabels":{"__name__":"t_duration_seconds_bucket","endpoint":"/api/v1/stocks/0000/{symbol}","le":"0.05"},` +
				`"exemplars":[{"labels":{"trace_id":"abc"},"value":"0.03","timestamp":1700000000}]}]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := get(h, c.path, c.form...)
			require.Equal(t, http.StatusOK, w.Code, w.Body)
			require.Equal(t, "application/json", w.Header().Get("Content-Type"))
			require.Equal(t, `{"status":"success","data":`+c.reply+`}`, w.Body.String())
		})
	}
}

func TestAPIErrors(t *testing.T) {
	t.Parallel()
	h := served(t, history.WithQuerySamples(3))
	for name, c := range map[string]struct {
		path   string
		form   []string
		status int
		reply  string
	}{
		"not PromQL": {"query", []string{"query", "rate(", "time", at}, 400, `"errorType":"bad_data"`},
		"text":       {"query", []string{"query", "g{", "time", at}, 400, `"error":"invalid parameter \"query\": 1:3: parse error`},
		"time":       {"query", []string{"query", "g", "time", "x"}, 400, `"error":"invalid parameter \"time\": cannot parse \"x\" to a valid timestamp"`},
		"NaN":        {"query", []string{"query", "g", "time", "NaN"}, 400, `bad_data`},
		"timeout":    {"query", []string{"query", "g", "timeout", "x"}, 400, `invalid parameter \"timeout\"`},
		"no start":   {"query_range", []string{"query", "g", "end", at, "step", "1"}, 400, `invalid parameter \"start\"`},
		"end":        {"query_range", []string{"query", "g", "start", at, "end", "1", "step", "1"}, 400, `end timestamp must not be before start time`},
		"step":       {"query_range", []string{"query", "g", "start", "1", "end", "1", "step", "0"}, 400, `zero or negative query resolution`},
		"points":     {"query_range", []string{"query", "g", "start", "0", "end", "11001", "step", "1"}, 400, `exceeded maximum resolution of 11,000 points`},
		"too large":  {"query", []string{"query", "g[1m]", "time", at}, 422, `{"status":"error","errorType":"execution","error":"query processing would load too many samples into memory in `},
		"no match":   {"series", nil, 400, `"error":"no match[] parameter provided"`},
		"match":      {"series", []string{"match[]", "{"}, 400, `invalid parameter \"match[]\"`},
		"limit":      {"labels", []string{"limit", "-1"}, 400, `invalid parameter \"limit\"`},
		"exemplars":  {"query_exemplars", []string{"query", "{"}, 400, `bad_data`},
		"late":       {"query", []string{"query", "g", "timeout", "1e-9"}, 503, `"errorType":"timeout"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := get(h, c.path, c.form...)
			require.Equal(t, c.status, w.Code, w.Body)
			require.Contains(t, w.Body.String(), c.reply)
			require.Contains(t, w.Body.String(), `"status":"error"`)
		})
	}
	require.Equal(t, http.StatusNotFound, get(h, "write").Code)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodDelete, "/api/v1/query", http.NoBody))
	require.Equal(t, http.StatusMethodNotAllowed, w.Code)
}

func TestAPILimits(t *testing.T) {
	t.Parallel()
	h := served(t)
	for _, c := range [][]string{
		{"query", "query", "g", "time", at}, {"series", "match[]", "g"}, {"labels"}, {"label/a/values"},
	} {
		w := get(h, c[0], append(c[1:], "limit", "1")...)
		require.Equal(t, http.StatusOK, w.Code)
		require.Contains(t, w.Body.String(), `"warnings":["results truncated due to limit"]`, c)
	}
	require.Len(t, strings.Split(get(h, "metadata", "limit", "3").Body.String(), `"type"`), 4)
	require.Contains(t, get(h, "query", "query", "rate(g[1m])", "time", at).Body.String(), `"infos":["PromQL info: metric might not be a counter`)
	require.Regexp(t, `"version":"(\d+\.\d+\.\d+|unknown)"`, get(h, "status/buildinfo").Body.String())
}

func TestAPIPost(t *testing.T) {
	t.Parallel()
	h := served(t)
	post := func(body string) (int, string) {
		r := httptest.NewRequest(http.MethodPost, "/api/v1/query", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		b, err := io.ReadAll(w.Body)
		require.NoError(t, err)
		return w.Code, string(b)
	}
	code, body := post(form([]string{"query", "sum(g)", "time", at}).Encode())
	require.Equal(t, http.StatusOK, code)
	require.Contains(t, body, `"1.5000001"`)
	code, body = post("query=" + strings.Repeat("a", 2<<20))
	require.Equal(t, http.StatusBadRequest, code)
	require.Contains(t, body, "error parsing form values")
}

// TestSteps: a step is a number of milliseconds, however its seconds are written.
func TestSteps(t *testing.T) {
	t.Parallel()
	h := served(t)
	for step, points := range map[string]int{
		"1.001": 2, "0.0015": 1001 / 2, "1.0005": 1, "1": 2, "2": 1, "0.5s": 0, "500ms": 3, "0.25": 5, "0.0004": 0, "0": 0, "-1": 0, "NaN": 0,
	} {
		to := "1700000001.001"
		if step == "0.25" || step == "500ms" || step == "1" {
			to = "1700000001"
		}
		w := get(h, "query_range", "query", "vector(1)", "start", "1700000000", "end", to, "step", step)
		if points == 0 {
			require.Equal(t, 400, w.Code, step)
			continue
		}
		require.Equal(t, 200, w.Code, "%s: %s", step, w.Body)
		require.InDelta(t, points, strings.Count(w.Body.String(), "[1700000"), 1, step)
	}
}
