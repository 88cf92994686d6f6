//go:build !linux

package testdir

func parent() string { return "/tmp" }
