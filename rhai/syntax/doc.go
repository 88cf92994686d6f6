// Package syntax scans and parses Rhai source text.
//
// [Parse] turns a source into a [Script]: the statements of its body and the
// functions it defines. The grammar, the texts of errors and their positions
// are those of Rhai 1.26 with its default build (64-bit integers and floats,
// ASCII identifiers, no custom syntax). The package knows nothing of values
// and evaluates nothing; it does fold the sign of a number into its literal.
//
// Every input ends in bounded time and stack: nesting is limited by
// [Options], and a source longer than the size limit is refused unread.
// A [Script] is never changed after Parse returns it, so goroutines may share
// it. Parsers share no state.
package syntax
