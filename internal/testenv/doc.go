// Package testenv gives tests real servers. It is the one place that knows how
// to find, start, watch and stop them.
//
//	func TestStore(t *testing.T) {
//		pg := testenv.Postgres(t)
//		pool, err := pgxpool.New(t.Context(), pg.DSN())
//		...
//		pg.Stop()  // an outage
//		pg.Start() // back, on the same port and with the same data
//	}
//
// A server belongs to the test that asked for it: it runs in a directory of its
// own, listens on a loopback port of its own, and is gone, directory included,
// when the test ends. It also ends when the test binary dies. Asking returns
// when the server is ready, which takes about a second for PostgreSQL and a
// tenth of one for the others; a group of subtests may well share one.
//
// A test whose server is not installed is skipped, with the name of the package
// to install. Where CHRONOMON_REQUIRE_SERVERS names the server ("postgres",
// "pgbouncer", "redis", "prometheus", "alertmanager", "promtool", "influxdb",
// "victoriametrics", "victorialogs", separated by commas, or "all"), it fails
// instead, so that CI cannot pass by skipping.
//
// Servers are started on Linux only. Elsewhere, or to use servers that are
// already there, set CHRONOMON_POSTGRES_DSN, CHRONOMON_REDIS_ADDR,
// CHRONOMON_PROMETHEUS_URL, CHRONOMON_ALERTMANAGER_URL, CHRONOMON_INFLUXDB_URL,
// CHRONOMON_VICTORIAMETRICS_URL or CHRONOMON_VICTORIALOGS_URL. Such a server is
// shared and not ours to stop: a test that stops or pauses it, or that brings
// flags or a configuration of its own, is skipped.
package testenv
