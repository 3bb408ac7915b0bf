package influx_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/testenv"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/influx"
	"github.com/chronoretrace/chronomon/monitor/monitortest"
)

// newSink returns a sink that is closed when the test ends.
func newSink(t testing.TB, url, bucket string, opts ...influx.Option) *influx.Sink {
	t.Helper()
	s, err := influx.New(url, bucket, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// series is one series of an InfluxQL answer.
type series struct {
	Name    string
	Tags    map[string]string
	Columns []string
	Values  [][]any
}

// influxQL asks an InfluxDB.
func influxQL(t testing.TB, server, db, q string) []series {
	t.Helper()
	resp, err := http.PostForm(server+"/query", url.Values{"db": {db}, "q": {q}, "epoch": {"ns"}})
	require.NoError(t, err)
	defer resp.Body.Close()
	var out struct {
		Results []struct {
			Series []series
			Error  string
		}
	}
	dec := json.NewDecoder(resp.Body)
	dec.UseNumber()
	require.NoError(t, dec.Decode(&out), q)
	var all []series
	for _, r := range out.Results {
		require.Empty(t, r.Error, q)
		all = append(all, r.Series...)
	}
	return all
}

// database returns a database's name that no other test has.
func database(t testing.TB, server string) string {
	t.Helper()
	db := "db" + strings.NewReplacer("/", "_", " ", "_", "#", "_").Replace(t.Name()) + strconv.FormatInt(time.Now().UnixNano(), 10)
	influxQL(t, server, "", fmt.Sprintf("CREATE DATABASE %q", db))
	return db
}

// events reads all points of a database back, by time.
func events(t testing.TB, server, db string) []monitor.Event {
	t.Helper()
	var out []monitor.Event
	for _, s := range influxQL(t, server, db, "SELECT * FROM /.*/") {
		kind := slices.IndexFunc(monitor.Kinds(), func(k monitor.Kind) bool { return k.String() == s.Name })
		require.GreaterOrEqual(t, kind, 0, s.Name)
		for _, row := range s.Values {
			out = append(out, event(t, monitor.Kinds()[kind], s.Columns, row))
		}
	}
	slices.SortFunc(out, func(a, b monitor.Event) int { return a.Time.Compare(b.Time) })
	return out
}

func event(t testing.TB, kind monitor.Kind, columns []string, row []any) monitor.Event {
	t.Helper()
	e := monitor.Event{Kind: kind}
	number := func(v any) float64 {
		f, err := v.(json.Number).Float64()
		require.NoError(t, err)
		return f
	}
	for i, column := range columns {
		v := row[i]
		if v == nil {
			continue
		}
		switch column {
		case "time":
			ns, err := v.(json.Number).Int64()
			require.NoError(t, err)
			e.Time = time.Unix(0, ns)
		case "name":
			e.Name = v.(string)
		case "failed":
			e.Failed = v == "true"
		case "slow":
			e.Slow = v.(bool)
		case "duration_seconds":
			e.Duration = time.Duration(number(v)*1e9 + .5)
		case "trace_id":
			e.TraceID = v.(string)
		case "user":
			e.User = v.(string)
		default:
			if _, ok := v.(json.Number); ok {
				v = number(v)
			}
			e.Add(slog.Any(column, v))
		}
	}
	return e
}

// The conformance kit of sinks, on a real server.
func TestSinkOnInfluxDB(t *testing.T) {
	t.Parallel()
	server := testenv.InfluxDB(t)
	monitortest.TestSink(t, func(t testing.TB) (monitor.Sink, func() []monitor.Event) {
		db := database(t, server.URL())
		return newSink(t, server.URL(), db), func() []monitor.Event { return events(t, server.URL(), db) }
	},
		monitortest.Unavailable(func(t testing.TB) monitor.Sink { return newSink(t, "http://127.0.0.1:1", "db") }),
		monitortest.Refused(func(t testing.TB) monitor.Sink { // a policy that keeps an hour, and events of March
			db := database(t, server.URL())
			s := newSink(t, server.URL(), db+"/hour")
			require.NoError(t, s.Setup(t.Context(), time.Hour))
			return s
		}),
	)
}

// An attribute whose type changes is dropped by the server, and counted; the
// other points of the batch are there.
func TestTypeConflict(t *testing.T) {
	t.Parallel()
	server := testenv.InfluxDB(t)
	db := database(t, server.URL())
	s := newSink(t, server.URL(), db)
	m := monitortest.New(t)
	require.NoError(t, s.Watch(m))
	text := batch(3)
	text[1].Add(slog.Any("odd", "text"))
	require.NoError(t, s.Write(t.Context(), text))
	number := batch(6)[3:]
	number[1].Add(slog.Any("odd", 5))
	require.NoError(t, s.Write(t.Context(), number))
	require.Len(t, events(t, server.URL(), db), 5)
	monitortest.Expect(t, m, `
		# HELP monitor_store_records_total Records that a store has answered for, by result: taken, duplicate or rejected.
		# TYPE monitor_store_records_total counter
		monitor_store_records_total{result="duplicate",store="influx"} 0
		monitor_store_records_total{result="rejected",store="influx"} 1
		monitor_store_records_total{result="taken",store="influx"} 5
	`, "monitor_store_records_total")
}

// A bucket that is missing, and credentials that are wrong, cost time and not
// points.
func TestAuth(t *testing.T) {
	t.Parallel()
	server := testenv.InfluxDB(t, "auth-enabled = true")
	// The status comes before the user is there: the answer has to be read.
	influxQL(t, server.URL(), "", `CREATE USER root WITH PASSWORD 'secret-1' WITH ALL PRIVILEGES`)

	status := func(err error) int {
		answer, ok := errors.AsType[*influx.AnswerError](err)
		require.True(t, ok, err)
		require.NotContains(t, err.Error(), "secret-1")
		return answer.Status
	}
	require.Equal(t, 401, status(newSink(t, server.URL(), "db").Write(t.Context(), batch(1))))
	require.Equal(t, 401, status(newSink(t, server.URL(), "db", influx.WithToken("root:other")).Write(t.Context(), batch(1))))
	s := newSink(t, server.URL(), "db/raw", influx.WithToken("root:secret-1"))
	require.Equal(t, 404, status(s.Write(t.Context(), batch(1))))
	require.Equal(t, 401, status(newSink(t, server.URL(), "db", influx.WithToken("root:other")).Setup(t.Context(), time.Hour)))
	require.NoError(t, s.Setup(t.Context(), 0))
	require.NoError(t, s.Write(t.Context(), []monitor.Event{{Kind: monitor.KindMark, Time: time.Now()}}))
}

// A retention that is there already stays, unless it is to be replaced: nobody's
// points are deleted because a sink was set up.
func TestSetupKeepsRetentions(t *testing.T) {
	t.Parallel()
	server := testenv.InfluxDB(t)
	policies := func(db string) map[string]string {
		out := map[string]string{}
		for _, row := range influxQL(t, server.URL(), "", fmt.Sprintf("SHOW RETENTION POLICIES ON %q", db))[0].Values {
			out[row[0].(string)] = row[1].(string)
		}
		return out
	}
	const quarter = 90 * 24 * time.Hour
	db := database(t, server.URL())
	influxQL(t, server.URL(), "", fmt.Sprintf("CREATE RETENTION POLICY year ON %q DURATION 365d REPLICATION 1", db))
	for bucket, found := range map[string]string{db: "for ever", db + "/autogen": "for ever", db + "/year": "8760h0m0s"} {
		for range 2 {
			err := newSink(t, server.URL(), bucket).Setup(t.Context(), quarter)
			require.ErrorIs(t, err, influx.ErrOtherRetention)
			require.ErrorContains(t, err, "set up "+bucket+": it has another retention: wanted 2160h0m0s, found "+found)
		}
	}
	require.Equal(t, map[string]string{"autogen": "0s", "year": "8760h0m0s"}, policies(db))
	require.NoError(t, newSink(t, server.URL(), db).Setup(t.Context(), 0))
	require.NoError(t, newSink(t, server.URL(), db+"/year").Setup(t.Context(), 365*24*time.Hour))

	influxQL(t, server.URL(), "", fmt.Sprintf("ALTER RETENTION POLICY year ON %q DEFAULT", db))
	require.NoError(t, newSink(t, server.URL(), db).Setup(t.Context(), 365*24*time.Hour), "the default policy is where points go")
	require.NoError(t, newSink(t, server.URL(), db, influx.WithReplaceRetention()).Setup(t.Context(), quarter))
	require.Equal(t, map[string]string{"autogen": "0s", "year": "2160h0m0s"}, policies(db))

	fresh := db + "fresh"
	errs := make([]error, 8) // of processes that start together
	var all sync.WaitGroup
	for i := range errs {
		s := newSink(t, server.URL(), fresh)
		all.Go(func() { errs[i] = s.Setup(t.Context(), quarter) })
	}
	all.Wait()
	require.NoError(t, errors.Join(errs...))
	require.Equal(t, map[string]string{"autogen": "2160h0m0s"}, policies(fresh))
	require.NoError(t, newSink(t, server.URL(), fresh+"/raw").Setup(t.Context(), time.Hour))
	require.Equal(t, map[string]string{"autogen": "2160h0m0s", "raw": "1h0m0s"}, policies(fresh))
}

// The retention that was asked for is the server's, and a continuous query fills
// the long bucket.
func TestDownsampling(t *testing.T) {
	t.Parallel()
	server := testenv.InfluxDB(t)
	db := database(t, server.URL())
	raw, long := newSink(t, server.URL(), db+"/raw"), newSink(t, server.URL(), db+"/long")
	require.NoError(t, raw.Setup(t.Context(), 7*24*time.Hour))
	require.NoError(t, long.Setup(t.Context(), 90*24*time.Hour))
	policies := map[any]any{}
	for _, row := range influxQL(t, server.URL(), db, "SHOW RETENTION POLICIES")[0].Values {
		policies[row[0]] = row[1]
	}
	require.Equal(t, "168h0m0s", policies["raw"])
	require.Equal(t, "2160h0m0s", policies["long"])

	queries, err := raw.ContinuousQueries(influx.Downsampling{Into: db + "/long", Kinds: []monitor.Kind{monitor.KindQuery}, Every: time.Second})
	require.NoError(t, err)
	for _, q := range queries {
		influxQL(t, server.URL(), db, q)
	}
	var sent []monitor.Event
	require.Eventually(t, func() bool { // of this second, until one was gathered: the queries look at the last one
		now := time.Now()
		for i := range 10 {
			e := monitor.Event{Time: now.Add(time.Duration(i)), Kind: monitor.KindQuery, Name: "quotes", Duration: time.Duration(i+1) * time.Second, Failed: i == 9}
			sent = append(sent, e)
		}
		require.NoError(t, raw.Write(t.Context(), sent[len(sent)-10:]))
		time.Sleep(300 * time.Millisecond)
		return len(influxQL(t, server.URL(), db, fmt.Sprintf(`SELECT * FROM %q.long."query"`, db))) > 0
	}, 20*time.Second, 10*time.Millisecond)
	got := influxQL(t, server.URL(), db, fmt.Sprintf(`SELECT * FROM %q.long."query" GROUP BY "failed"`, db))
	require.Equal(t, []string{"time", "duration_max", "duration_mean", "duration_p99", "events", "name"}, got[0].Columns)
	require.Equal(t, map[string]string{"failed": "false"}, got[0].Tags)
	row := got[0].Values[0]
	require.Equal(t, []any{json.Number("9"), json.Number("5"), json.Number("9")}, row[1:4])
	require.Equal(t, "quotes", row[5])
}

// The task is Flux that a server runs, but for its last step, which 1.8 has not.
func TestFluxTask(t *testing.T) {
	t.Parallel()
	server := testenv.InfluxDB(t, "flux-enabled = true")
	db := database(t, server.URL())
	s := newSink(t, server.URL(), db+"/autogen", influx.WithOrg("org"))
	now := time.Now().Add(-time.Minute)
	var events []monitor.Event
	for i := range 10 {
		events = append(events, monitor.Event{Time: now.Add(time.Duration(i)), Kind: monitor.KindQuery, Name: "quotes", Duration: time.Duration(i+1) * time.Second})
	}
	require.NoError(t, s.Write(t.Context(), events))
	task, err := s.FluxTask(influx.Downsampling{Into: "long"})
	require.NoError(t, err)
	require.Equal(t, 4, strings.Count(task, `to(bucket: "long", org: "org")`))
	n := 0
	for strings.Contains(task, "to(bucket:") {
		n++
		task = strings.Replace(task, `to(bucket: "long", org: "org")`, fmt.Sprintf(`yield(name: "%d")`, n), 1)
	}
	r, err := http.NewRequest(http.MethodPost, server.URL()+"/api/v2/query", strings.NewReader(task))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/vnd.flux")
	r.Header.Set("Accept", "application/csv")
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode, string(body))
	for field, value := range map[string]string{"events": "10", "duration_mean": "5.5", "duration_max": "10"} {
		require.Regexp(t, `(?m)^.*,`+value+`,.*`+field+`|^.*`+field+`.*,`+value+`\b`, string(body))
	}
	require.Contains(t, string(body), "duration_p99")
}
