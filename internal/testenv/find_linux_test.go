package testenv_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/testenv"
)

// TestMain makes the tests start servers of their own.
func TestMain(m *testing.M) {
	for _, key := range []string{
		"CHRONOMON_POSTGRES_DSN", "CHRONOMON_REDIS_ADDR", "CHRONOMON_PROMETHEUS_URL", "CHRONOMON_ALERTMANAGER_URL",
	} {
		_ = os.Unsetenv(key)
	}
	os.Exit(m.Run())
}

func TestMissingServer(t *testing.T) {
	pg := testenv.Postgres(t)
	missing := map[string]struct {
		start       func(t testing.TB)
		packageName string
	}{
		"pgbouncer":    {func(t testing.TB) { testenv.Pooler(t, pg) }, "pgbouncer"},
		"redis":        {func(t testing.TB) { testenv.Redis(t) }, "redis-server"},
		"prometheus":   {func(t testing.TB) { testenv.Prometheus(t, "") }, "prometheus"},
		"alertmanager": {func(t testing.TB) { testenv.Alertmanager(t, "") }, "prometheus-alertmanager"},
		"promtool":     {func(t testing.TB) { testenv.Promtool(t) }, "prometheus"},
	}
	for name, tc := range missing {
		t.Run(name, func(t *testing.T) {
			t.Setenv("PATH", t.TempDir())
			why := "no " + name + ": it is not installed (Debian package " + tc.packageName + ")"

			for _, others := range []string{"", "none,of,these"} {
				t.Setenv("CHRONOMON_REQUIRE_SERVERS", others)
				o := observe(t, tc.start)
				require.True(t, o.skipped)
				require.False(t, o.failed)
				require.Contains(t, o.log.String(), why)
			}
			for _, required := range []string{"all", name, "postgres," + name} {
				t.Setenv("CHRONOMON_REQUIRE_SERVERS", required)
				o := observe(t, tc.start)
				require.True(t, o.failed, required)
				require.Contains(t, o.log.String(), "not installed")
			}
		})
	}
}

func TestFailedStartShowsWhatTheServerSaid(t *testing.T) {
	t.Parallel()
	testenv.Prometheus(t, "") // or skip
	o := observe(t, func(t testing.TB) { testenv.Prometheus(t, "no_such_setting: 1") })
	require.True(t, o.failed)
	require.Contains(t, o.log.String(), "prometheus ended instead of starting")
	require.Contains(t, o.log.String(), "field no_such_setting not found")
}

func TestExternalServer(t *testing.T) {
	t.Setenv("CHRONOMON_REQUIRE_SERVERS", "")
	own := testenv.Redis(t)

	t.Setenv("CHRONOMON_REDIS_ADDR", own.Addr())
	shared := testenv.Redis(t)
	require.Equal(t, own.Addr(), shared.Addr())
	requirePong(t, dial(t, shared.Addr()))

	for name, needy := range map[string]func(t testing.TB){
		"flags":  func(t testing.TB) { testenv.Redis(t, "--maxmemory", "8mb") },
		"stop":   func(t testing.TB) { testenv.Redis(t).Stop() },
		"start":  func(t testing.TB) { testenv.Redis(t).Start() },
		"pause":  func(t testing.TB) { testenv.Redis(t).Pause() },
		"resume": func(t testing.TB) { testenv.Redis(t).Resume() },
	} {
		o := observe(t, needy)
		require.True(t, o.skipped, name)
		require.Contains(t, o.log.String(), "no redis: the test", name)
	}
	requirePong(t, dial(t, own.Addr()))
}

func TestExternalAddresses(t *testing.T) {
	t.Setenv("CHRONOMON_POSTGRES_DSN", "postgres://me:secret@db.example:6543/app?sslmode=disable")
	pg := testenv.Postgres(t)
	require.Equal(t, "db.example:6543", pg.Addr())
	require.Equal(t, "postgres://me:secret@db.example:6543/app?sslmode=disable", pg.DSN())

	t.Setenv("CHRONOMON_PROMETHEUS_URL", "http://metrics.example:9090/prefix/")
	prom := testenv.Prometheus(t, "")
	require.Equal(t, "metrics.example:9090", prom.Addr())
	require.Equal(t, "http://metrics.example:9090/prefix", prom.URL())

	t.Setenv("CHRONOMON_ALERTMANAGER_URL", "http://alerts.example")
	require.Equal(t, "http://alerts.example", testenv.Alertmanager(t, "").URL())
}
