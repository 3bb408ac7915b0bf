package otelbridge

import (
	"runtime/debug"

	"go.opentelemetry.io/otel/sdk/instrumentation"
)

// The scopes say who made a metric: the SDK, or somebody whose collector this
// package merely reads. They also keep names apart that may well meet: a host
// may have an api_request_total of its own while the SDK's has another name.
const (
	ownScope     = "github.com/chronoretrace/chronomon"
	foreignScope = ownScope + "/monitor/otelbridge"
)

func (p *Producer) scope(name string) instrumentation.Scope {
	return instrumentation.Scope{Name: name, Version: p.version}
}

// moduleVersion is the version of this module that the program was built with.
func moduleVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	if info.Main.Path == ownScope {
		return info.Main.Version
	}
	for _, d := range info.Deps {
		if d.Path == ownScope {
			return d.Version
		}
	}
	return ""
}
