// Package bootstrap joins PiCloud's services and drivers into the programs of
// cmd. It is the only package that knows more than one of them, and holds no
// logic of its own beyond starting, wiring and stopping.
package bootstrap
