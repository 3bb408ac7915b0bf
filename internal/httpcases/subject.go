package httpcases

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// A Subject is a middleware under test with the registry it records into.
type Subject struct {
	Name string
	// Wrap puts a new instance of the middleware around the app. Every instance
	// records into the subject's registry.
	Wrap     func(App) (http.Handler, error)
	Gatherer prometheus.Gatherer
	Metrics  Metrics
}

// A Setup makes a fresh Subject. One is made for each run of a case.
type Setup func() (Subject, error)

// Metrics names what a Subject exposes. An empty name says that it has no such
// metric or label.
type Metrics struct {
	Requests      string // rises by one per request; of a histogram or summary, its count
	Duration      string // seconds
	InFlight      string
	RequestBytes  string
	ResponseBytes string

	Status, Method, Endpoint string // labels of Requests

	Unmatched   string // the Endpoint of a request that no route matched, if there is a promise
	OtherMethod string // the Method of an unknown method, if there is a promise
}

// Scraped returns a Gatherer that asks the exposition handler for its text
// form and parses that.
func Scraped(exposition http.Handler) prometheus.Gatherer {
	return prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/metrics", http.NoBody)
		r.Header.Set("Accept", "text/plain;version=0.0.4")
		exposition.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			return nil, fmt.Errorf("httpcases: exposition answered %d: %s", w.Code, w.Body)
		}
		parser := expfmt.NewTextParser(model.UTF8Validation)
		byName, err := parser.TextToMetricFamilies(w.Body)
		if err != nil {
			return nil, fmt.Errorf("httpcases: parse exposition: %w", err)
		}
		families := make([]*dto.MetricFamily, 0, len(byName))
		for _, f := range byName {
			families = append(families, f)
		}
		return families, nil
	})
}
