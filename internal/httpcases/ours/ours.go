// Package ours is this SDK's middleware as a subject of httpcases.
package ours

import (
	"net/http"

	"github.com/chronoretrace/chronomon/apimon"
	"github.com/chronoretrace/chronomon/internal/httpcases"
	"github.com/chronoretrace/chronomon/monitor"
)

// Subject returns the middleware around a fresh monitor, read through the
// monitor's own exposition.
func Subject() (httpcases.Subject, error) {
	m, err := monitor.New()
	if err != nil {
		return httpcases.Subject{}, err
	}
	return httpcases.Subject{
		Name: "chronomon",
		Wrap: func(app httpcases.App) (http.Handler, error) {
			api, err := apimon.New(m, apimon.WithSizes())
			if err != nil {
				return nil, err
			}
			mux := app.Mux()
			if app.Between == nil {
				return api.Handler(mux), nil
			}
			return api.WithMux(mux).Handler(app.Between(mux)), nil
		},
		Gatherer: httpcases.Scraped(m.Handler()),
		Metrics: httpcases.Metrics{
			Requests: "api_request_total", Duration: "api_request_duration_seconds", InFlight: "api_concurrent_requests",
			RequestBytes: "api_request_size_bytes", ResponseBytes: "api_response_size_bytes",
			Status: "status_code", Method: "method", Endpoint: "endpoint",
			Unmatched: "unmatched", OtherMethod: "_OTHER",
		},
	}, nil
}
