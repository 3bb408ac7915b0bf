package catalog_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/catalog"
)

// section61 is the table of the design's Section 6.1, typed from the document
// and in its order. It is not derived from the catalogue: it is what the
// catalogue promises, letter for letter.
var section61 = []struct {
	name   string
	typ    string
	helpZH string
	labels []string
}{
	{"api_request_duration_seconds", "histogram", "API请求响应时间分布", []string{"method", "endpoint", "status_code"}},
	{"api_request_total", "counter", "API请求总数", []string{"method", "endpoint", "status_code"}},
	{"api_concurrent_requests", "gauge", "并发请求数", []string{"endpoint"}},
	{"db_query_duration_seconds", "histogram", "数据库查询时间", []string{"query_type", "table"}},
	{"db_connection_pool_usage", "gauge", "数据库连接池使用率", []string{"pool_name"}},
	{"cache_hit_rate", "gauge", "缓存命中率", []string{"cache_type", "cache_name"}},
	{"cache_memory_usage_bytes", "gauge", "缓存内存使用量", []string{"cache_type"}},
	{"active_users_total", "gauge", "活跃用户数", []string{"time_window"}},
	{"stock_data_updates_total", "counter", "股票数据更新次数", []string{"data_source", "symbol"}},
	{"websocket_connections_total", "gauge", "WebSocket连接数", []string{"connection_type"}},
}

func TestSection61(t *testing.T) {
	t.Parallel()
	var inSection []catalog.Metric
	for _, m := range catalog.All() {
		if m.Section == "6.1" {
			inSection = append(inSection, m)
		}
	}
	require.Len(t, inSection, len(section61), "the metrics that say they are Section 6.1's")
	for i, want := range section61 {
		m := inSection[i]
		require.Equal(t, want.name, m.Name)
		require.Equal(t, want.typ, m.Type.String(), want.name)
		require.Equal(t, want.helpZH, m.HelpZH, want.name)
		require.Equal(t, want.labels, m.Labels, want.name)
	}
}

// TestSection61InDesignProfile checks what is exposed, not only what is noted down.
func TestSection61InDesignProfile(t *testing.T) {
	t.Parallel()
	for _, want := range section61 {
		m, ok := catalog.Lookup(want.name)
		require.True(t, ok, want.name)
		names := m.Names(catalog.Design)
		require.Len(t, names, 1, want.name)
		require.Equal(t, catalog.Naming{Name: want.name, Labels: want.labels}, names[0])
	}
}
