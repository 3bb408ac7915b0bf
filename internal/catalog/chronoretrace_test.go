package catalog_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/internal/testenv"
)

// platformData finds the platform's own monitoring files.
func platformData(t *testing.T) string {
	t.Helper()
	return testenv.Shared(t, "data", "chronoretrace")
}

// excludedLabels are labels that the platform's files use and the catalogue
// does not have, on purpose.
var excludedLabels = []string{
	// The address of a client is personal data and has no bound: one scan from a
	// botnet makes a series per address. The rules that want it are served by
	// events, which carry it truncated. A sum by a label that is absent is the
	// total, so those rules still see an attack as a whole.
	"source_ip",
	model.JobLabel, model.InstanceLabel, // the scraper's
	model.BucketLabel, // the histogram's own
}

// use is how an expression uses one metric.
type use struct {
	expr   string
	series string
	labels []string
}

// uses lists which series an expression reads, each with the labels that are
// selected by or grouped by.
func uses(t *testing.T, expr string) []use {
	t.Helper()
	root, err := parser.ParseExpr(expr)
	require.NoError(t, err, expr)
	var out []use
	var visit func(n parser.Node, grouping []string)
	visit = func(n parser.Node, grouping []string) {
		switch n := n.(type) {
		case *parser.AggregateExpr:
			grouping = slices.Concat(grouping, n.Grouping)
		case *parser.BinaryExpr:
			if n.VectorMatching != nil {
				grouping = slices.Concat(grouping, n.VectorMatching.MatchingLabels, n.VectorMatching.Include)
			}
		case *parser.VectorSelector:
			u := use{expr: expr, series: n.Name, labels: slices.Clone(grouping)}
			for _, m := range n.LabelMatchers {
				if m.Name != model.MetricNameLabel {
					u.labels = append(u.labels, m.Name)
				}
			}
			out = append(out, u)
		}
		for c := range parser.ChildrenIter(n) {
			visit(c, grouping)
		}
	}
	visit(root, nil)
	return out
}

func ruleExprs(t *testing.T, file string) []string {
	t.Helper()
	groups, errs := rulefmt.ParseFile(file, false, model.UTF8Validation)
	require.NoError(t, errors.Join(errs...))
	var out []string
	for _, g := range groups.Groups {
		for _, r := range g.Rules {
			out = append(out, r.Expr)
		}
	}
	return out
}

// dashboardExprs collects every "expr" of a dashboard, annotations included.
func dashboardExprs(t *testing.T, file string) []string {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	var root any
	require.NoError(t, json.Unmarshal(data, &root))
	var out []string
	var visit func(v any)
	visit = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				visit(e)
			}
		case map[string]any:
			expr, ok := v["expr"].(string)
			if ok && !strings.Contains(expr, "|=") { // a log query is not PromQL
				out = append(out, expr)
			}
			for _, e := range v {
				visit(e)
			}
		}
	}
	visit(root)
	return out
}

// TestPlatformQueriesAreServed: every series of the platform's API and business
// that its rules and its dashboard ask for is emitted in profile chronoretrace,
// with every label that they select or group by.
func TestPlatformQueriesAreServed(t *testing.T) {
	t.Parallel()
	dir := platformData(t)

	emitted := map[string][]string{} // labels by series
	for _, m := range catalog.All() {
		for _, n := range m.Names(catalog.ChronoRetrace) {
			for _, s := range seriesNames(m, n.Name) {
				emitted[s] = n.Labels
			}
		}
	}

	exprs := ruleExprs(t, filepath.Join(dir, "alert-rules.yml"))
	exprs = append(exprs, dashboardExprs(t, filepath.Join(dir, "grafana-dashboard.json"))...)
	asked := map[string]bool{}
	for _, expr := range exprs {
		for _, u := range uses(t, expr) {
			if !strings.HasPrefix(u.series, "http_") && !strings.HasPrefix(u.series, "chronoretrace_") {
				continue
			}
			asked[u.series] = true
			have, ok := emitted[u.series]
			require.True(t, ok, "%s is not emitted; asked for by %s", u.series, u.expr)
			for _, l := range u.labels {
				if !slices.Contains(excludedLabels, l) {
					require.Contains(t, have, l, "%s in %s", u.series, u.expr)
				}
			}
		}
	}
	// What was read is what is known to be in the files, so that a reader that
	// finds nothing does not pass.
	for _, s := range []string{
		"http_requests_total", "http_request_duration_seconds_bucket",
		"chronoretrace_active_users_total", "chronoretrace_backtest_failures_total", "chronoretrace_backtest_jobs_completed_total",
		"chronoretrace_backtest_jobs_running", "chronoretrace_backtest_jobs_total", "chronoretrace_data_quality_score",
		"chronoretrace_deployment_total", "chronoretrace_login_attempts_total", "chronoretrace_login_failures_total",
		"chronoretrace_stock_data_lag_seconds", "chronoretrace_stock_updates_total", "chronoretrace_user_logins_total",
	} {
		require.True(t, asked[s], "%s was not found in the files", s)
	}
	require.Len(t, asked, 14, "series asked for: %v", asked)
}

// TestPlatformAsksForSourceIP: the one label that is left out is really
// asked for; when it no longer is, the exception can go.
func TestPlatformAsksForSourceIP(t *testing.T) {
	t.Parallel()
	var asked bool
	for _, expr := range ruleExprs(t, filepath.Join(platformData(t), "alert-rules.yml")) {
		for _, u := range uses(t, expr) {
			asked = asked || slices.Contains(u.labels, "source_ip")
		}
	}
	require.True(t, asked)
}
