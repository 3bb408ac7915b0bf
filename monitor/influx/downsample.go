package influx

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
)

// Downsampling says how points become fewer to be kept for longer: for each
// series and interval the number of events and their durations' mean, maximum
// and 99th percentile, as the fields events, duration_mean, duration_max and
// duration_p99, under the measurements' own names. Counters are not needed to
// tell failures: failed is a tag.
//
// The usual pair is a bucket of raw points for some days and one of hours for
// the design's 90 days, made by [Sink.Setup] of a sink each.
type Downsampling struct {
	Into  string         // the bucket, or database/policy, to write to; required
	Kinds []monitor.Kind // of events; nil: all
	Every time.Duration  // whole seconds; 0: an hour
}

func (d Downsampling) complete() (Downsampling, error) {
	if d.Every == 0 {
		d.Every = time.Hour
	}
	if d.Kinds == nil {
		d.Kinds = monitor.Kinds()
	}
	if d.Into == "" {
		return d, invalid("Downsampling Into", `""`, "a bucket, or database/policy")
	}
	if d.Every < time.Second || d.Every%time.Second != 0 {
		return d, invalid("Downsampling Every", d.Every, "whole seconds")
	}
	return d, nil
}

// ContinuousQueries returns the InfluxQL statements that make version 1 do it by
// itself, one a kind, to be run once by an administrator.
func (s *Sink) ContinuousQueries(d Downsampling) ([]string, error) {
	d, err := d.complete()
	if err != nil {
		return nil, err
	}
	db, policy := splitBucket(s.config.bucket)
	out := make([]string, 0, len(d.Kinds))
	for _, k := range d.Kinds {
		out = append(out, fmt.Sprintf(
			`CREATE CONTINUOUS QUERY %s ON %s BEGIN `+
				`SELECT count(%[3]s) AS "events", mean(%[3]s) AS "duration_mean", max(%[3]s) AS "duration_max", percentile(%[3]s, 99) AS "duration_p99" `+
				`INTO %[4]s FROM %[5]s GROUP BY time(%[6]s), * END`,
			ident("downsample_"+k.String()+"_"+seconds(d.Every)), ident(db), ident(fieldDuration),
			measurement(d.Into, k), measurement(db+"/"+policy, k), seconds(d.Every),
		))
	}
	return out, nil
}

// measurement names a kind's measurement in a bucket of version 1.
func measurement(bucket string, k monitor.Kind) string {
	db, policy := splitBucket(bucket)
	if policy != "" {
		policy = ident(policy)
	}
	return ident(db) + "." + policy + "." + ident(k.String())
}

// FluxTask returns the task that makes version 2 do it by itself.
func (s *Sink) FluxTask(d Downsampling) (string, error) {
	d, err := d.complete()
	if err != nil {
		return "", err
	}
	kinds := make([]string, len(d.Kinds))
	for i, k := range d.Kinds {
		kinds[i] = "r._measurement == " + strconv.Quote(k.String())
	}
	into := "to(bucket: " + strconv.Quote(d.Into)
	if s.config.org != "" {
		into += ", org: " + strconv.Quote(s.config.org)
	}
	into += ")"
	every := seconds(d.Every)
	var b strings.Builder
	fmt.Fprintf(&b, "option task = {name: %s, every: %s, offset: %s}\n\n", strconv.Quote("downsample_"+every), every, seconds(max(d.Every/60, time.Second)))
	fmt.Fprintf(&b, "events = from(bucket: %s)\n\t|> range(start: -%s)\n\t|> filter(fn: (r) => r._field == %s and (%s))\n",
		strconv.Quote(s.config.bucket), every, strconv.Quote(fieldDuration), strings.Join(kinds, " or "))
	for _, f := range [][2]string{
		{"events", "count"},
		{"duration_mean", "mean"},
		{"duration_max", "max"},
		{"duration_p99", "(column, tables=<-) => tables |> quantile(q: 0.99, column: column, method: \"estimate_tdigest\")"},
	} {
		fmt.Fprintf(&b, "\nevents\n\t|> aggregateWindow(every: %s, fn: %s, createEmpty: false)\n", every, f[1])
		if f[0] == "events" { // a field of one type: numbers here are floats
			b.WriteString("\t|> map(fn: (r) => ({r with _value: float(v: r._value)}))\n")
		}
		fmt.Fprintf(&b, "\t|> set(key: \"_field\", value: %s)\n\t|> %s\n", strconv.Quote(f[0]), into)
	}
	return b.String(), nil
}

// seconds is a duration as both languages write it.
func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) + "s" }
