package sqltext

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
	kwTrigger // or policy, rule
	kwColumn
	kwConcurrently
	kwTransaction
	kwFor
	kwNoise     // binary, full, freeze, verbose, or, replace, temp, unlogged, …
	kwNoTable   // schema, sequence, function: what a GRANT may be on
	kwOperator  // and, or, in, like, is, between: followed by an operand
	kwAttribute // other words before a parenthesis that is no call
)

// typeNames are the types that the first words of statements mean.
var typeNames = [...]string{
	none: Other, kwSelect: "SELECT", kwInsert: "INSERT", kwUpdate: "UPDATE", kwDelete: "DELETE", kwMerge: "MERGE", kwCopy: Copy,
	kwCreate: "CREATE", kwAlter: "ALTER", kwDrop: "DROP", kwTruncate: "TRUNCATE", kwGrant: "GRANT", kwRevoke: "REVOKE",
	kwComment: "COMMENT", kwRefresh: "REFRESH", kwReindex: "REINDEX", kwCluster: "CLUSTER", kwVacuum: "VACUUM", kwAnalyze: "ANALYZE",
	kwExplain: "EXPLAIN", kwLock: "LOCK", kwCall: "CALL", kwDo: "DO", kwSet: "SET", kwShow: "SHOW", kwReset: "RESET",
	kwDiscard: "DISCARD", kwDeclare: "DECLARE", kwFetch: "FETCH", kwMove: "MOVE", kwClose: "CLOSE", kwPrepare: "PREPARE",
	kwExecute: "EXECUTE", kwDeallocate: "DEALLOCATE", kwListen: "LISTEN", kwNotify: "NOTIFY", kwCheckpoint: "CHECKPOINT",
	kwLoad: "LOAD", kwImport: "IMPORT", kwReassign: "REASSIGN", kwSecurity: "SECURITY", kwUnlisten: "UNLISTEN",
}

var keywords = map[string]keyword{
	"select": kwSelect, "insert": kwInsert, "update": kwUpdate, "delete": kwDelete, "merge": kwMerge, "copy": kwCopy,
	"create": kwCreate, "alter": kwAlter, "drop": kwDrop, "truncate": kwTruncate, "grant": kwGrant, "revoke": kwRevoke,
	"comment": kwComment, "refresh": kwRefresh, "reindex": kwReindex, "cluster": kwCluster, "vacuum": kwVacuum,
	"analyze": kwAnalyze, "analyse": kwAnalyze, "explain": kwExplain, "lock": kwLock, "call": kwCall, "do": kwDo, "set": kwSet,
	"show": kwShow, "reset": kwReset, "discard": kwDiscard, "declare": kwDeclare, "fetch": kwFetch, "move": kwMove, "close": kwClose,
	"prepare": kwPrepare, "execute": kwExecute, "deallocate": kwDeallocate, "listen": kwListen, "notify": kwNotify,
	"checkpoint": kwCheckpoint, "load": kwLoad, "import": kwImport, "reassign": kwReassign, "security": kwSecurity, "unlisten": kwUnlisten,

	"with": kwWith, "values": kwValues, "table": kwTable,
	"begin": kwTx, "start": kwTx, "commit": kwTx, "end": kwTx, "rollback": kwTx, "abort": kwTx, "savepoint": kwTx, "release": kwTx,
	"from": kwFrom, "into": kwInto, "only": kwOnly, "as": kwAs, "on": kwOn, "to": kwTo, "join": kwJoin, "distinct": kwDistinct,
	"lateral": kwLateral, "rows": kwRows, "recursive": kwRecursive, "materialized": kwMaterialized,
	"where": kwStop, "group": kwStop, "having": kwStop, "window": kwStop, "order": kwStop, "limit": kwStop, "offset": kwStop,
	"returning": kwStop, "union": kwSetOp, "intersect": kwSetOp, "except": kwSetOp,
	"not": kwNot, "if": kwIf, "exists": kwExists, "index": kwIndex, "view": kwView, "foreign": kwForeign,
	"trigger": kwTrigger, "policy": kwTrigger, "rule": kwTrigger, "column": kwColumn, "concurrently": kwConcurrently,
	"transaction": kwTransaction, "for": kwFor,
	"binary": kwNoise, "full": kwNoise, "freeze": kwNoise, "verbose": kwNoise, "or": kwNoise, "replace": kwNoise, "temp": kwNoise,
	"temporary": kwNoise, "unlogged": kwNoise, "unique": kwNoise, "global": kwNoise, "local": kwNoise, "constraint": kwNoise,
	"schema": kwNoTable, "sequence": kwNoTable, "function": kwNoTable, "procedure": kwNoTable, "routine": kwNoTable,
	"database": kwNoTable, "domain": kwNoTable, "language": kwNoTable, "large": kwNoTable, "parameter": kwNoTable,
	"tablespace": kwNoTable, "type": kwNoTable, "all": kwNoTable,
	"and": kwOperator, "in": kwOperator, "like": kwOperator, "ilike": kwOperator, "is": kwOperator, "between": kwOperator,
	"when": kwOperator, "then": kwOperator, "else": kwOperator, "any": kwAttribute, "some": kwAttribute, "over": kwAttribute,
	"by": kwAttribute, "using": kwAttribute, "filter": kwAttribute, "array": kwAttribute, "interval": kwAttribute, "case": kwAttribute,
}

// longestKeyword is "materialized", "concurrently".
const longestKeyword = 12

// keywordLengths has a bit for each length that keywords with that first
// letter have: most identifiers need no further look.
var keywordLengths = func() (lengths [256]uint16) {
	for k := range keywords {
		lengths[k[0]] |= 1 << len(k)
	}
	return lengths
}()

// keywordOf finds the keyword that an unquoted word is, in any case.
func keywordOf(s string) keyword {
	var buf [longestKeyword]byte
	if len(s) < 2 || len(s) > longestKeyword || keywordLengths[s[0]|0x20]&(1<<len(s)) == 0 {
		return none
	}
	for i := range len(s) {
		buf[i] = lower(s[i])
	}
	return keywords[string(buf[:len(s)])]
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		c |= 0x20
	}
	return c
}
