// Package sqltext says what a PostgreSQL statement is about: its type, its
// main table, its text without literals, and a hash of that text.
//
//	info := sqltext.Analyze("SELECT price FROM stocks WHERE symbol = '600519'")
//	// info.Type "SELECT", info.Table "stocks", info.Text "select price from stocks where symbol = ?"
//
// It never fails: what it does not understand has the type "OTHER" and no
// table. It expects PostgreSQL 9.1's default standard_conforming_strings = on.
//
// # Why its own scanner
//
// The scanner follows PostgreSQL's scan.l in what decides where a literal
// begins and ends: nested comments, comments that end an operator, dollar
// quotes, escape strings, identifiers. DataDog/go-sqllexer 0.2.6, which is made
// for all dialects at once, lets literals through: its identifiers take in the
// characters / " # and its operators take in "--", so that an apostrophe in
// the comment of "select a/* it's */ from t where pw = 'secret'" turns
// quoted and unquoted text around.
//
// # Cache
//
// [Cache] keeps what was made of each distinct statement, so that the analysis
// is done once: a look-up is one map access without a lock. It is bounded in
// number and in bytes.
package sqltext
