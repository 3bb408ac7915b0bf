package history

import (
	"errors"
	"fmt"

	"github.com/prometheus/prometheus/promql/parser"
)

// What an expression may be: the parser takes no context, and its time grows with
// the square of the depth.
const (
	mostExpr  = 64 << 10 // bytes
	mostDepth = 100      // of brackets, and signs in a row
)

var errDeep = errors.New("it is nested too deeply")

// checkSize refuses an expression that would take long to parse.
func checkSize(promql string) error {
	if len(promql) > mostExpr {
		return fmt.Errorf("it has %d bytes: want at most %d", len(promql), mostExpr)
	}
	depth, signs := 0, 0
	for i := 0; i < len(promql); i++ {
		c := promql[i]
		switch c {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		case '"', '\'', '`':
			for i++; i < len(promql) && promql[i] != c; i++ {
				if promql[i] == '\\' && c != '`' {
					i++
				}
			}
		case '#':
			for i < len(promql) && promql[i] != '\n' {
				i++
			}
			continue
		}
		switch c {
		case '+', '-':
			signs++
		case ' ', '\t', '\n', '\r':
		default:
			signs = 0
		}
		if depth > mostDepth || signs > mostDepth {
			return errDeep
		}
	}
	return nil
}

// parseExpr parses an expression.
func parseExpr(promql string) (parser.Expr, error) {
	if err := checkSize(promql); err != nil {
		return nil, err
	}
	return parser.ParseExpr(promql)
}

// pretty returns an expression as Prometheus lays it out, in lines that begin the
// further right the deeper they are.
func pretty(expr parser.Expr) (string, error) {
	deep := false
	parser.Inspect(expr, func(_ parser.Node, path []parser.Node) error {
		if deep = deep || len(path) > mostDepth; deep {
			return errDeep
		}
		return nil
	})
	if deep {
		return "", errDeep
	}
	return expr.Pretty(0), nil
}
