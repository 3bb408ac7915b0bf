package elastic_test

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
)

// standIn is what Elasticsearch's reference says of the bulk API, and no more
// lenient than the server: what it would refuse is an error of the test.
type standIn struct {
	*httptest.Server
	t testing.TB

	mu       sync.Mutex
	docs     []doc                                      // guarded by mu; in the order in which they were taken
	ids      map[string]bool                            // guarded by mu
	requests [][]doc                                    // guarded by mu
	puts     map[string]map[string]any                  // guarded by mu; bodies of other requests
	policy   string                                     // guarded by mu; the lifecycle policy that is there
	limit    int                                        // guarded by mu; bytes of a body, 0: none
	answer   func(w http.ResponseWriter, n int) bool    // guarded by mu; answers the whole request, if it is not nil and returns true
	item     func(d doc) (status int, errorType string) // guarded by mu; 0: takes it; a reason may follow the type, after a colon
}

// doc is one document with its place.
type doc struct {
	Index, ID string
	Source    map[string]any
}

func newStandIn(t testing.TB) *standIn {
	t.Helper()
	s := &standIn{t: t, ids: map[string]bool{}, puts: map[string]map[string]any{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// set changes how the stand-in behaves.
func (s *standIn) set(f func(*standIn)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s)
}

func (s *standIn) taken() []doc {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.docs)
}

func (s *standIn) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.requests)
}

func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("X-Elastic-Product", "Elasticsearch")
	w.Header().Set("Content-Type", "application/json")
	body, err := plain(r)
	if err != nil {
		s.t.Errorf("stand-in: %v", err)
	}
	if r.Method == http.MethodGet {
		if s.policy == "" {
			w.WriteHeader(http.StatusNotFound)
		}
		fmt.Fprint(w, s.policy)
		return
	}
	if r.URL.Path != "/_bulk" {
		var v map[string]any
		if err := json.Unmarshal(body, &v); err != nil {
			s.t.Errorf("stand-in: %s %s: %v", r.Method, r.URL, err)
		}
		s.puts[r.Method+" "+r.URL.Path] = v
		fmt.Fprint(w, `{"acknowledged":true}`)
		return
	}
	if s.limit > 0 && len(body) > s.limit {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	docs := s.parse(r, body)
	s.requests = append(s.requests, docs)
	if s.answer != nil && s.answer(w, len(s.requests)) {
		return
	}
	s.take(w, docs)
}

func plain(r *http.Request) ([]byte, error) {
	if r.Header.Get("Content-Encoding") != "gzip" {
		return io.ReadAll(r.Body)
	}
	z, err := gzip.NewReader(r.Body)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

var indexName = regexp.MustCompile(`^[a-z0-9-]+-\d{4}\.\d{2}\.\d{2}$`)

// parse reads a body of action and document lines.
func (s *standIn) parse(r *http.Request, body []byte) (docs []doc) {
	if ct := r.Header.Get("Content-Type"); r.Method != http.MethodPost || ct != "application/x-ndjson" {
		s.t.Errorf("stand-in: %s of %q", r.Method, ct)
	}
	if !bytes.HasSuffix(body, []byte("\n")) {
		s.t.Errorf("stand-in: the body does not end with a line break")
	}
	lines := bufio.NewScanner(bytes.NewReader(body))
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var action struct {
			Create *struct {
				Index string `json:"_index"`
				ID    string `json:"_id"`
			}
		}
		if err := json.Unmarshal(lines.Bytes(), &action); err != nil || action.Create == nil || !indexName.MatchString(action.Create.Index) || action.Create.ID == "" {
			s.t.Errorf("stand-in: action %q: %v", lines.Text(), err)
			return nil
		}
		if !lines.Scan() {
			s.t.Errorf("stand-in: an action without a document")
			return nil
		}
		d := doc{Index: action.Create.Index, ID: action.Create.ID}
		if err := unique(json.NewDecoder(bytes.NewReader(lines.Bytes()))); err != nil {
			s.t.Errorf("stand-in: document %.300q: %v", lines.Text(), err)
		}
		if bytes.Contains(lines.Bytes(), []byte(`\u0000`)) { // which flattened fields do not take
			s.t.Errorf("stand-in: document %.300q: a NUL", lines.Text())
		}
		if err := json.Unmarshal(lines.Bytes(), &d.Source); err != nil {
			s.t.Errorf("stand-in: document %.300q: %v", lines.Text(), err)
		}
		text, _ := d.Source["@timestamp"].(string)
		if at, err := time.Parse(time.RFC3339Nano, text); err != nil || at.Year() < 1970 || at.Year() > 2261 { // date_nanos
			s.t.Errorf("stand-in: @timestamp %q: %v", text, err)
		}
		docs = append(docs, d)
	}
	return docs
}

