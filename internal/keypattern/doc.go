// Package keypattern turns keys into patterns that may stand in a label:
// "stock:daily:600519" becomes "stock:daily:*".
//
// A key is cut at its separators into words. A word stays if it is plainly a
// name: a few letters that can be spoken. What is not (digits, dates, UUIDs,
// hashes, symbols in capitals, addresses, anything outside ASCII) becomes "*",
// and a key in which everything would stay loses its last word: what stands
// last is what the key is about. Where a prefix is followed by ever new words
// ("user:alice", "user:bob"), these are not names of a kind but of things: the
// new ones become "*" too.
//
// Rules come first: a key that one matches has the rule as its pattern. A list
// of words makes everything else "*".
//
// The number of patterns is bounded; keys past it have the pattern [Other].
// Finding the pattern of a key allocates nothing.
package keypattern
