package history

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/chronoretrace/chronomon/monitor"
)

// Handler serves the reading part of Prometheus's HTTP API under /api/v1: query,
// query_range, format_query, series, labels, label/…/values, metadata,
// query_exemplars, status/buildinfo and status/runtimeinfo, by GET and where
// Prometheus takes it by POST; rules, alerts, targets and alertmanagers, which are
// empty; and /-/healthy and /-/ready. Grafana and every other client of Prometheus
// can use the process as a data source. While the monitor is off, data is an error
// of status 503. Responses are gzipped if the client asks for that. Like
// Prometheus it does not ask who is calling: put it behind what does. A prefix
// is taken off with [http.StripPrefix].
func (db *DB) Handler() http.Handler {
	mux := http.NewServeMux()
	data := map[string]endpoint{
		"query": {db.apiQuery, true}, "query_range": {db.apiQueryRange, true}, "query_exemplars": {db.apiExemplars, true},
		"series": {db.apiSeries, true}, "labels": {db.apiLabels, true}, "label/{name}/values": {db.apiLabelValues, false},
		"metadata": {db.apiMetadata, false},
	}
	for path, e := range data {
		if db.m.Off() {
			e.apiFunc = func(r *http.Request) response { return response{err: unavailable(r.FormValue("query"))} }
		}
		mux.Handle("/api/v1/"+path, e)
	}
	for path, e := range db.serverAPI() {
		mux.Handle("/api/v1/"+path, e)
	}
	mux.Handle("/api/v1/", apiFunc(apiNotFound))
	mux.HandleFunc("GET /-/healthy", serveHealthy)
	mux.HandleFunc("GET /-/ready", serveHealthy)
	return mux
}

// endpoint is a part of the API, which is asked by GET or also by POST.
type endpoint struct {
	apiFunc
	post bool
}

// ServeHTTP implements http.Handler.
func (e endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodGet, r.Method == http.MethodHead, r.Method == http.MethodPost && e.post:
		e.apiFunc.ServeHTTP(w, r)
		return
	case e.post:
		w.Header().Set("Allow", "GET, HEAD, POST")
	default:
		w.Header().Set("Allow", "GET, HEAD")
	}
	http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
}

// apiFunc answers a request whose form has been parsed.
type apiFunc func(r *http.Request) response

// response is what a request is answered with: data, which is JSON, or an error.
type response struct {
	data            []byte
	warnings, infos []string
	err             error
}

// maxForm bounds the body of a request.
const maxForm = 1 << 20

// ServeHTTP implements http.Handler.
func (f apiFunc) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	var res response
	if err := r.ParseForm(); err != nil {
		res.err = fmt.Errorf("error parsing form values: %w", err)
	} else {
		res = f(r)
	}
	w.Header().Set("Content-Type", "application/json")
	if res.err != nil {
		api := apiErrorOf(res.err)
		reply(w, r, api.status, asJSON(struct {
			Status    string `json:"status"`
			ErrorType string `json:"errorType"`
			Error     string `json:"error"`
		}{"error", api.name, errorText(res.err)}))
		return
	}
	b := append([]byte(`{"status":"success","data":`), res.data...)
	b = appendList(b, `,"warnings":`, res.warnings)
	b = appendList(b, `,"infos":`, res.infos)
	reply(w, r, http.StatusOK, append(b, '}'))
}

func appendList(b []byte, name string, list []string) []byte {
	if len(list) == 0 {
		return b
	}
	return append(append(b, name...), asJSON(list)...)
}

// asJSON encodes what cannot fail to be.
func asJSON(v any) []byte {
	b, _ := json.Marshal(v)
	return b
}

func apiErrorOf(err error) apiError {
	if q, ok := errors.AsType[*queryError](err); ok {
		return q.api
	}
	if c, ok := errors.AsType[*callError](err); ok {
		return c.api
	}
	return apiBadData
}

// errorText is an error in Prometheus's words.
func errorText(err error) string {
	q, ok := errors.AsType[*queryError](err)
	switch {
	case !ok:
		return err.Error()
	case q.api == apiBadData:
		return `invalid parameter "query": ` + q.cause.Error()
	}
	return q.cause.Error()
}

func (db *DB) apiQuery(r *http.Request) (res response) {
	at, err := timeParam(r, "time", db.m.Now())
	if err != nil {
		return response{err: err}
	}
	ctx, cancel, err := timeoutParam(r)
	if err != nil {
		return response{err: err}
	}
	defer cancel()
	a, err := db.instant(ctx, r.FormValue("query"), at)
	return a.respond(r, err)
}

// maxPoints bounds the points of each series in a response, as in Prometheus.
const maxPoints = 11_000

func (db *DB) apiQueryRange(r *http.Request) response {
	from, err := timeParam(r, "start", time.Time{})
	if err != nil {
		return response{err: err}
	}
	to, err := timeParam(r, "end", time.Time{})
	if err != nil {
		return response{err: err}
	}
	if to.Before(from) {
		return response{err: badParameter("end", errors.New("end timestamp must not be before start time"))}
	}
	step, err := stepParam(r)
	if err != nil {
		return response{err: err}
	}
	if to.Sub(from)/step > maxPoints {
		return response{err: errors.New("exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)")}
	}
	ctx, cancel, err := timeoutParam(r)
	if err != nil {
		return response{err: err}
	}
	defer cancel()
	a, err := db.between(ctx, r.FormValue("query"), monitor.Range{From: from, To: to, Step: step})
	return a.respond(r, err)
}

