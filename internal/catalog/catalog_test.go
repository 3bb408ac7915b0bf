package catalog_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/catalog"
)

// profileSets are the ways in which profiles can be asked for: one, or several
// on one registry.
func profileSets() [][]catalog.Profile {
	sets := [][]catalog.Profile{catalog.Profiles()}
	for _, p := range catalog.Profiles() {
		sets = append(sets, []catalog.Profile{p})
	}
	return append(sets,
		[]catalog.Profile{catalog.Design, catalog.ChronoRetrace},
		[]catalog.Profile{catalog.Design, catalog.OTel},
		[]catalog.Profile{catalog.ChronoRetrace, catalog.OTel},
	)
}

// seriesNames lists the names of the series that a metric has under one name.
func seriesNames(m catalog.Metric, name string) []string {
	if m.Type == catalog.Histogram {
		return []string{name, name + "_bucket", name + "_sum", name + "_count"}
	}
	return []string{name}
}

func TestNamesAreUnique(t *testing.T) {
	t.Parallel()
	for _, profiles := range profileSets() {
		owner := map[string]string{}
		for _, m := range catalog.All() {
			for _, n := range m.Names(profiles...) {
				for _, s := range seriesNames(m, n.Name) {
					require.Empty(t, owner[s], "%s of %s in %v", s, m.Name, profiles)
					owner[s] = m.Name
				}
			}
		}
	}
}

// TestNamesAreUniqueInOpenMetrics: a counter's family is named there without
// its _total, which must not make it another family's twin.
func TestNamesAreUniqueInOpenMetrics(t *testing.T) {
	t.Parallel()
	for _, profiles := range profileSets() {
		owner := map[string]string{}
		for _, m := range catalog.All() {
			for _, n := range m.Names(profiles...) {
				family := n.Name
				if m.Type == catalog.Counter {
					family = strings.TrimSuffix(family, "_total")
				}
				require.Empty(t, owner[family], "family %s of %s in %v", family, m.Name, profiles)
				owner[family] = m.Name
			}
		}
	}
}

func TestNamesAreValid(t *testing.T) {
	t.Parallel()
	for _, m := range catalog.All() {
		for _, n := range m.Names(catalog.Profiles()...) {
			require.True(t, model.LegacyValidation.IsValidMetricName(n.Name), n.Name)
			require.NotContains(t, n.Name, ":", "colons are for recording rules")
			if m.Type == catalog.Counter {
				require.True(t, strings.HasSuffix(n.Name, "_total"), "counter %s", n.Name)
			}
			for i, l := range n.Labels {
				require.True(t, model.LegacyValidation.IsValidLabelName(l), "%s of %s", l, n.Name)
				require.False(t, strings.HasPrefix(l, model.ReservedLabelPrefix), "%s of %s", l, n.Name)
				require.NotContains(t, []string{model.BucketLabel, model.QuantileLabel}, l, n.Name)
				require.Equal(t, i, slices.Index(n.Labels, l), "%s of %s comes twice", l, n.Name)
			}
		}
	}
}

// TestAliasesHaveAllLabels: values are given once, in the order of Labels, so
// every name has to have as many.
func TestAliasesHaveAllLabels(t *testing.T) {
	t.Parallel()
	for _, m := range catalog.All() {
		for _, n := range m.Names(catalog.Profiles()...) {
			require.Len(t, n.Labels, len(m.Labels), "%s as %s", m.Name, n.Name)
		}
		if n, ok := m.SemConv(); ok {
			require.Len(t, n.Labels, len(m.Labels), "%s as %s", m.Name, n.Name)
		}
	}
}

func TestMetricsAreDescribed(t *testing.T) {
	t.Parallel()
	chinese := regexp.MustCompile(`\p{Han}`)
	units := regexp.MustCompile(`^(s|By|1|\{[a-z]+\})$`)
	for _, m := range catalog.All() {
		require.NotEmpty(t, m.Help, m.Name)
		require.True(t, strings.HasSuffix(m.Help, "."), "help of %s is no sentence", m.Name)
		require.Regexp(t, chinese, m.HelpZH, m.Name)
		require.Regexp(t, units, m.Unit, m.Name)
		if m.Unit == "s" {
			require.Contains(t, m.Name, "_seconds", "base units")
		}
		if m.Unit == "By" {
			require.Contains(t, m.Name, "_bytes", "base units")
		}
	}
}

func TestBuckets(t *testing.T) {
	t.Parallel()
	for _, m := range catalog.All() {
		if m.Type != catalog.Histogram {
			require.Empty(t, m.Buckets, m.Name)
			continue
		}
		require.NotEmpty(t, m.Buckets, m.Name)
		require.True(t, slices.IsSortedFunc(m.Buckets, func(a, b float64) int {
			if a < b {
				return -1
			}
			return 1 // equal bounds are wrong too
		}), m.Name)
		require.Positive(t, m.Buckets[0], m.Name)
		require.LessOrEqual(t, m.Buckets[len(m.Buckets)-1], 1e9, "+Inf is not listed: %s", m.Name)
	}
	// The thresholds of Section 6.2's rules.
	require.Contains(t, catalog.APIRequestDuration.Buckets, 2.0)
	require.Contains(t, catalog.DBQueryDuration.Buckets, 5.0)
}

