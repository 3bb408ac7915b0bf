package chronomon_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/chronoretrace/chronomon"

// A row holds one package to its floor and to what it may compile in. This
// table is the one place where a new dependency is allowed; say why beside it.
type row struct {
	floor int
	deps  []string // modules beyond the standard library, all that are reached
	kit   bool     // may reach package testing: a test kit
}

var (
	// client_golang and what it brings: the metric model of the whole SDK.
	promDeps = []string{
		"github.com/prometheus/client_golang", "github.com/prometheus/client_model", "github.com/prometheus/common",
		"github.com/prometheus/procfs", "github.com/beorn7/perks", "github.com/cespare/xxhash/v2",
		"github.com/munnerz/goautoneg", "google.golang.org/protobuf", "golang.org/x/sys", "go.yaml.in/yaml/v2",
	}
	// go-redis, for those who speak to Redis.
	redisDeps = []string{"github.com/redis/go-redis/v9", "go.uber.org/atomic"}
	// pgx: the driver that dbmon traces.
	pgxDeps = []string{
		"github.com/jackc/pgx/v5", "github.com/jackc/pgpassfile", "github.com/jackc/pgservicefile", "github.com/jackc/puddle/v2",
		"golang.org/x/sync", "golang.org/x/text",
	}
	// Prometheus's PromQL engine and chunks. OpenTelemetry's API comes with it, for
	// spans that nobody makes; memory maps and sorting with the storage interfaces.
	promqlDeps = []string{
		"github.com/prometheus/prometheus", "github.com/grafana/regexp", "github.com/dennwc/varint", "github.com/edsrzf/mmap-go",
		"github.com/facette/natsort", "go.uber.org/atomic", "golang.org/x/text",
		"go.opentelemetry.io/otel", "go.opentelemetry.io/otel/log", "go.opentelemetry.io/otel/metric", "go.opentelemetry.io/otel/trace",
		"go.opentelemetry.io/auto/sdk", "github.com/go-logr/logr", "github.com/go-logr/stdr",
	}
	// What client_golang's API client decodes answers with.
	jsonDeps = []string{"github.com/json-iterator/go", "github.com/modern-go/concurrent", "github.com/modern-go/reflect2"}
	// OpenTelemetry's SDK: only for those who bridge to it.
	otelDeps = []string{
		"go.opentelemetry.io/otel", "go.opentelemetry.io/otel/log", "go.opentelemetry.io/otel/metric", "go.opentelemetry.io/otel/sdk",
		"go.opentelemetry.io/otel/sdk/metric", "go.opentelemetry.io/otel/trace", "go.opentelemetry.io/auto/sdk",
		"github.com/go-logr/logr", "github.com/go-logr/stdr", "github.com/google/uuid",
	}
	// InfluxDB's client, whose blocking write is used, and what its generated API
	// brings; nothing of them is met elsewhere.
	influxDeps = []string{
		"github.com/influxdata/influxdb-client-go/v2", "github.com/influxdata/line-protocol", "github.com/oapi-codegen/runtime",
		"github.com/apapsch/go-jsonmerge/v2", "github.com/google/uuid", "golang.org/x/net",
	}
	// Elasticsearch's low-level API and transport: 220 packages, where the full
	// client is 1,183. The transport brings OpenTelemetry's API.
	elasticDeps = []string{
		"github.com/elastic/go-elasticsearch/v9", "github.com/elastic/elastic-transport-go/v8",
		"go.opentelemetry.io/otel", "go.opentelemetry.io/otel/log", "go.opentelemetry.io/otel/metric", "go.opentelemetry.io/otel/trace",
		"go.opentelemetry.io/auto/sdk", "github.com/go-logr/logr", "github.com/go-logr/stdr",
	}
	// gonum, for optimisation, transforms and distributions; x/tools is one set of
	// integers of its.
	gonumDeps = []string{"gonum.org/v1/gonum", "golang.org/x/tools"}
	// Assertions, in the kits that hosts import from their tests.
	testDeps = []string{
		"github.com/stretchr/testify", "github.com/davecgh/go-spew", "github.com/pmezard/go-difflib",
		"gopkg.in/yaml.v3", "go.yaml.in/yaml/v3",
	}
)

