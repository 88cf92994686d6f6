// Package web holds the dashboard, as `make run` builds it from the sources in
// this folder. Without Node.js there is no build, and everything else works.
package web

import (
	"embed"
	"io/fs"
)

// build always holds a file that keeps it in Git and the build out of it.
//
//go:embed all:build
var build embed.FS

// Build returns the files of the build, each compressed and called *.gz; there
// is no index.html.gz among them when the dashboard was not built.
func Build() fs.FS {
	files, err := fs.Sub(build, "build")
	if err != nil {
		panic(err) // the name is a constant and valid
	}
	return files
}