func TestNames(t *testing.T) {
	t.Parallel()
	m := catalog.APIRequestDuration
	design := catalog.Naming{Name: "api_request_duration_seconds", Labels: []string{"method", "endpoint", "status_code"}}
	live := catalog.Naming{Name: "http_request_duration_seconds", Labels: []string{"method", "endpoint", "status"}}
	otel := catalog.Naming{
		Name:   "http_server_request_duration_seconds",
		Labels: []string{"http_request_method", "http_route", "http_response_status_code"},
	}
	for name, c := range map[string]struct {
		profiles []catalog.Profile
		want     []catalog.Naming
	}{
		"none":                       {nil, nil},
		"one":                        {[]catalog.Profile{catalog.ChronoRetrace}, []catalog.Naming{live}},
		"all, in the order asked":    {[]catalog.Profile{catalog.OTel, catalog.Design, catalog.ChronoRetrace}, []catalog.Naming{otel, design, live}},
		"each once":                  {[]catalog.Profile{catalog.Design, catalog.Design}, []catalog.Naming{design}},
		"unknown has design's names": {[]catalog.Profile{"unknown"}, []catalog.Naming{design}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, m.Names(c.profiles...))
		})
	}
	// A profile without a word of its own keeps the design's.
	require.Equal(t, []catalog.Naming{{Name: "cache_hit_rate", Labels: []string{"cache_type", "cache_name"}}},
		catalog.CacheHitRate.Names(catalog.Profiles()...))
}

// TestNamesGrow: a registry that learns a further profile relies on the names
// that it has being the first ones of the new list.
func TestNamesGrow(t *testing.T) {
	t.Parallel()
	for _, m := range catalog.All() {
		for _, profiles := range profileSets() {
			all := m.Names(profiles...)
			for i := range profiles {
				require.Equal(t, m.Names(profiles[:i]...), append([]catalog.Naming(nil), all[:len(m.Names(profiles[:i]...))]...), m.Name)
			}
		}
	}
}

// TestSemConvNames pins what the conventions say in their stable parts
// (https://opentelemetry.io/docs/specs/semconv/http/http-metrics/ and
// …/database/database-metrics/).
func TestSemConvNames(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		metric catalog.Metric
		dotted string
		attrs  []string
		prom   string
	}{
		{
			catalog.APIRequestDuration, "http.server.request.duration",
			[]string{"http.request.method", "http.route", "http.response.status_code"},
			"http_server_request_duration_seconds",
		},
		{catalog.APIConcurrentRequests, "http.server.active_requests", []string{"http.route"}, "http_server_active_requests"},
		{
			catalog.APIRequestSize, "http.server.request.body.size",
			[]string{"http.request.method", "http.route", "http.response.status_code"},
			"http_server_request_body_size_bytes",
		},
		{
			catalog.APIResponseSize, "http.server.response.body.size",
			[]string{"http.request.method", "http.route", "http.response.status_code"},
			"http_server_response_body_size_bytes",
		},
		{
			catalog.DBQueryDuration, "db.client.operation.duration",
			[]string{"db.operation.name", "db.collection.name"},
			"db_client_operation_duration_seconds",
		},
	} {
		n, ok := c.metric.SemConv()
		require.True(t, ok, c.metric.Name)
		require.Equal(t, catalog.Naming{Name: c.dotted, Labels: c.attrs}, n)
		require.Equal(t, c.prom, c.metric.Names(catalog.OTel)[0].Name)
	}
	_, ok := catalog.CacheHitRate.SemConv()
	require.False(t, ok)
}

func TestLookup(t *testing.T) {
	t.Parallel()
	for _, m := range catalog.All() {
		for _, n := range m.Names(catalog.Profiles()...) {
			found, ok := catalog.Lookup(n.Name)
			require.True(t, ok, n.Name)
			require.Equal(t, m.Name, found.Name)
		}
	}
	_, ok := catalog.Lookup("api_request_duration_seconds_bucket")
	require.False(t, ok, "a series of a family is no family")
}

func TestParseProfile(t *testing.T) {
	t.Parallel()
	for _, p := range catalog.Profiles() {
		got, err := catalog.ParseProfile(string(p))
		require.NoError(t, err)
		require.Equal(t, p, got)
	}
	_, err := catalog.ParseProfile("Design")
	require.ErrorContains(t, err, `"Design"`)
	require.ErrorContains(t, err, "chronoretrace")
}

func TestTypeString(t *testing.T) {
	t.Parallel()
	require.Equal(t, "gauge", catalog.Gauge.String())
	require.Equal(t, "type(9)", catalog.Type(9).String())
}
