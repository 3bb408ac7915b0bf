package main

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/chronoretrace/chronomon/internal/eval/nab"
)

// mirror writes the scores of all series below a folder to another.
func mirror(from, to, detector string, p probation) error {
	tree, found := os.DirFS(from), 0
	err := fs.WalkDir(tree, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(strings.TrimSuffix(path, ".gz"), ".csv") {
			return err
		}
		if ok, err := isSeries(tree, path); err != nil || !ok {
			return err
		}
		found++
		rows, err := nab.Read(tree, path)
		if err != nil {
			return err
		}
		scores, err := feed(rows, detector, p.rows(len(rows)))
		if err != nil {
			return err
		}
		return write(filepath.Join(to, filepath.FromSlash(path)), rows, scores)
	})
	if err == nil && found == 0 {
		err = fmt.Errorf("no series in %s", from)
	}
	return err
}

// isSeries reports whether a file's header has the columns of a series.
func isSeries(tree fs.FS, path string) (bool, error) {
	f, err := tree.Open(path)
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }() // read only
	var in io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if in, err = gzip.NewReader(f); err != nil {
			return false, fmt.Errorf("%s: %w", path, err)
		}
	}
	head, err := csv.NewReader(bufio.NewReader(in)).Read()
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	return slices.Contains(head, "timestamp") && slices.Contains(head, "value"), err
}

// write writes a file, compressed if its name says so.
func write(path string, rows []nab.Row, scores []float64) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var out io.Writer = f
	if strings.HasSuffix(path, ".gz") {
		z := gzip.NewWriter(f)
		defer func() { err = errors.Join(err, z.Close()) }()
		out = z
	}
	w := csv.NewWriter(out)
	_ = w.Write([]string{"timestamp", "value", "anomaly_score"}) // an error comes back from Error
	for i, r := range rows {
		_ = w.Write([]string{r.Time, number(r.Value), number(scores[i])})
	}
	w.Flush()
	return w.Error()
}

// number is empty for a value that is missing.
func number(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}
