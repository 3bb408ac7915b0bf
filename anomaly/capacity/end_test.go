package capacity_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/chronoretrace/chronomon/anomaly/capacity"
	"github.com/chronoretrace/chronomon/anomaly/correlation"
	"github.com/chronoretrace/chronomon/internal/testenv"
	"github.com/chronoretrace/chronomon/internal/testenv/pgtest"
	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/history"
	"github.com/chronoretrace/chronomon/monitor/monitortest"
	"github.com/chronoretrace/chronomon/monitor/pgstore"
	"github.com/chronoretrace/chronomon/monitor/promapi"
)

// disks are two of them, by day: one fills by 2 GB a day, was 300 GB and is 400 GB
// since day 50; the other has its logs rotated and never fills.
func disks(r *rand.Rand) func(day float64) (used, size map[string]float64) {
	return func(day float64) (used, size map[string]float64) {
		data := 300.0
		if day >= 50 {
			data = 400
		}
		return map[string]float64{"/data": 160 + 2*day + r.NormFloat64(), "/logs": 20 + 10*math.Mod(day, 6) + r.NormFloat64()},
			map[string]float64{"/data": data, "/logs": 100}
	}
}

// checkDisks requires the plans that disks have, and that the table keeps them.
func checkDisks(t *testing.T, q monitor.Querier, res capacity.Resource, now time.Time) {
	t.Helper()
	plans, err := capacity.Query(t.Context(), q, res, now, capacity.WithLeadTime(7*24*time.Hour))
	require.NoError(t, err)
	require.Len(t, plans, 2)
	slices.SortFunc(plans, func(a, b capacity.Result) int { return strings.Compare(a.Labels["mountpoint"], b.Labels["mountpoint"]) })
	data, logs := plans[0], plans[1]
	require.NoError(t, data.Err)
	require.NoError(t, logs.Err)

	require.InDelta(t, 400, data.Limit.Value, 0, "the size of now")
	require.InDelta(t, 30-1, daysTo(data.Analysis, data.Limit.P50), 3)
	require.True(t, data.Limit.P10.Time.Before(data.Limit.P50.Time) && data.Limit.P50.Time.Before(data.Limit.P90.Time))
	require.InDelta(t, 2, data.Growth.PerDay, 0.1)
	require.Empty(t, data.Detected.Steps, "its size changed, what is used did not")
	require.Equal(t, data.Limit.P10.Time.AddDate(0, 0, -7), data.Recommendation.Order.Time)

	require.NotEmpty(t, logs.Detected.CleanUps)
	require.False(t, logs.Limit.P50.Within)
	require.Less(t, logs.Limit.Within[1].Probability, 0.05)

	var text strings.Builder
	require.NoError(t, data.WriteText(&text))
	require.Contains(t, text.String(), `mountpoint="/data"`)
	require.Contains(t, text.String(), "limit      400: earliest "+data.Limit.P10.String()+", likely "+data.Limit.P50.String()+", latest "+data.Limit.P90.String())
	require.Contains(t, wellFormed(t, data.Analysis), "likely "+data.Limit.P50.String())
	require.Contains(t, wellFormed(t, logs.Analysis), "likely not within the horizon")
	keep(t, plans)
}

// keep writes the plans into a real table and reads them back.
func keep(t *testing.T, plans []capacity.Result) {
	t.Helper()
	m := monitortest.New(t)
	store, err := pgstore.New(m, pgtest.Connect(t, testenv.Postgres(t).DSN(), pgx.QueryExecModeExec))
	require.NoError(t, err)
	require.NoError(t, store.Migrate(t.Context()))
	at := time.Date(2026, 6, 1, 12, 0, 0, 0, time.FixedZone("CEST", 2*3600))
	for _, p := range plans {
		row, err := p.Row(at)
		require.NoError(t, err)
		require.NoError(t, store.SavePlans(t.Context(), pgstore.Plan(row)))
		require.NoError(t, store.SavePlans(t.Context(), pgstore.Plan(row)), "again")
		kept, err := store.Plans(t.Context(), row.Resource, pgstore.Page{})
		require.NoError(t, err)
		require.Len(t, kept, 1)
		require.True(t, at.Equal(kept[0].CreatedAt))
		require.Equal(t, "90d", kept[0].Period)
		require.InDelta(t, p.Confidence.Score, kept[0].Confidence, 1e-9)
		require.JSONEq(t, string(row.Predicted), string(kept[0].Predicted))
		require.JSONEq(t, string(row.Current), string(kept[0].Current))
		require.JSONEq(t, string(row.Recommendations), string(kept[0].Recommendations))
		var predicted struct{ P10, P50, P90 *time.Time }
		require.NoError(t, json.Unmarshal(kept[0].Predicted, &predicted))
		require.Equal(t, p.Limit.P50.Within, predicted.P50 != nil)
		if predicted.P50 != nil {
			require.WithinDuration(t, p.Limit.P50.Time, *predicted.P50, time.Second)
		}
	}
}

