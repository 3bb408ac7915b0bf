// Package m4 reads series of the M4 forecasting competition and scores forecasts
// of them as its guide for competitors says: sMAPE, MASE and OWA against Naive2,
// and coverage and MSIS of 95 % intervals.
package m4

import (
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A Frequency is one part of the competition.
type Frequency struct {
	Name    string
	Period  int // of Naive2, and of the units of MASE
	Horizon int
	Step    time.Duration
}

// Frequencies are those that a program meets.
var Frequencies = []Frequency{
	{"hourly", 24, 48, time.Hour},
	{"daily", 1, 14, 24 * time.Hour},
	{"weekly", 1, 13, 7 * 24 * time.Hour},
}

// Lookup returns the frequency of a name.
func Lookup(name string) (Frequency, error) {
	for _, f := range Frequencies {
		if strings.EqualFold(f.Name, name) {
			return f, nil
		}
	}
	return Frequency{}, fmt.Errorf("m4: no frequency %q: hourly, daily or weekly", name)
}

// A Series is one line of a file.
type Series struct {
	ID     string
	Values []float64
}

// Read reads a file of series, plain or .gz: a header, then an id and values, oldest
// first, the end padded with nothing or NA.
func Read(path string) ([]Series, error) {
	f, err := os.Open(filepath.Clean(path))
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // read only
	var in io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if in, err = gzip.NewReader(f); err != nil {
			return nil, fmt.Errorf("m4: read %s: %w", path, err)
		}
	}
	r := csv.NewReader(in)
	r.FieldsPerRecord, r.ReuseRecord = -1, true
	if _, err := r.Read(); err != nil {
		return nil, fmt.Errorf("m4: read %s: header: %w", path, err)
	}
	var out []Series
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("m4: read %s: %w", path, err)
		}
		s := Series{ID: strings.Clone(row[0])}
		for _, field := range row[1:] {
			v, err := number(field)
			if err != nil {
				return nil, fmt.Errorf("m4: read %s: series %s: %w", path, s.ID, err)
			}
			s.Values = append(s.Values, v)
		}
		for n := len(s.Values); n > 0 && math.IsNaN(s.Values[n-1]); n-- {
			s.Values = s.Values[:n-1]
		}
		out = append(out, s)
	}
}

func number(s string) (float64, error) {
	switch s = strings.TrimSpace(s); s {
	case "", "NA", "null":
		return math.NaN(), nil
	}
	return strconv.ParseFloat(s, 64)
}

// A Forecast is what a method says of one series.
type Forecast struct {
	ID              string
	Mean, Low, High []float64
}

// Write writes forecasts of a horizon, in the format of the competition's scorers:
// id, h1 …, lo1 …, hi1 ….
func Write(w io.Writer, horizon int, forecasts []Forecast) error {
	out := csv.NewWriter(w)
	header := []string{"id"}
	for _, part := range []string{"h", "lo", "hi"} {
		for k := range horizon {
			header = append(header, part+strconv.Itoa(k+1))
		}
	}
	if err := out.Write(header); err != nil {
		return err
	}
	for _, f := range forecasts {
		row := []string{f.ID}
		for _, part := range [][]float64{f.Mean, f.Low, f.High} {
			for _, v := range part {
				row = append(row, strconv.FormatFloat(v, 'g', -1, 64))
			}
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
