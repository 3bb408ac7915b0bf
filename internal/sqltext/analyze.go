package sqltext

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"sync"
)

// The types that are no statement's first word.
const (
	Tx    = "TX"    // BEGIN, COMMIT, ROLLBACK, SAVEPOINT and their like
	Other = "OTHER" // not understood
	Copy  = "COPY"
)

// maxAnalyzed is how many bytes of a statement are looked at. Generated
// statements (thousands of rows of VALUES) show what they are long before.
const maxAnalyzed = 16 << 10

// Info is what there is to know of a statement. Its strings are its own.
type Info struct {
	// Type is the statement's verb in upper case, [Tx] or [Other]. That of a
	// statement with common table expressions is its main verb; VALUES and
	// TABLE are SELECT. Of several statements the first counts that is neither
	// about the transaction nor a SET or SHOW.
	Type string
	// Table is the main table: what is written to, else the first table of the
	// main FROM clause and the subqueries in it, else the one behind a common
	// table expression, else one that a subquery elsewhere reads. It is as
	// written: with a schema if there is one, without quotes, folded to lower
	// case where it was not quoted. Empty if there is none.
	Table string
	// Text is the statement without literals, parameters, comments and
	// formatting. Lists of values are one value.
	Text string
	// Hash is the first 16 hexadecimal digits of the SHA-256 of Text.
	Hash string
}

// buffers are used again: an analysis allocates what it returns.
var buffers = sync.Pool{New: func() any { return &buffer{} }}

type buffer struct {
	tokens []token
	open   []int // parentheses
	text   []byte
}

// Analyze analyses a statement. Only its first 16 KiB count.
func Analyze(sql string) Info {
	if len(sql) > maxAnalyzed {
		sql = sql[:maxAnalyzed]
	}
	b := buffers.Get().(*buffer)
	defer buffers.Put(b)
	b.scan(sql)
	var info Info
	p := parser{src: sql, tokens: b.tokens}
	info.Type, info.Table = p.statements()
	b.text = appendText(b.text[:0], sql, b.tokens)
	info.Text = string(b.text)
	info.Hash = hash(b.text)
	info.Table = strings.Clone(info.Table)
	return info
}

// scan fills tokens, and joins parentheses to those that close them.
func (b *buffer) scan(sql string) {
	b.tokens, b.open = b.tokens[:0], b.open[:0]
	s := scanner{src: sql}
	for {
		t := s.next()
		if t.kind == punct {
			switch t.ch {
			case '(':
				b.open = append(b.open, len(b.tokens))
			case ')':
				if n := len(b.open); n > 0 {
					b.tokens[b.open[n-1]].closing = len(b.tokens)
					b.open = b.open[:n-1]
				}
			}
		}
		b.tokens = append(b.tokens, t)
		if t.kind == end {
			return
		}
	}
}

func hash(text []byte) string {
	sum := sha256.Sum256(text)
	var digits [16]byte
	hex.Encode(digits[:], sum[:8])
	return string(digits[:])
}
