package sqltext

import (
	"crypto/sha256"
	"encoding/hex"
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
	// case where it was not quoted, each part cut to 63 bytes as PostgreSQL
	// does. Empty if there is none.
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
	short  []byte // hash and table
}

// Analyze analyses a statement. Only its first 16 KiB count, without a word
// that they end in: it may be half a one.
func Analyze(sql string) Info {
	b := buffers.Get().(*buffer)
	defer buffers.Put(b)
	if len(sql) > maxAnalyzed {
		sql = sql[:maxAnalyzed]
		b.scan(sql)
		b.dropLast(word)
	} else {
		b.scan(sql)
	}
	b.text = appendText(b.text[:0], sql, b.tokens)
	p := parser{src: sql, tokens: b.tokens}
	typ, table := p.statements()
	b.short = append(appendHash(b.short[:0], b.text), table...)
	short := string(b.short)
	return Info{Type: typ, Table: short[hashLen:], Text: string(b.text), Hash: short[:hashLen]}
}

// scan fills tokens, and joins parentheses to those that close them.
func (b *buffer) scan(sql string) {
	tokens, open := b.tokens[:0], b.open[:0]
	s := scanner{src: sql}
	for n := 0; ; n++ {
		tokens = append(tokens, token{})
		t := &tokens[n]
		s.next(t)
		switch {
		case t.kind == end:
			b.tokens, b.open = tokens, open
			return
		case t.ch == '(':
			open = append(open, n)
		case t.ch == ')' && len(open) > 0:
			last := len(open) - 1
			tokens[open[last]].closing = int32(n)
			open = open[:last]
		}
	}
}

// dropLast takes out the last token if it is of that kind.
func (b *buffer) dropLast(k kind) {
	if n := len(b.tokens) - 2; n >= 0 && b.tokens[n].kind == k {
		b.tokens = append(b.tokens[:n], b.tokens[n+1])
	}
}

// hashLen is how many hexadecimal digits a hash has.
const hashLen = 16

func appendHash(b, text []byte) []byte {
	sum := sha256.Sum256(text)
	return hex.AppendEncode(b, sum[:hashLen/2])
}
