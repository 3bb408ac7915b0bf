// Package nab reads the corpus of the Numenta Anomaly Benchmark (v1.1) and scores
// detectors as its rules say.
//
// Source: A. Lavin, S. Ahmad: Evaluating Real-Time Anomaly Detection Algorithms,
// ICMLA 2015, with the changes of the benchmark's later versions: a window is worth
// what its earliest detection is, and one threshold holds for the whole corpus.
package nab

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Row is one point of a file.
type Row struct {
	Time  string // as the file writes it
	At    time.Time
	Value float64
}

// A Window is a labelled anomaly: its first and its last row.
type Window struct{ First, Last int }

// A File is one series of the corpus.
type File struct {
	Name    string // category/file.csv
	Rows    []Row
	Windows []Window
}

// Category is the folder that the file is in.
func (f *File) Category() string { return path.Dir(f.Name) }

// Times are the formats of timestamps that are read.
var times = []string{"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", time.RFC3339}

func parseTime(s string) (time.Time, error) {
	for _, f := range times {
		if t, err := time.Parse(f, s); err == nil { // fractions of a second are read with any of them
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("time %q: not such as 2006-01-02 15:04:05", s)
}

// Read reads a CSV file, plain or .gz, with the columns timestamp and value. Further
// columns are ignored. An empty value is NaN.
func Read(fsys fs.FS, name string) ([]Row, error) {
	var out []Row
	err := columns(fsys, name, []string{"timestamp", "value"}, func(v []string) error {
		at, err := parseTime(strings.TrimSpace(v[0]))
		if err != nil {
			return err
		}
		text := strings.TrimSpace(v[1])
		if text == "" {
			text = "NaN"
		}
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return fmt.Errorf("value %q: %w", v[1], errors.Unwrap(err))
		}
		out = append(out, Row{Time: strings.Clone(v[0]), At: at, Value: value})
		return nil
	})
	return out, err
}

// columns calls each with the fields of the columns in every row.
func columns(fsys fs.FS, name string, wanted []string, each func([]string) error) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("nab: read %s: %w", name, err)
		}
	}()
	f, err := fsys.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // read only
	var in io.Reader = bufio.NewReader(f)
	if strings.HasSuffix(name, ".gz") {
		if in, err = gzip.NewReader(in); err != nil {
			return err
		}
	}
	r := csv.NewReader(in)
	r.FieldsPerRecord, r.ReuseRecord, r.TrimLeadingSpace = -1, true, true
	head, err := r.Read()
	if err != nil {
		return fmt.Errorf("header: %w", err)
	}
	at := make([]int, len(wanted))
	for i, w := range wanted {
		if at[i] = slices.Index(head, w); at[i] < 0 {
			return fmt.Errorf("no column %q", w)
		}
	}
	last := slices.Max(at)
	fields := make([]string, len(wanted))
	for {
		row, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case len(row) <= last:
			line, _ := r.FieldPos(0)
			return fmt.Errorf("line %d: %d fields, %d expected", line, len(row), last+1)
		}
		for i, j := range at {
			fields[i] = row[j]
		}
		if err := each(fields); err != nil {
			line, _ := r.FieldPos(0)
			return fmt.Errorf("line %d: %w", line, err)
		}
	}
}

// Corpus reads the labelled files under labels/combined_windows.json, in the order
// of their names.
func Corpus(fsys fs.FS) ([]*File, error) {
	data, err := fs.ReadFile(fsys, "labels/combined_windows.json")
	if err != nil {
		return nil, fmt.Errorf("nab: %w", err)
	}
	var labels map[string][][2]string
	if err := json.Unmarshal(data, &labels); err != nil {
		return nil, fmt.Errorf("nab: labels: %w", err)
	}
	var out []*File
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		rows, err := Read(fsys, name)
		if err != nil {
			return nil, err
		}
		f := &File{Name: name, Rows: rows}
		for _, w := range labels[name] {
			window, err := f.window(w[0], w[1])
			if err != nil {
				return nil, fmt.Errorf("nab: label of %s: %w", name, err)
			}
			f.Windows = append(f.Windows, window)
		}
		out = append(out, f)
	}
	return out, nil
}

// window finds the rows with the two times.
func (f *File) window(first, last string) (w Window, err error) {
	for i, s := range []string{first, last} {
		at, err := parseTime(s)
		if err != nil {
			return w, err
		}
		at = at.Truncate(time.Second)
		row := slices.IndexFunc(f.Rows, func(r Row) bool { return r.At.Truncate(time.Second).Equal(at) })
		if row < 0 {
			return w, fmt.Errorf("no row at %s", s)
		}
		if i == 0 {
			w.First = row
		} else {
			w.Last = row
		}
	}
	if w.First > w.Last {
		return w, fmt.Errorf("%s is after %s", first, last)
	}
	return w, nil
}

// Probation is how many rows at the start of a file are not scored: a share of them,
// and no more than the cap. The benchmark's are 0.15 and 750.
func Probation(rows int, share float64, limit int) int {
	return min(int(share*float64(rows)), limit)
}
