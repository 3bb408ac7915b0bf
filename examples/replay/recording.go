package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// recording is what was measured, and what people said about it.
type recording struct {
	name   string
	series []series
}

type series struct {
	name    string
	rows    []row    // oldest first
	windows []window // in which somebody saw an anomaly
}

type row struct {
	at    time.Time
	value float64
}

type window struct{ from, to time.Time }

// labelled reports whether the time is in one of the windows.
func (s *series) labelled(at time.Time) bool {
	return slices.ContainsFunc(s.windows, func(w window) bool { return !at.Before(w.from) && !at.After(w.to) })
}

// span returns the times of the first and the last row.
func (r *recording) span() (from, to time.Time) {
	from, to = r.series[0].rows[0].at, r.series[0].rows[0].at
	for _, s := range r.series {
		if at := s.rows[0].at; at.Before(from) {
			from = at
		}
		if at := s.rows[len(s.rows)-1].at; at.After(to) {
			to = at
		}
	}
	return from, to
}

// focus returns the series of that name, or the first with a window.
func (r *recording) focus(name string) (*series, error) {
	for i := range r.series {
		if s := &r.series[i]; s.name == name || name == "" && len(s.windows) > 0 {
			return s, nil
		}
	}
	if name == "" {
		return &r.series[0], nil
	}
	return nil, fmt.Errorf("%s has no series %q", r.name, name)
}

// labelsFile has the windows of all sets, by file.
const labelsFile = "labels/combined_windows.json"

// load reads a set of the benchmark: CSV files of times and values.
func load(dir fs.FS, set string) (*recording, error) {
	files, err := fs.Glob(dir, path.Join(set, "*.csv"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("the data directory has no set %q", set)
	}
	windows, err := loadWindows(dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", labelsFile, err)
	}
	r := &recording{name: set}
	for _, file := range files {
		rows, err := loadRows(dir, file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		r.series = append(r.series, series{name: strings.TrimSuffix(path.Base(file), ".csv"), rows: rows, windows: windows[file]})
	}
	return r, nil
}

func loadRows(dir fs.FS, file string) ([]row, error) {
	f, err := dir.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(lines) < 2 {
		return nil, errors.New("it has no rows")
	}
	var rows []row
	for _, line := range lines[1:] { // below the titles
		if len(line) != 2 {
			return nil, errors.New("want two columns, timestamp and value")
		}
		at, err := time.Parse(time.DateTime, line[0])
		if err != nil {
			return nil, err
		}
		v, err := strconv.ParseFloat(line[1], 64)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row{at, v})
	}
	slices.SortStableFunc(rows, func(a, b row) int { return a.at.Compare(b.at) })
	return rows, nil
}

func loadWindows(dir fs.FS) (map[string][]window, error) {
	data, err := fs.ReadFile(dir, labelsFile)
	if err != nil {
		return nil, err
	}
	var pairs map[string][][2]string
	if err := json.Unmarshal(data, &pairs); err != nil {
		return nil, err
	}
	out := map[string][]window{}
	for file, list := range pairs {
		for _, pair := range list {
			from, err := time.Parse(time.DateTime, pair[0])
			if err != nil {
				return nil, err
			}
			to, err := time.Parse(time.DateTime, pair[1])
			if err != nil {
				return nil, err
			}
			out[file] = append(out[file], window{from, to})
		}
	}
	return out, nil
}
