// Package version says which PiCloud this is.
package version

import (
	"runtime"
	"runtime/debug"
)

// Number is the semantic version of this source tree. A release build sets it
// with -ldflags '-X github.com/picloud/picloud/internal/version.Number=1.2.3'.
var Number = "0.1.0-dev"

// Commit is what this program was built from; empty when the build does not say.
func Commit() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				return setting.Value
			}
		}
	}
	return ""
}

// String is the version in one line, with the commit when it is known.
func String() string {
	s := Number
	if commit := Commit(); len(commit) >= 12 {
		s += " (" + commit[:12] + ")"
	}
	return s + " " + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH
}
