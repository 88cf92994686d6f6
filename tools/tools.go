// Package tools pins, in a module of its own, the programs that check the
// code, so that they add nothing to what users of PiCloud's module download.
// The Makefile runs them with `go tool -modfile=tools/go.mod`.
package tools
