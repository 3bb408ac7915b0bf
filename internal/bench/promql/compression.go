package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/history"
)

// plain is the size of a sample that is not compressed: a time and a value.
const plain = 16

// A density is what samples take.
type density struct {
	what           string
	samples        float64
	bytes          float64 // of chunks
	withEverything float64 // labels and index, too
}

func (d density) perSample() float64 { return d.bytes / d.samples }

func runCompression(ctx context.Context, w io.Writer, o options) ([]goal, error) {
	t := table{head: []string{"", "samples", "bytes per sample", "smaller than 16 B", "with labels and index"}}
	var goals []goal
	add := func(ours, theirs density) {
		for _, d := range []density{ours, theirs} {
			t.add(d.what, fmt.Sprintf("%.0f", d.samples), fmt.Sprintf("%.3f", d.perSample()),
				fmt.Sprintf("%.1f %%", 100*(1-d.perSample()/plain)), fmt.Sprintf("%.3f", d.withEverything/d.samples))
		}
		goals = append(goals, goal{"bytes per sample, " + ours.what, ours.perSample(), 0.3 * plain, " B"})
	}
	recorded, err := benchmarkSeries()
	switch {
	case errors.Is(err, errNoData):
		fmt.Fprintf(w, "Recorded series: %v\n\n", err)
	case err != nil:
		return nil, err
	default:
		ours, theirs, err := compressRecorded(ctx, recorded)
		if err != nil {
			return nil, err
		}
		add(ours, theirs)
	}
	ours, theirs, err := compressLive(ctx, o)
	if err != nil {
		return nil, err
	}
	add(ours, theirs)
	t.print(w)
	return goals, nil
}

// errNoData says that something outside of the project is not here.
var errNoData = errors.New("not here: set CHRONOMON_SHARED to the folder that has it")

// sharedData finds a file or folder outside of the project.
func sharedData(path string) (string, error) {
	tried := []string{filepath.Join(os.Getenv("CHRONOMON_SHARED"), path)}
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		tried = append(tried, filepath.Join(dir, "shared", path))
	}
	for _, found := range tried {
		if _, err := os.Stat(found); err == nil { //nolint:gosec // whoever runs it says where
			return found, nil
		}
	}
	return "", fmt.Errorf("%s: %w", path, errNoData)
}

// A recording is one recorded series.
type recording struct {
	labels monitor.Labels
	points []monitor.Point
}

// benchmarkSeries reads the series of the Numenta Anomaly Benchmark. A time
// that is not later than the one before is left out: there are a few.
func benchmarkSeries() (list []recording, err error) {
	dir, err := sharedData(filepath.Join("data", "nab"))
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.csv"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		r := recording{labels: monitor.Labels{
			monitor.MetricName: "nab", "group": filepath.Base(filepath.Dir(file)), "file": filepath.Base(file),
		}}
		if r.points, err = readPoints(file); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		list = append(list, r)
	}
	return list, nil
}

func readPoints(file string) (out []monitor.Point, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, err
	}
	for _, row := range rows[1:] { // a heading
		at, err := time.Parse(time.DateTime, row[0])
		if err != nil {
			return nil, err
		}
		v, err := strconv.ParseFloat(row[1], 64)
		if err != nil {
			return nil, err
		}
		if n := len(out); n == 0 || at.After(out[n-1].Time) {
			out = append(out, monitor.Point{Time: at, Value: v})
		}
	}
	return out, nil
}

// compressRecorded puts the series into a history and into a block.
func compressRecorded(ctx context.Context, list []recording) (ours, theirs density, err error) {
	s, err := newSubject(0)
	if err != nil {
		return ours, theirs, err
	}
	dir, err := os.MkdirTemp("", "promql-")
	if err != nil {
		return ours, theirs, err
	}
	defer os.RemoveAll(dir)
	const century = 100 * 365 * 24 * time.Hour
	block, err := tsdb.NewBlockWriter(s.m.Logger(), dir, century.Milliseconds())
	if err != nil {
		return ours, theirs, err
	}
	for _, r := range list {
		app := block.Appender(ctx)
		l := labels.FromMap(r.labels)
		for _, p := range r.points {
			if err := s.db.Append(monitor.Sample{Labels: r.labels, Point: p}); err != nil {
				return ours, theirs, err
			}
			if _, err := app.Append(0, l, p.Time.UnixMilli(), p.Value); err != nil {
				return ours, theirs, err
			}
		}
		if err := app.Commit(); err != nil {
			return ours, theirs, err
		}
	}
	id, err := block.Flush(ctx)
	if err := errors.Join(err, block.Close()); err != nil {
		return ours, theirs, err
	}
	if ours, err = stored(s, "recorded, ours"); err != nil {
		return ours, theirs, err
	}
	theirs, err = ofBlock(ctx, filepath.Join(dir, id.String()), "recorded, tsdb")
	return ours, theirs, err
}