// From gauges of the host through the history of its process.
func TestHistory(t *testing.T) {
	t.Parallel()
	m := monitortest.New(t)
	gauge := func(name string) *prometheus.GaugeVec {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: name}, []string{"mountpoint"})
		require.NoError(t, m.Registerer().Register(g))
		return g
	}
	size, avail, writes := gauge("node_filesystem_size_bytes"), gauge("node_filesystem_avail_bytes"), gauge("writes")
	const step = 30 * time.Minute
	db, err := history.New(m, history.WithRetention(24*time.Hour, 91*24*time.Hour), history.WithLookback(time.Hour), history.WithInterval(step),
		history.WithWatch("disk:used", "node_filesystem_size_bytes - node_filesystem_avail_bytes", step),
		history.WithWatch("disk:writes", "writes", step))
	require.NoError(t, err)
	r := rand.New(rand.NewPCG(3, 1))
	of := disks(r)
	now := start
	last := 0.0
	for ; now.Before(start.AddDate(0, 0, 90)); now = now.Add(step) {
		used, sizes := of(now.Sub(start).Hours() / 24)
		for mount, v := range sizes {
			size.WithLabelValues(mount).Set(v)
			avail.WithLabelValues(mount).Set(v - used[mount])
		}
		writes.WithLabelValues("/data").Set(used["/data"] - last + r.NormFloat64()/2)
		last = used["/data"]
		require.NoError(t, db.Sample(t.Context(), now))
	}
	now = now.Add(-13 * time.Minute) // between steps
	checkDisks(t, db, capacity.Resource{Usage: `max_over_time(disk:used[1h])`, Limit: "node_filesystem_size_bytes"}, now)

	found, err := correlation.Query(t.Context(), db, `disk:used{mountpoint="/data"}`, []string{"disk:writes", `{__name__="disk:used"}`},
		monitor.Range{From: now.AddDate(0, 0, -10), To: now, Step: step})
	require.NoError(t, err)
	require.Equal(t, 2, found.Judged)
	require.Len(t, found.Relations, 1)
	require.Equal(t, "disk:writes", found.Relations[0].Labels[monitor.MetricName])
	require.Zero(t, found.Relations[0].Lag)
}

// From a real server.
func TestPrometheus(t *testing.T) {
	t.Parallel()
	server := testenv.Prometheus(t, "", "--web.enable-remote-write-receiver",
		"--storage.tsdb.retention.time=200d", "--storage.tsdb.min-block-duration=100d", "--storage.tsdb.max-block-duration=100d")
	of := disks(rand.New(rand.NewPCG(4, 1)))
	series := map[string]*monitor.Series{}
	now := time.Now().Truncate(time.Hour)
	for h := range 90 * 24 {
		at := now.Add(time.Duration(h-90*24+1) * time.Hour)
		used, size := of(float64(h) / 24)
		for mount := range used {
			for name, v := range map[string]float64{"node_filesystem_size_bytes": size[mount], "node_filesystem_avail_bytes": size[mount] - used[mount]} {
				s := series[name+mount]
				if s == nil {
					s = &monitor.Series{Labels: monitor.Labels{monitor.MetricName: name, "mountpoint": mount, "job": "node", "device": "/dev/mapper/data-volume-0"}}
					series[name+mount] = s
				}
				s.Points = append(s.Points, monitor.Point{Time: at, Value: v})
			}
		}
	}
	write(t, server.URL(), slices.Collect(maps.Values(series)))
	client, err := promapi.New(monitortest.New(t), server.URL())
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	checkDisks(t, client, capacity.Resource{
		Usage: `node_filesystem_size_bytes - node_filesystem_avail_bytes`, Limit: "node_filesystem_size_bytes",
	}, now)

	server.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, err = capacity.Query(ctx, client, capacity.Resource{Usage: "node_filesystem_size_bytes"}, now)
	require.Error(t, err)
	require.ErrorContains(t, err, `capacity: query "node_filesystem_size_bytes": `)
}

// write stores series by Prometheus's remote write, version 1.0.
func write(t *testing.T, url string, all []*monitor.Series) {
	t.Helper()
	field := func(b []byte, number protowire.Number, v []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(b, number, protowire.BytesType), v)
	}
	var body []byte
	for _, s := range all {
		var series []byte
		for _, name := range slices.Sorted(maps.Keys(s.Labels)) {
			series = field(series, 1, field(field(nil, 1, []byte(name)), 2, []byte(s.Labels[name])))
		}
		for _, p := range s.Points {
			sample := protowire.AppendFixed64(protowire.AppendTag(nil, 1, protowire.Fixed64Type), math.Float64bits(p.Value))
			sample = protowire.AppendVarint(protowire.AppendTag(sample, 2, protowire.VarintType), uint64(p.Time.UnixMilli()))
			series = field(series, 2, sample)
		}
		body = field(body, 1, series)
	}
	packed := binary.AppendUvarint(nil, uint64(len(body))) // Snappy's format, of literals only
	for part := range slices.Chunk(body, 1<<16) {
		packed = append(binary.LittleEndian.AppendUint16(append(packed, 61<<2), uint16(len(part)-1)), part...)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/api/v1/write", bytes.NewReader(packed))
	require.NoError(t, err)
	req.Header.Set("Content-Encoding", "snappy")
	req.Header.Set("Content-Type", "application/x-protobuf")
	req.Header.Set("X-Prometheus-Remote-Write-Version", "0.1.0")
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusNoContent, resp.StatusCode, "%s", said)
}
