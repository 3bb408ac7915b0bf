package monitortest

import (
	"cmp"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/chronoretrace/chronomon/monitor"
)

// families are metric families by name.
type families map[string]*dto.MetricFamily

// Exposition returns what the monitor's handler serves, as Prometheus text in a
// fixed order (families by name, series and labels too), so that it can be kept
// in a golden file: the named families, or all of them without names. A family
// that has no series is left out.
func Exposition(t testing.TB, m *monitor.Monitor, names ...string) string {
	t.Helper()
	return text(t, scrape(t, m), names)
}

// Expect fails the test unless the monitor's handler serves what want says of
// the families that are in want or named. Order is of no consequence, nor is
// indentation. HELP and TYPE lines are compared where want has them. A family
// that is named but not in want must have no series.
//
//	monitortest.Expect(t, m, `
//		api_request_total{method="GET",endpoint="/stocks/{symbol}",status_code="200"} 2
//	`, "api_panics_total")
func Expect(t testing.TB, m *monitor.Monitor, want string, names ...string) {
	t.Helper()
	got := scrape(t, m)
	wanted := parse(t, complete(want, got))
	for name, f := range wanted {
		if g, ok := got[name]; ok && f.Help == nil {
			f.Help = g.Help
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		t.Fatalf("monitortest: Expect of nothing: want has no series and no family is named")
	}
	if w, g := text(t, wanted, names), text(t, got, names); w != g {
		t.Errorf("monitortest: the exposition is not as expected (- expected, + served):\n%s", diff(lines(w), lines(g)))
	}
}

// scrape reads what the monitor's handler serves.
func scrape(t testing.TB, m *monitor.Monitor) families {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
	if w.Code != http.StatusOK {
		t.Fatalf("monitortest: the handler answered %d: %s", w.Code, w.Body)
	}
	return parse(t, w.Body.String())
}

func parse(t testing.TB, exposition string) families {
	t.Helper()
	p := expfmt.NewTextParser(model.UTF8Validation)
	out, err := p.TextToMetricFamilies(strings.NewReader(exposition))
	if err != nil {
		t.Fatalf("monitortest: not an exposition: %v\n%s", err, exposition)
	}
	return out
}

// complete returns an expectation as the parser wants it: without indentation,
// and with the types that it leaves out.
func complete(want string, got families) string {
	var body strings.Builder
	typed := map[string]bool{}
	for line := range strings.Lines(want) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, _, _ := strings.Cut(rest, " ")
			typed[name] = true
		}
		if line != "" {
			body.WriteString(line + "\n")
		}
	}
	var types strings.Builder
	for name, f := range got {
		if !typed[name] && model.LegacyValidation.IsValidMetricName(name) {
			types.WriteString("# TYPE " + name + " " + strings.ToLower(f.GetType().String()) + "\n")
		}
	}
	return types.String() + body.String()
}

// text renders the named families, or all without names, in a fixed order.
func text(t testing.TB, all families, names []string) string {
	t.Helper()
	if len(names) == 0 {
		names = slices.Collect(maps.Keys(all))
	}
	var b strings.Builder
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		f, ok := all[name]
		if !ok {
			continue
		}
		for _, m := range f.Metric {
			slices.SortFunc(m.Label, func(a, b *dto.LabelPair) int { return strings.Compare(a.GetName(), b.GetName()) })
			slices.SortFunc(m.GetHistogram().GetBucket(), func(a, b *dto.Bucket) int {
				return cmp.Compare(a.GetUpperBound(), b.GetUpperBound())
			})
		}
		slices.SortFunc(f.Metric, func(a, b *dto.Metric) int {
			return slices.CompareFunc(a.Label, b.Label, func(a, b *dto.LabelPair) int {
				return cmp.Or(strings.Compare(a.GetName(), b.GetName()), strings.Compare(a.GetValue(), b.GetValue()))
			})
		})
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			t.Fatalf("monitortest: write %s: %v", name, err)
		}
	}
	return b.String()
}

func lines(s string) []string { return slices.Collect(strings.Lines(s)) }

// diff returns both lists as one, lines of only the first marked with "-" and
// those of only the second with "+": the shortest such list.
func diff(a, b []string) string {
	// common[i][j] is the length of the longest common part of a[i:] and b[j:].
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i, left := range slices.Backward(a) {
		for j, right := range slices.Backward(b) {
			if left == right {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var out strings.Builder
	for len(a)+len(b) > 0 {
		i, j := len(common)-1-len(a), len(common[0])-1-len(b)
		switch {
		case len(a) > 0 && len(b) > 0 && a[0] == b[0]:
			out.WriteString("  " + a[0])
			a, b = a[1:], b[1:]
		case len(b) == 0 || len(a) > 0 && common[i+1][j] >= common[i][j+1]:
			out.WriteString("- " + a[0])
			a = a[1:]
		default:
			out.WriteString("+ " + b[0])
			b = b[1:]
		}
	}
	return out.String()
}