// stored is what a history says of itself.
func stored(s *subject, what string) (density, error) {
	samples, err1 := s.figure("monitor_history_stored_samples")
	bytes, err2 := s.figure("monitor_history_chunk_bytes")
	all, err3 := s.figure("monitor_history_storage_bytes")
	return density{what, samples, bytes, all}, errors.Join(err1, err2, err3)
}

// ofBlock reads every chunk of a block.
func ofBlock(ctx context.Context, dir, what string) (out density, err error) {
	out.what = what
	block, err := tsdb.OpenBlock(nil, dir, nil, nil)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, block.Close()) }()
	q, err := tsdb.NewBlockChunkQuerier(block, math.MinInt64, math.MaxInt64)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, q.Close()) }()
	found := q.Select(ctx, false, &storage.SelectHints{Start: math.MinInt64, End: math.MaxInt64},
		labels.MustNewMatcher(labels.MatchRegexp, monitor.MetricName, ".+"))
	for found.Next() {
		it := found.At().Iterator(nil)
		for it.Next() {
			c := it.At().Chunk
			if c.Encoding() == chunkenc.EncNone {
				continue
			}
			out.samples += float64(c.NumSamples())
			out.bytes += float64(len(c.Bytes()))
		}
		if err := it.Err(); err != nil {
			return out, err
		}
	}
	out.withEverything = float64(block.Size())
	return out, found.Err()
}

// liveEvery is how often a live process is scraped and collected.
const liveEvery = time.Second

// compressLive lets a server scrape this process, which collects itself as often.
func compressLive(ctx context.Context, o options) (ours, theirs density, err error) {
	s, err := newSubject(min(o.series, 1000), history.WithInterval(liveEvery))
	if err != nil {
		return ours, theirs, err
	}
	address, stop := s.serve()
	defer stop()
	config := fmt.Sprintf(`
global: {scrape_interval: %s}
scrape_configs:
  - job_name: subject
    static_configs: [{targets: [%q]}]
`, liveEvery, address)
	err = withServer(o.server, config, func(server *server) error {
		if err := server.awaitScrape(ctx); err != nil {
			return err
		}
		tick := time.NewTicker(liveEvery)
		defer tick.Stop()
		for began := time.Now(); time.Since(began) < o.live; {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case at := <-tick.C:
				s.mu.Lock()
				s.step()
				err := s.db.Sample(ctx, at)
				s.mu.Unlock()
				if err != nil {
					return err
				}
			}
		}
		block, err := server.snapshot(ctx)
		if err != nil {
			return err
		}
		if ours, err = stored(s, "live, ours"); err != nil {
			return err
		}
		theirs, err = ofBlock(ctx, block, "live, Prometheus")
		return err
	}, "--web.enable-admin-api")
	return ours, theirs, err
}

// snapshot makes the server write what it has as a block, and returns where.
func (s *server) snapshot(ctx context.Context) (string, error) {
	res, err := s.do(ctx, http.MethodPost, "/api/v1/admin/tsdb/snapshot")
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	var answer struct{ Data struct{ Name string } }
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return "", err
	}
	flags, err := s.api.Flags(ctx)
	if err != nil {
		return "", err
	}
	blocks, err := filepath.Glob(filepath.Join(flags["storage.tsdb.path"], "snapshots", answer.Data.Name, "*", "meta.json"))
	if err != nil || len(blocks) != 1 {
		return "", fmt.Errorf("want a snapshot of one block, got %v: %w", blocks, err)
	}
	return filepath.Dir(blocks[0]), nil
}