// unique complains of keys that are empty or there twice, as Elasticsearch does.
func unique(dec *json.Decoder) error {
	tok, err := dec.Token()
	if err != nil {
		return err
	}
	switch tok {
	case json.Delim('{'):
		seen := map[string]bool{}
		for dec.More() {
			key, err := dec.Token()
			if err != nil {
				return err
			}
			if name := key.(string); seen[name] || name == "" {
				return fmt.Errorf("key %q", name)
			}
			seen[key.(string)] = true
			if err := unique(dec); err != nil {
				return err
			}
		}
		_, err = dec.Token()
	case json.Delim('['):
		for dec.More() {
			if err := unique(dec); err != nil {
				return err
			}
		}
		_, err = dec.Token()
	}
	return err
}

// take answers for each document.
func (s *standIn) take(w http.ResponseWriter, docs []doc) {
	type itemError struct {
		Type   string `json:"type"`
		Reason string `json:"reason"`
	}
	type item struct {
		Status int        `json:"status"`
		Error  *itemError `json:"error,omitempty"`
	}
	out := struct {
		Took   int               `json:"took"`
		Errors bool              `json:"errors"`
		Items  []map[string]item `json:"items"`
	}{}
	for _, d := range docs {
		it := item{Status: http.StatusCreated}
		status, errorType := 0, ""
		if s.item != nil {
			status, errorType = s.item(d)
		}
		switch {
		case status != 0:
			kind, reason, _ := strings.Cut(errorType, ": ")
			it = item{status, &itemError{kind, cmp.Or(reason, "Preview of field's value: 'hunter2'")}}
		case s.ids[d.ID]:
			it = item{http.StatusConflict, &itemError{"version_conflict_engine_exception", ""}}
		default:
			s.ids[d.ID] = true
			s.docs = append(s.docs, d)
		}
		out.Errors = out.Errors || it.Error != nil
		out.Items = append(out.Items, map[string]item{"create": it})
	}
	_ = json.NewEncoder(w).Encode(out)
}

// events reads what was taken back.
func (s *standIn) events() []monitor.Event {
	var out []monitor.Event
	for _, d := range s.taken() {
		out = append(out, eventOf(s.t, d.Source))
	}
	return out
}

func eventOf(t testing.TB, src map[string]any) monitor.Event {
	t.Helper()
	text := func(key string) string { v, _ := src[key].(string); return v }
	e := monitor.Event{Name: text("name"), TraceID: text("trace_id"), User: text("user")}
	for _, k := range monitor.Kinds() {
		if k.String() == src["kind"] {
			e.Kind = k
		}
	}
	at, err := time.Parse(time.RFC3339Nano, text("@timestamp"))
	if err != nil {
		t.Errorf("@timestamp: %v", err)
	}
	e.Time = at
	if d, ok := src["duration_seconds"].(float64); ok {
		e.Duration = time.Duration(d*1e9 + .5)
	}
	e.Failed, _ = src["failed"].(bool)
	e.Slow, _ = src["slow"].(bool)
	attrs, _ := src["attributes"].(map[string]any)
	for key, v := range attrs {
		e.Add(slog.Any(key, v))
	}
	return e
}
