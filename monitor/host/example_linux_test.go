package host_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/host"
)

func ExampleNew() {
	m, err := monitor.New()
	if err != nil {
		log.Fatal(err)
	}
	if _, err := host.New(m); err != nil {
		log.Fatal(err)
	}

	page := httptest.NewRecorder()
	m.Handler().ServeHTTP(page, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	for line := range strings.Lines(page.Body.String()) {
		if strings.HasPrefix(line, "# TYPE node_load") {
			fmt.Print(line)
		}
	}
	// Output:
	// # TYPE node_load1 gauge
	// # TYPE node_load15 gauge
	// # TYPE node_load5 gauge
}
