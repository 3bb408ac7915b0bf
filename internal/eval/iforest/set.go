package main

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// A set is rows, one after another, and which of them are outliers.
type set struct {
	columns int
	rows    []float64
	outlier []bool
}

// read reads a CSV file with a header, whose last column is 1 for an outlier and 0
// for others.
func read(path string) (s set, err error) {
	f, err := os.Open(path)
	if err != nil {
		return s, err
	}
	defer func() { _ = f.Close() }() // it was only read
	z, err := gzip.NewReader(f)
	if err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	lines := bufio.NewScanner(z)
	lines.Scan() // the header
	s.columns = strings.Count(lines.Text(), ",")
	for n := 2; lines.Scan(); n++ {
		fields := strings.Split(lines.Text(), ",")
		if len(fields) != s.columns+1 || s.columns == 0 {
			return s, fmt.Errorf("%s:%d: %d fields, the header has %d", path, n, len(fields), s.columns+1)
		}
		for _, field := range fields[:s.columns] {
			v, err := strconv.ParseFloat(field, 64)
			if err != nil {
				return s, fmt.Errorf("%s:%d: %w", path, n, err)
			}
			s.rows = append(s.rows, v)
		}
		switch label := fields[s.columns]; label {
		case "0", "1":
			s.outlier = append(s.outlier, label == "1")
		default:
			return s, fmt.Errorf("%s:%d: label %q is neither 0 nor 1", path, n, label)
		}
	}
	if err := lines.Err(); err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}