var floors = map[string]row{
	".": {floor: 0},

	"internal/catalog":    {floor: 0},
	"internal/queue":      {floor: 0},
	"internal/instrument": {floor: 0, deps: promDeps},
	"internal/httpcases":  {floor: 0, deps: promDeps},
	"internal/keypattern": {floor: 0},
	"internal/window":     {floor: 0},
	"internal/sketch":     {floor: 0},
	"internal/sqltext":    {floor: 0},
	"internal/spill":      {floor: 0},
	"internal/outbox":     {floor: 0, deps: promDeps},
	"internal/journal":    {floor: 0, deps: promDeps},
	"internal/recordfile": {floor: 0},
	"internal/pgerror":    {floor: 0, deps: pgxDeps},
	"internal/urltext":    {floor: 0},
	"internal/redact":     {floor: 0},
	"internal/svg":        {floor: 0},
	"internal/series":     {floor: 0, deps: gonumDeps},
	"internal/iforest":    {floor: 0},
	"internal/halfspace":  {floor: 0},
	"internal/unseen":     {floor: 0},
	"internal/lstm":       {floor: 0, deps: gonumDeps}, // gonum's loops over vectors

	"internal/series/forecast": {floor: 0, deps: gonumDeps},

	"internal/outbox/outboxtest":   {floor: 3, deps: slices.Concat(promDeps, testDeps), kit: true},
	"internal/journal/journaltest": {floor: 0, deps: slices.Concat(promDeps, testDeps), kit: true},

	"internal/recordfile/recordfiletest": {floor: 0, deps: testDeps, kit: true},

	"monitor":             {floor: 1, deps: promDeps},
	"monitor/monitortest": {floor: 2, deps: slices.Concat(promDeps, testDeps), kit: true},
	"monitor/otelbridge":  {floor: 2, deps: slices.Concat(promDeps, otelDeps)},
	"monitor/host":        {floor: 2, deps: promDeps},
	"monitor/promapi":     {floor: 2, deps: slices.Concat(promDeps, jsonDeps)},
	"monitor/history":     {floor: 2, deps: slices.Concat(promDeps, promqlDeps)},
	"apimon":              {floor: 2, deps: promDeps},

	"monitor/lease":            {floor: 2, deps: promDeps},
	"monitor/lease/leasetest":  {floor: 3, deps: slices.Concat(promDeps, testDeps), kit: true},
	"monitor/lease/redislease": {floor: 3, deps: slices.Concat(promDeps, redisDeps)},
	"monitor/lease/pglease":    {floor: 3, deps: slices.Concat(promDeps, pgxDeps)},
	// pgx: the pool is the host's, and the lease's table is what writes are checked against.
	"monitor/pgstore": {floor: 4, deps: slices.Concat(promDeps, pgxDeps)},

	"monitor/influx":  {floor: 2, deps: slices.Concat(promDeps, influxDeps)},
	"monitor/elastic": {floor: 2, deps: slices.Concat(promDeps, elasticDeps)},

	"monitor/calendar":  {floor: 1},
	"dbmon":             {floor: 2, deps: slices.Concat(promDeps, pgxDeps)},
	"cachemon":          {floor: 2, deps: slices.Concat(promDeps, redisDeps)},
	"bizmon":            {floor: 2, deps: promDeps},
	"bizmon/probe":      {floor: 3, deps: promDeps},
	"bizmon/bizmontest": {floor: 3, deps: slices.Concat(promDeps, testDeps), kit: true},
	"bizmon/redisstore": {floor: 3, deps: slices.Concat(promDeps, redisDeps)},

	"anomaly":             {floor: 2, deps: slices.Concat(promDeps, gonumDeps)}, // Querier; the LSTM's loops over vectors
	"anomaly/evidence":    {floor: 2, deps: promDeps},
	"anomaly/trend":       {floor: 3, deps: slices.Concat(promDeps, gonumDeps)},
	"anomaly/correlation": {floor: 3, deps: slices.Concat(promDeps, gonumDeps)}, // Querier; gonum's distributions
	"anomaly/capacity":    {floor: 4, deps: slices.Concat(promDeps, gonumDeps)}, // points, Querier and trend

	"internal/eval/anomaly":      {floor: 5, deps: slices.Concat(promDeps, gonumDeps)},
	"internal/eval/iforest":      {floor: 5},
	"internal/eval/cputime":      {floor: 0},
	"internal/eval/vus":          {floor: 0},
	"internal/eval/m4":           {floor: 5, deps: gonumDeps},
	"internal/eval/nab":          {floor: 5},
	"internal/eval/forecast":     {floor: 5, deps: slices.Concat(promDeps, gonumDeps)},
	"internal/eval/lstm":         {floor: 5, deps: gonumDeps},
	"internal/httpcases/ours":    {floor: 5, deps: promDeps},
	"internal/testenv":           {floor: 5, kit: true},
	"internal/testenv/pgtest":    {floor: 5, deps: pgxDeps, kit: true},
	"internal/testsummary":       {floor: 5},
	"internal/bench/size":        {floor: 5},
	"internal/bench/size/client": {floor: 5, deps: promDeps},
	"internal/bench/size/sdk":    {floor: 5, deps: promDeps},
	"examples/quickstart":        {floor: 5, deps: promDeps},
	"examples/replay":            {floor: 5, deps: slices.Concat(promDeps, promqlDeps)}, // history's engine
	// Everything that is wired in one process: the engine, the two clients, the plans.
	"examples/full": {floor: 5, deps: slices.Concat(promDeps, promqlDeps, pgxDeps, redisDeps, gonumDeps)},
}

