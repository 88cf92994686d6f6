// Package version says which PiCloud this is.
package version

import (
	"runtime"
	"runtime/debug"
)

// Number is the semantic version of this source tree. A release build sets it
// with -ldflags '-X github.com/picloud/picloud/internal/version.Number=1.2.3'.
var Number = "0.1.0-dev"

// String is the version in one line, with the commit when the build knows it.
func String() string {
	s := Number
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" && len(setting.Value) >= 12 {
				s += " (" + setting.Value[:12] + ")"
			}
		}
	}
	return s + " " + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH
}
