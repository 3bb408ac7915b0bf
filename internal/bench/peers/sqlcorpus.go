package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/chronoretrace/chronomon/internal/sqltext"
)

// An oracle knows what PostgreSQL's own grammar makes of statements.
type oracle interface {
	// split takes a script apart, into nothing if it is no SQL.
	split(script string) []string
	// judge returns a statement's type and main table, and ok false for what
	// is not exactly one statement.
	judge(sql string) (typ, table string, ok bool)
}

// defaultCorpus is where statements are in this repository.
var defaultCorpus = []string{"../../sqltext", "../../../dbmon"}

// A verdictCount says how often the analysis was right.
type verdictCount struct {
	all, typ, table, both int
	refused               int
	wrong                 []string
}

// judgeSQL compares sqltext with the oracle on all statements found below the
// directories, by directory.
func judgeSQL(w io.Writer, o oracle, directories []string) ([]goal, error) {
	t := table{head: []string{"statements", "distinct", "type right %", "table right %", "both right %", "reading and writing", "both right %"}, numbers: 6}
	var sum, rows verdictCount
	seen := make(map[string]bool)
	for _, dir := range append([]string{""}, directories...) {
		statements := dbMix
		if dir != "" {
			var err error
			if statements, err = readCorpus(o, dir); err != nil {
				return nil, err
			}
		} else {
			dir = "the mix of 28"
		}
		var c, dml verdictCount
		for _, sql := range statements {
			if seen[sql] {
				continue
			}
			seen[sql] = true
			typ, main, ok := o.judge(sql)
			if !ok {
				c.refused++
				continue
			}
			c.add(sql, typ, main)
			switch typ {
			case "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", sqltext.Copy:
				dml.add(sql, typ, main)
			}
		}
		t.add(dir, strconv.Itoa(c.all), c.share(c.typ), c.share(c.table), c.share(c.both), strconv.Itoa(dml.all), dml.share(dml.both))
		sum.join(c)
		rows.join(dml)
	}
	t.add("all", strconv.Itoa(sum.all), sum.share(sum.typ), sum.share(sum.table), sum.share(sum.both), strconv.Itoa(rows.all), rows.share(rows.both))
	t.print(w)
	fmt.Fprintf(w, "%d more pieces of text are no statement to the oracle: other strings, what a script does wrong on purpose, psql's variables.\n\n", sum.refused)
	rows.show(w, "reading and writing")
	sum.show(w, "all")
	return []goal{
		{"SQL: type and table right", 100 * float64(sum.both) / float64(sum.all), 98.5, " %", true},
		{"SQL: the same, reading and writing", 100 * float64(rows.both) / float64(rows.all), 98.5, " %", true},
	}, nil
}

// shownWrong is about how many of the mistakes are printed.
const shownWrong = 20

func (c *verdictCount) show(w io.Writer, what string) {
	fmt.Fprintf(w, "%d mistakes, %s; some of them:\n", len(c.wrong), what)
	for i := 0; i < len(c.wrong); i += len(c.wrong)/shownWrong + 1 {
		fmt.Fprintln(w, "  "+c.wrong[i])
	}
	fmt.Fprintln(w)
}

func (c *verdictCount) add(sql, typ, main string) {
	got := sqltext.Analyze(sql)
	c.all++
	if got.Type == typ {
		c.typ++
	}
	if got.Table == main {
		c.table++
	}
	if got.Type == typ && got.Table == main {
		c.both++
		return
	}
	short := []rune(strings.Join(strings.Fields(sql), " "))
	c.wrong = append(c.wrong, fmt.Sprintf("%s %q, not %s %q: %s", got.Type, got.Table, typ, main, string(short[:min(len(short), 160)])))
}

func (c *verdictCount) join(o verdictCount) {
	c.all, c.typ, c.table, c.both = c.all+o.all, c.typ+o.typ, c.table+o.table, c.both+o.both
	c.refused += o.refused
	c.wrong = append(c.wrong, o.wrong...)
}

func (c *verdictCount) share(n int) string {
	return fmt.Sprintf("%.2f", 100*float64(n)/float64(c.all))
}

// readCorpus collects statements: scripts (.sql), the field "input" of .json,
// and the strings of .go files. What is none the oracle refuses.
func readCorpus(o oracle, dir string) (list []string, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		var found []string
		switch filepath.Ext(path) {
		case ".sql":
			found, err = readScript(o, path)
		case ".json":
			found, err = readJSON(path)
		case ".go":
			found, err = readGo(path)
		}
		list = append(list, found...)
		return err
	})
	return list, err
}

var copyIn = regexp.MustCompile(`(?i)^\s*copy\b.*\bfrom\s+stdin\b`)

// readScript leaves out psql's own commands and the data of COPY.
func readScript(o oracle, path string) ([]string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var script strings.Builder
	data := false
	for line := range strings.Lines(string(content)) {
		switch {
		case data:
			data = !strings.HasPrefix(line, `\.`)
		case strings.HasPrefix(line, `\`):
		default:
			data = copyIn.MatchString(line) && strings.HasSuffix(strings.TrimSpace(line), ";")
			script.WriteString(line)
		}
	}
	return o.split(script.String()), nil
}

func readJSON(path string) ([]string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var test struct{ Input string }
	if !json.Valid(content) || content[0] != '{' {
		return nil, nil
	}
	err = json.Unmarshal(content, &test)
	return []string{test.Input}, err
}

func readGo(path string) ([]string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	found := make(map[string]bool)
	ast.Inspect(file, func(n ast.Node) bool {
		if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			if s, err := strconv.Unquote(literal.Value); err == nil {
				found[s] = true
			}
		}
		return true
	})
	return slices.Sorted(maps.Keys(found)), nil
}
