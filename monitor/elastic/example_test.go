package elastic_test

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/elastic"
)

// A service that sends its log records to Elasticsearch. Here a server of the
// example's own says what it was sent.
func Example() {
	arrived := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := gzip.NewReader(r.Body)
		if err != nil {
			panic(err)
		}
		text, _ := io.ReadAll(body)
		fmt.Fprint(w, `{"errors":false,"items":[{"create":{"status":201}}]}`)
		_, attributes, _ := strings.Cut(string(text), `"attributes":`)
		arrived <- attributes
	}))
	defer server.Close()

	store, err := elastic.New([]string{server.URL}, elastic.WithLogBatch(500, 10*time.Millisecond))
	if err != nil {
		panic(err)
	}
	defer store.Close()
	m, err := monitor.New(monitor.WithService("quotes", "v1.4.0"))
	if err != nil {
		panic(err)
	}
	if err := store.Watch(m); err != nil {
		panic(err)
	}
	logger := slog.New(store.Handler()) // usually beside another one: slog.NewMultiHandler

	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- m.Run(ctx, store) }()
	logger.Info("data source answered", "data_source", "sse", "api_token", "s3cr3t", "took", 1500*time.Millisecond)
	fmt.Print(<-arrived)
	stop()
	fmt.Println(<-ended)
	// Output:
	// {"data_source":"sse","api_token":"[redacted]","took":1.5}}
	// <nil>
}
