// Package chronomon documents an SDK that observes, warns and repairs a Go
// back end from inside. There is nothing to import here; the packages below do
// the work, each of them alone or together.
//
// A host makes one [github.com/chronoretrace/chronomon/monitor.Monitor], wraps
// what it has (its HTTP router to begin with) and runs the monitor. The example
// is a complete wiring.
//
// # Packages
//
//	monitor               the hub: registry, exposition, events and sinks, Run
//	monitor/history       embedded series with PromQL
//	monitor/promapi       the same questions to a Prometheus-compatible server
//	monitor/influx        sink for InfluxDB v2
//	monitor/elastic       sink and slog handler for Elasticsearch
//	monitor/pgstore       alerts, anomalies, capacity plans, configuration in PostgreSQL
//	monitor/lease         one leader among replicas, with a fencing epoch
//	monitor/otelbridge    the registry as an OpenTelemetry metric producer
//	monitor/monitortest   fakes, exposition comparison and conformance suites for tests
//	monitor/calendar      trading calendars: sessions, holidays, make-up days
//	monitor/host          CPU, memory, filesystems and load, under node_exporter's names
//	apimon                HTTP middleware: the API metrics
//	dbmon                 pgx tracer, pool and server facts: the database metrics
//	cachemon              go-redis hook, in-process caches, memory: the cache metrics
//	bizmon                users, data sources, stocks, connections, back-tests: the business metrics
//	bizmon/probe          checks of third parties on a schedule
//	bizmon/redisstore     sketches of users shared by a fleet
//	bizmon/bizmontest     conformance suite for stores of sketches
//	anomaly/trend         trends, seasons, changes and forecasts with intervals
//	anomaly/capacity      when a resource is full, and the models behind it
//	examples/quickstart   a service that needs no server
//	examples/routers      chi, gin and echo (a module of its own)
//	examples/replay       recorded metrics, replayed and asked about in PromQL
//
// # Rules
//
// Nothing is global and nothing starts behind the host's back: constructors do
// no I/O, [github.com/chronoretrace/chronomon/monitor.Monitor.Run] owns every
// goroutine. Nothing in a request's path blocks, fails or panics the host. Every
// queue and every label is bounded, and what is dropped is counted. Imports go
// strictly downward; a test holds every package to its floor and its
// dependencies.
package chronomon
