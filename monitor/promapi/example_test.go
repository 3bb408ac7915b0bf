package promapi_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/promapi"
)

func Example() {
	// A server that knows one answer, in place of a real one.
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("query") != "sum(rate(http_requests_total[5m]))" {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"status":"error","errorType":"bad_data","error":"1:5: parse error: unclosed left parenthesis"}`)
			return
		}
		_, _ = io.WriteString(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1772625600,"12.5"]}]}}`)
	}))
	defer server.Close()

	m, err := monitor.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	metrics, err := promapi.New(m, server.URL, promapi.WithName("mimir"), promapi.WithTenant("quotes"), promapi.WithTimeout(10*time.Second))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer metrics.CloseIdleConnections()

	samples, err := metrics.Query(context.Background(), "sum(rate(http_requests_total[5m]))", time.Now())
	fmt.Println(samples[0].Value, err)
	_, err = metrics.Query(context.Background(), "sum(", time.Now())
	fmt.Println(err)
	fmt.Println(errors.Is(err, monitor.ErrQueryInvalid))
	// Output:
	// 12.5 <nil>
	// promapi: mimir: query "sum(": invalid query: bad_data: 1:5: parse error: unclosed left parenthesis
	// true
}
