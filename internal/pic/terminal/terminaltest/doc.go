// Package terminaltest gives tests pseudo-terminals.
package terminaltest
