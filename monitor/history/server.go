package history

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/prometheus/common/model"
)

// What a Prometheus server is asked beside its data. Of rules, alerts and targets
// there are none here: a client finds an empty list and not an error.
func (db *DB) serverAPI() map[string]endpoint {
	nothing := func(data string) endpoint {
		return endpoint{apiFunc: func(*http.Request) response { return response{data: json.RawMessage(data)} }}
	}
	return map[string]endpoint{
		"rules":              nothing(`{"groups":[]}`),
		"alerts":             nothing(`{"alerts":[]}`),
		"targets":            nothing(`{"activeTargets":[],"droppedTargets":[],"droppedTargetCounts":{}}`),
		"alertmanagers":      nothing(`{"activeAlertmanagers":[],"droppedAlertmanagers":[]}`),
		"format_query":       {apiFormatQuery, true},
		"status/buildinfo":   {apiBuildInfo, false},
		"status/runtimeinfo": {db.apiRuntimeInfo, false},
	}
}

func serveHealthy(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "The history is there.\n")
}

// apiNotFound answers for what there is not under /api/v1.
func apiNotFound(r *http.Request) response {
	return response{err: &callError{fmt.Errorf("there is no %s here", r.URL.Path), apiMissing}}
}

// callError is an error about a call that is no query.
type callError struct {
	error
	api apiError
}

func apiFormatQuery(r *http.Request) response {
	text, err := formatQuery(r.FormValue("query"))
	if err != nil {
		return response{err: err}
	}
	return response{data: asJSON(text)}
}

// apiBuildInfo says of which version the API is. Grafana asks, to know what it
// may use.
func apiBuildInfo(*http.Request) response {
	version := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			if dep.Path == "github.com/prometheus/prometheus" { // v0.310.0 is the library of release 3.10.0
				version = libraryRelease(dep.Version)
			}
		}
	}
	return response{data: asJSON(map[string]string{
		"version": version, "revision": "", "branch": "", "buildUser": "", "buildDate": "", "goVersion": runtime.Version(),
	})}
}

// libraryRelease is the release of Prometheus that a version of its library is
// from: v0.310.2 is 3.10.2.
func libraryRelease(version string) string {
	var major, minor, patch int
	if _, err := fmt.Sscanf(version, "v0.%1d%02d.%d", &major, &minor, &patch); err != nil {
		return "unknown"
	}
	return fmt.Sprintf("%d.%d.%d", major, minor, patch)
}

// apiRuntimeInfo says what of a server's state this process has: nothing of its
// environment.
func (db *DB) apiRuntimeInfo(*http.Request) response {
	var corruptions int
	if errors.Is(db.Err(), ErrDamaged) {
		corruptions = 1
	}
	return response{data: asJSON(struct {
		StartTime           time.Time `json:"startTime"`
		CWD                 string    `json:"CWD"`
		Hostname            string    `json:"hostname"`
		ServerTime          time.Time `json:"serverTime"`
		ReloadConfigSuccess bool      `json:"reloadConfigSuccess"`
		LastConfigTime      time.Time `json:"lastConfigTime"`
		CorruptionCount     int       `json:"corruptionCount"`
		GoroutineCount      int       `json:"goroutineCount"`
		GOMAXPROCS          int       `json:"GOMAXPROCS"`
		GOMEMLIMIT          int64     `json:"GOMEMLIMIT"`
		GOGC                string    `json:"GOGC"`
		GODEBUG             string    `json:"GODEBUG"`
		StorageRetention    string    `json:"storageRetention"`
	}{
		StartTime: db.since, LastConfigTime: db.since, ServerTime: db.m.Now().UTC(), ReloadConfigSuccess: true,
		CorruptionCount: corruptions, GoroutineCount: runtime.NumGoroutine(), GOMAXPROCS: runtime.GOMAXPROCS(0),
		GOMEMLIMIT:       debug.SetMemoryLimit(-1),
		StorageRetention: model.Duration(time.Duration(db.store.limits.retention[raw]) * time.Millisecond).String(),
	})}
}
