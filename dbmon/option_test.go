package dbmon_test

import (
	"context"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/dbmon"
	"github.com/chronoretrace/chronomon/internal/catalog"
	"github.com/chronoretrace/chronomon/monitor"
)

func TestOptionsAreValidated(t *testing.T) {
	t.Parallel()
	m, err := monitor.New(quiet)
	require.NoError(t, err)
	for want, o := range map[string]dbmon.Option{
		"WithNext = <nil>":                     dbmon.WithNext(nil),
		"WithTraceID = <nil>":                  dbmon.WithTraceID(nil),
		"WithBuckets = []: want 1 to 100":      dbmon.WithBuckets(),
		"WithBuckets = [0 1]: want bounds abo": dbmon.WithBuckets(0, 1),
		"WithBuckets = [NaN]: want bounds abo": dbmon.WithBuckets(math.NaN()),
		"WithBuckets = [1 1]: want ascending":  dbmon.WithBuckets(1, 1),
		"WithBuckets = [1e+09]: want bounds":   dbmon.WithBuckets(1e9),
		"WithTableLimit = 0":                   dbmon.WithTableLimit(0),
		"WithSlowThreshold = -1ns":             dbmon.WithSlowThreshold(-1),
		"WithTopQueries = 0":                   dbmon.WithTopQueries(0),
		"WithStatementCache statements = 1":    dbmon.WithStatementCache(1, 1<<20),
		"WithStatementCache bytes = 10":        dbmon.WithStatementCache(100, 10),
		`WithCallSiteSkip = ""`:                dbmon.WithCallSiteSkip("a.", ""),
	} {
		_, err := dbmon.NewTracer(m, o)
		require.ErrorIs(t, err, monitor.ErrInvalidOption, want)
		require.ErrorContains(t, err, want)
	}
	_, err = dbmon.NewTracer(nil, dbmon.WithTableLimit(0), nil)
	require.ErrorIs(t, err, monitor.ErrInvalidOption)
	require.ErrorContains(t, err, "monitor = <nil>")
	require.ErrorContains(t, err, "WithTableLimit", "all problems are named")
	_, err = dbmon.NewTracer(m, nil, dbmon.WithSlowThreshold(0))
	require.NoError(t, err)
}

func TestTracersOnOneRegistryShareMetrics(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	second, err := dbmon.NewTracer(b.m)
	require.NoError(t, err)
	conn := idle(t)
	query(t.Context(), b.Tracer, conn, "select 1 from a", nil)
	query(t.Context(), second, conn, "select 1 from a", nil)
	require.InDelta(t, 2, b.queries(t, "SELECT", "a"), 0)
}

func TestPanickingCallbackHarmsNobody(t *testing.T) {
	t.Parallel()
	b := setup(t, nil, dbmon.WithTraceID(func(context.Context) string { panic("trace") }))
	query(t.Context(), b.Tracer, idle(t), "select 1 from a", nil)
	require.InDelta(t, 1, b.queries(t, "SELECT", "a"), 0)
	require.InDelta(t, 1, b.value(t, `monitor_callback_panics_total{callback="dbmon.WithTraceID"}`), 0)
}

// TestDocNamesEveryMetric: with its labels, and every type and class.
func TestDocNamesEveryMetric(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	n := 0
	for _, m := range catalog.All() {
		if !strings.HasPrefix(m.Name, "db_") && !strings.HasPrefix(m.Name, "pg_") {
			continue
		}
		require.Regexp(t, `(?m)^//\t`+m.Name+` +`+strings.Join(m.Labels, ", ")+`( |$)`, string(doc))
		n++
	}
	require.Greater(t, n, 40)
	keywords, err := os.ReadFile("../internal/sqltext/keyword.go")
	require.NoError(t, err)
	spellings := regexp.MustCompile(`(?s)kwSelect:.*kwUnlisten: *"unlisten"`).Find(keywords)
	types := regexp.MustCompile(`kw\w+: +"(\w+)`).FindAllSubmatch(spellings, -1)
	require.Greater(t, len(types), 40)
	listed := regexp.MustCompile(`(?s)//\tquery_type .*?//\ttable `).FindString(string(doc))
	for _, typ := range types {
		require.Regexp(t, `\b`+strings.ToUpper(string(typ[1]))+`\b`, listed)
	}
	for _, class := range []string{"canceled", "timeout", "connection", "client", "unknown"} {
		require.Contains(t, string(doc), class+" (")
	}
}
