package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/chronoretrace/chronomon/monitor"
	"github.com/chronoretrace/chronomon/monitor/history"
)

// column is a query with a title and how its values are shown. In the query ALL
// stands for the length of the recording, SERIES for the one looked at closely, and
// STEP for the time between two rows.
type column struct {
	title string
	show  func(float64) string
	query string
}

var (
	// overall are asked once, at the end, and answer for every series.
	overall = []column{
		{"mean", number, `avg_over_time(replay_value[ALL])`},
		{"median", number, `quantile_over_time(0.5, replay_value[ALL])`},
		{"p99", number, `quantile_over_time(0.99, replay_value[ALL])`},
		{"max", number, `max_over_time(replay_value[ALL])`},
		{"labelled", percent, `avg_over_time(replay_labelled[ALL])`},
		{"deviating", percent, `avg_over_time((abs(replay:deviation) > bool 3)[ALL:5m])`},
		{"of labelled", percent, `avg_over_time(((abs(replay:deviation) > bool 3) and replay_labelled == 1)[ALL:5m])`},
	}
	// closely are asked along the first labelled window of one series.
	closely = []column{
		{"value", number, `replay_value{series="SERIES"}`},
		{"mean of 1h", number, `avg_over_time(replay_value{series="SERIES"}[1h])`},
		{"p95 of 6h", number, `quantile_over_time(0.95, replay_value{series="SERIES"}[6h])`},
		{"1h ago's forecast", number, `predict_linear(replay_value{series="SERIES"}[3h] offset 1h, 3600)`},
		{"deviation at most", number, `max_over_time(abs(replay:deviation{series="SERIES"})[STEP:5m])`},
		{"labelled", mark, `replay_labelled{series="SERIES"}`},
	}
)

// report prints what can be asked now.
type report struct {
	w        io.Writer
	db       *history.DB
	rec      *recording
	from, to time.Time // as far as it was replayed
	took     time.Duration
}

func (r report) print(ctx context.Context, focus *series) error {
	for _, part := range []func() error{
		func() error { return r.head(ctx) },
		func() error { return r.overall(ctx) },
		func() error { return r.closely(ctx, focus) },
	} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

// head says what was replayed, and what it takes: of that the history has
// measured itself.
func (r report) head(ctx context.Context) error {
	rows := 0
	for _, s := range r.rec.series {
		rows += len(s.rows)
	}
	length := r.to.Sub(r.from)
	fmt.Fprintf(r.w, "%s: %d series, %d values from %s to %s, replayed in %s (%.0f times as fast)\n",
		r.rec.name, len(r.rec.series), rows, r.from.Format(time.DateOnly), r.to.Format(time.DateOnly),
		r.took.Round(time.Millisecond), length.Seconds()/r.took.Seconds())
	samples, err := r.one(ctx, `monitor_history_stored_samples`)
	if err != nil {
		return err
	}
	each, err := r.one(ctx, `monitor_history_bytes_per_sample`)
	if err != nil {
		return err
	}
	saved, err := r.one(ctx, `monitor_history_compression_ratio`)
	if err != nil {
		return err
	}
	fmt.Fprintf(r.w, "kept, with the monitor's own series: %s samples of %.2f bytes, %s less than plain ones\n", number(samples), each, percent(saved))
	return nil
}

// one asks for a single number.
func (r report) one(ctx context.Context, query string) (float64, error) {
	samples, err := r.db.Query(ctx, query, r.to)
	if err != nil || len(samples) == 0 {
		return math.NaN(), err
	}
	return samples[0].Value, nil
}

// overall prints a row for each series.
func (r report) overall(ctx context.Context) error {
	t := newTable("series", overall)
	for _, s := range r.rec.series {
		t.row(s.name)
	}
	fill := strings.NewReplacer("ALL", fmt.Sprintf("%.0fd", math.Ceil(r.to.Sub(r.from).Hours()/24)+1))
	for i, c := range overall {
		samples, err := r.db.Query(ctx, fill.Replace(c.query), r.to)
		if err != nil {
			return err
		}
		for _, s := range samples {
			t.set(s.Labels["series"], i, s.Value)
		}
	}
	return t.print(r.w, "\nat the end, over all of it", fill)
}

const minutes = "2006-01-02 15:04"

// closely prints a row for each of some twenty times in and around a window.
func (r report) closely(ctx context.Context, s *series) error {
	from, to, where := r.from, r.to, "all along"
	if len(s.windows) > 0 {
		w := s.windows[0]
		margin := w.to.Sub(w.from) / 2
		from, to, where = w.from.Add(-margin), w.to.Add(margin), "around its first labelled window"
	}
	every := max(to.Sub(from)/20, step).Round(step)
	span := monitor.Range{From: from.Truncate(every).Add(every), To: to, Step: every}
	t := newTable("time", closely)
	for at := span.From; !at.After(span.To); at = at.Add(every) {
		t.row(at.Format(minutes))
	}
	fill := strings.NewReplacer("SERIES", s.name, "STEP", short(every))
	for i, c := range closely {
		answer, err := r.db.QueryRange(ctx, fill.Replace(c.query), span)
		if err != nil {
			return err
		}
		for _, s := range answer {
			for _, p := range s.Points {
				t.set(p.Time.UTC().Format(minutes), i, p.Value)
			}
		}
	}
	return t.print(r.w, "\n"+s.name+" "+where+", every "+short(every), fill)
}

// table has a row for each key and a cell for each column.
type table struct {
	key     string
	columns []column
	keys    []string
	cells   map[string][]string
}

func newTable(key string, columns []column) *table {
	return &table{key: key, columns: columns, cells: map[string][]string{}}
}

// row adds a row without values.
func (t *table) row(key string) {
	t.keys = append(t.keys, key)
	t.cells[key] = slices.Repeat([]string{"-"}, len(t.columns))
}

func (t *table) set(key string, column int, v float64) {
	if cells, ok := t.cells[key]; ok {
		cells[column] = t.columns[column].show(v)
	}
}

// print prints the table, and below it the queries.
func (t *table) print(w io.Writer, title string, fill *strings.Replacer) error {
	fmt.Fprintln(w, title)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(tw, t.key, "\t")
	for _, c := range t.columns {
		fmt.Fprint(tw, c.title, "\t")
	}
	fmt.Fprintln(tw)
	for _, key := range t.keys {
		fmt.Fprintln(tw, key+"\t"+strings.Join(t.cells[key], "\t")+"\t")
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for _, c := range t.columns {
		fmt.Fprintf(w, "  %s: %s\n", c.title, fill.Replace(c.query))
	}
	return nil
}

// number shows a value in few digits.
func number(v float64) string {
	switch size := math.Abs(v); {
	case size >= 1e9:
		return fmt.Sprintf("%.2fG", v/1e9)
	case size >= 1e6:
		return fmt.Sprintf("%.2fM", v/1e6)
	case size >= 1e4:
		return fmt.Sprintf("%.1fk", v/1e3)
	}
	return fmt.Sprintf("%.2f", v)
}

func percent(v float64) string { return fmt.Sprintf("%.1f%%", 100*v) }

func mark(v float64) string {
	if v == 1 {
		return "yes"
	}
	return "no"
}

// short writes a duration without zeros at its end.
func short(d time.Duration) string {
	return strings.NewReplacer("m0s", "m", "h0m0s", "h").Replace(d.String())
}
