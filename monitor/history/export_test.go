package history

import (
	"bytes"
	"context"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/chronoretrace/chronomon/internal/recordfile"
)

// WithFileSizes sets the size of a log, and of the logs that are worth a snapshot.
func WithFileSizes(log, logs int64) Option {
	return optionFunc(func(c *config) { c.segment, c.logs = log, logs })
}

// Keep is the part of Run that writes files.
func (db *DB) Keep(ctx context.Context) { db.keep(ctx) }

// Rotate begins another log.
func (db *DB) Rotate() error {
	db.store.disk.maintaining.Lock()
	defer db.store.disk.maintaining.Unlock()
	return db.rotate()
}

// Abandon lets go of the directory and leaves the files as a crash does.
func (db *DB) Abandon() {
	d := db.store.disk
	_ = d.file.Close()
	_ = recordfile.Unlock(d.lock)
	d.file, d.lock = nil, nil
}

// HeaderOfVersion is the header of a snapshot of that version of the format.
func HeaderOfVersion(v uint16, number uint64) []byte {
	later := format
	later.Version = v
	return later.Header(recordfile.Snapshot, number)
}

// LogHeader is a log that was begun.
func LogHeader(number uint64) []byte { return format.Header(recordfile.Log, number) }

func kindOf(snapshot bool) recordfile.Kind {
	if snapshot {
		return recordfile.Snapshot
	}
	return recordfile.Log
}

// Payloads returns the payloads of a file.
func Payloads(data []byte, snapshot bool, number uint64) (out [][]byte) {
	_, _ = format.Read(bytes.NewReader(data), kindOf(snapshot), number, false, func(b []byte) string {
		out = append(out, bytes.Clone(b))
		return ""
	})
	return out
}

// LoadRecord loads a file with a payload whose checksum is right.
func LoadRecord(payload []byte, snapshot bool) {
	file := format.Header(kindOf(snapshot), 1)
	file, at := recordfile.Begin(file)
	file = append(file, payload...)
	recordfile.End(file, at, 1)
	LoadFile(file, snapshot)
}

// LoadFile loads a file and walks over what was in it.
func LoadFile(data []byte, snapshot bool) {
	c := newContents(limits{series: 1000, bytes: 1 << 22, retention: [tiers]int64{1e9, 1e9}}, 10)
	_, _, err := c.load(bytes.NewReader(data), kindOf(snapshot), 1, true)
	if err != nil {
		return
	}
	var it iterator
	for _, s := range c.store.index.series() {
		s.iterate(&it, -1<<62, 1<<62, false)
		for it.Next() != 0 {
			_ = it.AtT()
		}
	}
	c.store.retain(1)
}

// CollectLabels collects a gauge and a histogram with these labels.
func CollectLabels(db *DB, pairs []*dto.LabelPair, at time.Time) error {
	bound, name, other := 1., "g", "h"
	r := &reading{families: []*dto.MetricFamily{
		{Name: &name, Metric: []*dto.Metric{{Label: pairs, Gauge: &dto.Gauge{Value: &bound}}}},
		{Name: &other, Metric: []*dto.Metric{{Label: pairs, Histogram: &dto.Histogram{Bucket: []*dto.Bucket{{UpperBound: &bound}}}}}},
	}}
	db.store.writing.Lock()
	defer db.store.writing.Unlock()
	defer db.store.commit(millis(at))
	return db.collector.collect(millis(at), r)
}

// HoldWatches keeps watched expressions from being evaluated, as a slow one does.
func (db *DB) HoldWatches() (release func()) {
	_ = db.watches.evaluating.lock(context.Background())
	return db.watches.evaluating.unlock
}

// Appender takes histograms: the store.
type Appender interface {
	AppendHistogram(l labels.Labels, t int64, h *histogram.FloatHistogram) error
}

// Store is what the engine's conformance corpus finds.
func Store(db *DB) Appender { return db.store }

// Counted is what counts against the storage size, and Recounted the same, summed
// up again.
func Counted(db *DB) [4]int64 {
	st := db.store
	st.writing.Lock()
	defer st.writing.Unlock()
	return [...]int64{st.fixed + st.index.bytes, st.total.bytes, st.total.chunks, st.total.samples}
}

func Recounted(db *DB) (sum [4]int64) {
	st := db.store
	st.writing.Lock()
	defer st.writing.Unlock()
	fresh := newIndex()
	for _, s := range st.index.series() {
		sum[0] += weight(s.labels)
		fresh.add(&series{labels: s.labels, hash: s.hash})
		for i := range s.sealed {
			sum[1] += int64(len(s.sealed[i].data))
			sum[3] += int64(s.sealed[i].samples())
		}
		sum[2] += int64(len(s.sealed))
		if s.head != nil {
			sum[1] += int64(len(s.head.Bytes()))
			sum[3] += int64(s.head.NumSamples())
		}
	}
	sum[0] += fresh.bytes
	return sum
}

// HoldAnswer is another caller who computes an expression's answer.
func HoldAnswer(c *Cycle, promql string) (release func()) {
	s := c.shared(promql)
	_ = s.computing.lock(context.Background())
	return s.computing.unlock
}