type goPackage struct {
	ImportPath string
	Standard   bool
	Module     *struct{ Path string }
	Imports    []string
	Deps       []string
}

func TestFloors(t *testing.T) {
	t.Parallel()
	packages := listPackages(t)
	seen := map[string]bool{}
	for _, p := range packages {
		name, ours := inModule(p.ImportPath)
		if !ours {
			continue
		}
		seen[name] = true
		r, ok := floors[name]
		if !ok {
			t.Errorf("%s has no row in the table of floors", p.ImportPath)
			continue
		}
		checkImports(t, p, name, r)
		for _, dep := range p.Deps {
			d := packages[dep]
			if dep == "testing" && !r.kit {
				t.Errorf("%s reaches package testing, which is for test kits", p.ImportPath)
			}
			if d.Standard || d.Module == nil || d.Module.Path == module {
				continue
			}
			if !slices.Contains(r.deps, d.Module.Path) {
				t.Errorf("%s compiles in %s, of module %s, which its row does not allow", p.ImportPath, dep, d.Module.Path)
			}
		}
	}
	for name := range floors {
		if !seen[name] {
			t.Errorf("the table of floors has a row for %s, which does not exist", name)
		}
	}
}

// checkImports holds imports within the module to go strictly downward; an
// internal package may import another one.
func checkImports(t *testing.T, p goPackage, name string, r row) {
	t.Helper()
	for _, imp := range p.Imports {
		other, ours := inModule(imp)
		if !ours || (strings.HasPrefix(name, "internal/") && strings.HasPrefix(other, "internal/")) {
			continue
		}
		own := r.kit && strings.HasPrefix(name, other+"/") // a kit may import its own package
		if o, ok := floors[other]; ok && o.floor >= r.floor && !own {
			t.Errorf("%s (floor %d) imports %s (floor %d): imports go downward", p.ImportPath, r.floor, imp, o.floor)
		}
	}
}

func inModule(path string) (name string, ok bool) {
	if path == module {
		return ".", true
	}
	return strings.CutPrefix(path, module+"/")
}

// listPackages returns every package of the module and all that they reach.
func listPackages(t *testing.T) map[string]goPackage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Standard,Module,Imports,Deps", "./...")
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		require.NoError(t, err, string(exit.Stderr))
	}
	require.NoError(t, err)
	packages := map[string]goPackage{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages
		}
		require.NoError(t, err)
		packages[p.ImportPath] = p
	}
}
