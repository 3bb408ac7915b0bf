package sqltext

import "strings"

// keyword is a word that the analysis knows, or none.
type keyword uint8

// The words that the analysis tells apart. Those up to kwUnlisten begin a
// statement and name its type.
const (
	none keyword = iota
	kwSelect
	kwInsert
	kwUpdate
	kwDelete
	kwMerge
	kwCopy
	kwCreate
	kwAlter
	kwDrop
	kwTruncate
	kwGrant
	kwRevoke
	kwComment
	kwRefresh
	kwReindex
	kwCluster
	kwVacuum
	kwAnalyze
	kwExplain
	kwLock
	kwCall
	kwDo
	kwSet
	kwShow
	kwReset
	kwDiscard
	kwDeclare
	kwFetch
	kwMove
	kwClose
	kwPrepare
	kwExecute
	kwDeallocate
	kwListen
	kwNotify
	kwCheckpoint
	kwLoad
	kwImport
	kwReassign
	kwSecurity
	kwUnlisten

	kwWith
	kwValues
	kwTable
	kwTx // begin, start, commit, end, rollback, abort, savepoint, release
	kwFrom
	kwInto
	kwOnly
	kwAs
	kwOn
	kwTo
	kwJoin
	kwDistinct
	kwLateral
	kwRows
	kwStop // ends a FROM clause
	kwSetOp
	kwRecursive
	kwMaterialized
	kwNot
	kwIf
	kwExists
	kwIndex
	kwView
	kwForeign
	kwTrigger // or policy
	kwConstraint
	kwRule
	kwColumn
	kwConcurrently
	kwTransaction
	kwFor
	kwOption // binary, full, freeze, verbose
	kwNoise  // or, replace, temp, unlogged, …
	kwAll
	kwNoTable // schema, sequence, function: what a GRANT may be on
	kwDomain
	kwOperator // and, or, in, like, is, between: followed by an operand
	kwUsing
	kwAttribute // other words before a parenthesis that is no call
)

// spellings are the words that each keyword stands for.
var spellings = [...]string{
	kwSelect: "select", kwInsert: "insert", kwUpdate: "update", kwDelete: "delete", kwMerge: "merge", kwCopy: "copy",
	kwCreate: "create", kwAlter: "alter", kwDrop: "drop", kwTruncate: "truncate", kwGrant: "grant", kwRevoke: "revoke",
	kwComment: "comment", kwRefresh: "refresh", kwReindex: "reindex", kwCluster: "cluster", kwVacuum: "vacuum",
	kwAnalyze: "analyze analyse", kwExplain: "explain", kwLock: "lock", kwCall: "call", kwDo: "do", kwSet: "set", kwShow: "show",
	kwReset: "reset", kwDiscard: "discard", kwDeclare: "declare", kwFetch: "fetch", kwMove: "move", kwClose: "close",
	kwPrepare: "prepare", kwExecute: "execute", kwDeallocate: "deallocate", kwListen: "listen", kwNotify: "notify",
	kwCheckpoint: "checkpoint", kwLoad: "load", kwImport: "import", kwReassign: "reassign", kwSecurity: "security",
	kwUnlisten: "unlisten",

	kwWith: "with", kwValues: "values", kwTable: "table",
	kwTx:   "begin start commit end rollback abort savepoint release",
	kwFrom: "from", kwInto: "into", kwOnly: "only", kwAs: "as", kwOn: "on", kwTo: "to", kwJoin: "join", kwDistinct: "distinct",
	kwLateral: "lateral", kwRows: "rows",
	kwStop:      "where group having window order limit offset returning",
	kwSetOp:     "union intersect except",
	kwRecursive: "recursive", kwMaterialized: "materialized", kwNot: "not", kwIf: "if", kwExists: "exists",
	kwIndex: "index", kwView: "view", kwForeign: "foreign", kwTrigger: "trigger policy", kwConstraint: "constraint", kwRule: "rule",
	kwColumn: "column", kwConcurrently: "concurrently", kwTransaction: "transaction", kwFor: "for",
	kwOption:    "binary full freeze verbose",
	kwNoise:     "or replace temp temporary unlogged unique global local",
	kwAll:       "all",
	kwNoTable:   "schema sequence function procedure routine database language large parameter tablespace type",
	kwDomain:    "domain",
	kwOperator:  "and in like ilike is between when then else",
	kwUsing:     "using",
	kwAttribute: "any some over by filter array interval case",
}

// typeNames are the types that the first words of statements mean.
var typeNames = func() (names [kwUnlisten + 1]string) {
	for k := range names {
		first, _, _ := strings.Cut(spellings[k], " ")
		names[k] = strings.ToUpper(first)
	}
	names[none] = Other
	return names
}()

// A code is a word of at most longestKeyword ASCII letters, in any case, as a
// number: five bits a letter.
type code uint64

// longestKeyword is "materialized", "concurrently".
const longestKeyword = 12

// with returns the code of the word with one more letter.
func (c code) with(letter byte) code { return c<<5 | code(letter&0x1f) }

// place spreads codes over the dictionary, by the golden ratio.
func (c code) place() int { return int(c * 0x9e3779b97f4a7c15 >> 55) }

// shelf is a place in the dictionary with its keyword, or empty.
type shelf struct {
	code    code
	keyword keyword
}

// dictionary has each spelling on its shelf, or on the next free one. Three of
// four are free.
var dictionary = func() (shelves [512]shelf) {
	for k, words := range spellings {
		for word := range strings.FieldsSeq(words) {
			var c code
			for i := range len(word) {
				c = c.with(word[i])
			}
			n := c.place()
			for shelves[n] != (shelf{}) {
				n = (n + 1) % len(shelves)
			}
			shelves[n] = shelf{c, keyword(k)}
		}
	}
	return shelves
}()

// keyword finds the keyword that the word is.
func (c code) keyword() keyword {
	n := c.place()
	for dictionary[n].code != c && dictionary[n].code != 0 {
		n = (n + 1) % len(dictionary)
	}
	return dictionary[n].keyword
}
