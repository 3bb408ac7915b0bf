package host_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/testenv"
)

func ruleExprs(t *testing.T, file string) (out []string) {
	t.Helper()
	groups, errs := rulefmt.ParseFile(file, false, model.UTF8Validation)
	require.Empty(t, errs)
	for _, g := range groups.Groups {
		for _, r := range g.Rules {
			out = append(out, r.Expr)
		}
	}
	return out
}

// panelExprs collects every "expr" of a dashboard, its variables filled in.
func panelExprs(t *testing.T, file string) (out []string) {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	var root any
	require.NoError(t, json.Unmarshal(data, &root))
	var visit func(v any)
	visit = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				visit(e)
			}
		case map[string]any:
			if expr, ok := v["expr"].(string); ok && !strings.Contains(expr, "|=") { // a log query is not PromQL
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

// selectors lists what an expression reads.
func selectors(t *testing.T, expr string) (out []*parser.VectorSelector) {
	t.Helper()
	root, err := parser.ParseExpr(expr)
	require.NoError(t, err, expr)
	parser.Inspect(root, func(n parser.Node, _ []parser.Node) error {
		if s, ok := n.(*parser.VectorSelector); ok {
			out = append(out, s)
		}
		return nil
	})
	return out
}

// scraperLabels are put on a series by who scrapes it.
var scraperLabels = []string{model.MetricNameLabel, model.JobLabel, model.InstanceLabel}

func matches(m *dto.Metric, s *parser.VectorSelector) bool {
	have := labels(m)
	for _, matcher := range s.LabelMatchers {
		if !slices.Contains(scraperLabels, matcher.Name) && !matcher.Matches(have[matcher.Name]) {
			return false
		}
	}
	return true
}

// TestPlatformQueriesHaveData: every node_ series that the platform's rules and
// panels name has at least one series here that their selectors let pass.
func TestPlatformQueriesHaveData(t *testing.T) {
	t.Parallel()
	dir := testenv.Shared(t, "data", "chronoretrace")
	m, _ := setup(t)
	got := scrape(t, m)
	named := map[string]bool{}
	exprs := append(ruleExprs(t, filepath.Join(dir, "alert-rules.yml")), panelExprs(t, filepath.Join(dir, "grafana-dashboard.json"))...)
	for _, expr := range exprs {
		for _, s := range selectors(t, expr) {
			if !strings.HasPrefix(s.Name, "node_") {
				continue
			}
			named[s.Name] = true
			require.Contains(t, got, s.Name, expr)
			require.True(t, slices.ContainsFunc(got[s.Name].GetMetric(), func(m *dto.Metric) bool { return matches(m, s) }),
				"no series for %s in %s", s, expr)
		}
	}
	// A reader that finds nothing must not pass.
	require.Equal(t, map[string]bool{
		"node_cpu_seconds_total":         true,
		"node_memory_MemAvailable_bytes": true, "node_memory_MemTotal_bytes": true,
		"node_filesystem_avail_bytes": true, "node_filesystem_size_bytes": true,
	}, named)
}