// respond makes the response of a query's answer.
func (a *answer) respond(r *http.Request, err error) response {
	if err != nil {
		return response{err: err}
	}
	limit, err := limitParam(r)
	if err != nil {
		return response{err: err}
	}
	if a.kind == kindVector || a.kind == kindMatrix {
		a.series = truncate(a.series, limit, &a.warnings)
	}
	return response{data: a.appendJSON(nil), warnings: a.warnings, infos: a.infos}
}

// truncate cuts a list to a limit, if that is not 0, and says so.
func truncate[T any](list []T, limit int, warnings *[]string) []T {
	if limit > 0 && len(list) > limit {
		*warnings = append(*warnings, "results truncated due to limit")
		return list[:limit]
	}
	return list
}

func (db *DB) apiSeries(r *http.Request) response {
	found, err := db.matching(r, true)
	if err != nil {
		return response{err: err}
	}
	limit, err := limitParam(r)
	if err != nil {
		return response{err: err}
	}
	slices.SortFunc(found, func(a, b *series) int { return labels.Compare(a.labels, b.labels) })
	var res response
	res.data = append(res.data, '[')
	for i, s := range truncate(found, limit, &res.warnings) {
		if i > 0 {
			res.data = append(res.data, ',')
		}
		res.data = appendLabels(res.data, s.labels)
	}
	res.data = append(res.data, ']')
	return res
}

func (db *DB) apiLabels(r *http.Request) response {
	return db.respondSet(r, func(s *series, add func(string)) {
		s.labels.Range(func(l labels.Label) { add(l.Name) })
	})
}

func (db *DB) apiLabelValues(r *http.Request) response {
	name := r.PathValue("name")
	if escaped, ok := strings.CutPrefix(name, "U__"); ok {
		name = model.UnescapeName("U__"+escaped, model.ValueEncodingEscaping)
	}
	if !model.UTF8Validation.IsValidLabelName(name) {
		return response{err: fmt.Errorf("invalid label name: %q", name)}
	}
	return db.respondSet(r, func(s *series, add func(string)) {
		if v := s.labels.Get(name); v != "" {
			add(v)
		}
	})
}

// respondSet responds with what the matching series have, each once and in order.
func (db *DB) respondSet(r *http.Request, of func(s *series, add func(string))) response {
	found, err := db.matching(r, false)
	if err != nil {
		return response{err: err}
	}
	limit, err := limitParam(r)
	if err != nil {
		return response{err: err}
	}
	set := map[string]bool{}
	for _, s := range found {
		of(s, func(v string) { set[v] = true })
	}
	list := slices.AppendSeq(make([]string, 0, len(set)), maps.Keys(set))
	slices.Sort(list)
	var res response
	res.data = asJSON(truncate(list, limit, &res.warnings))
	return res
}

// matching returns the series that any of the request's selectors selects and
// that have samples in its time: all there are if neither is given.
func (db *DB) matching(r *http.Request, need bool) ([]*series, error) {
	from, err := timeParam(r, "start", time.UnixMilli(minTime))
	if err != nil {
		return nil, err
	}
	to, err := timeParam(r, "end", time.UnixMilli(maxTime))
	if err != nil {
		return nil, err
	}
	selectors := r.Form["match[]"]
	if need && len(selectors) == 0 {
		return nil, errors.New("no match[] parameter provided")
	}
	var sets [][]*labels.Matcher
	for _, s := range selectors {
		m, err := parseSelector(s)
		if err != nil {
			return nil, badParameter("match[]", err)
		}
		sets = append(sets, m)
	}
	if len(sets) == 0 {
		sets = append(sets, nil)
	}
	seen := map[*series]bool{}
	rd := reader{db.store, millis(from), min(millis(to), db.store.committed.Load())}
	for _, m := range sets {
		for _, s := range rd.live(m, rd.from, rd.to) {
			seen[s] = true
		}
	}
	return slices.Collect(maps.Keys(seen)), nil
}

func (db *DB) apiMetadata(r *http.Request) response {
	type entry struct {
		Type string `json:"type"`
		Help string `json:"help"`
		Unit string `json:"unit"`
	}
	limit, err := limitParam(r)
	if err != nil {
		return response{err: err}
	}
	all := db.Metadata()
	out := map[string][]entry{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if limit > 0 && len(out) == limit {
			break
		}
		if only := r.FormValue("metric"); only == "" || only == name {
			out[name] = []entry{{Type: all[name].Type, Help: all[name].Help}}
		}
	}
	return response{data: asJSON(out)}
}

func (db *DB) apiExemplars(r *http.Request) response {
	type exemplar struct {
		Labels    monitor.Labels  `json:"labels"`
		Value     json.RawMessage `json:"value"`
		Timestamp json.RawMessage `json:"timestamp"`
	}
	type of struct {
		SeriesLabels monitor.Labels `json:"seriesLabels"`
		Exemplars    []exemplar     `json:"exemplars"`
	}
	from, err := timeParam(r, "start", time.UnixMilli(minTime))
	if err != nil {
		return response{err: err}
	}
	to, err := timeParam(r, "end", time.UnixMilli(maxTime))
	if err != nil {
		return response{err: err}
	}
	found, err := db.Exemplars(r.Context(), r.FormValue("query"), from, to)
	if err != nil {
		return response{err: err}
	}
	out := make([]of, 0, len(found))
	for _, s := range found {
		o := of{SeriesLabels: s.Labels}
		for _, e := range s.Exemplars {
			o.Exemplars = append(o.Exemplars, exemplar{e.Labels, appendFloat(nil, e.Value), appendTime(nil, millis(e.Time))})
		}
		out = append(out, o)
	}
	return response{data: asJSON(out)}
}
