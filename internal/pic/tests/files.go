package tests

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/picloud/picloud/internal/pic/dev"
)

// suffix is how the names of test files end.
const suffix = "_test.rhai"

// The folders beside an app's scripts that may hold tests.
var folders = []string{".", "tests", "lib"}

// project is the app that is tested.
type project struct {
	dir     string // absolute
	shown   string // dir as people gave it
	scripts []dev.Script
	leftOut []error
}

// file is how people know a script's file.
func (p *project) file(script string) string {
	folder := p.shown
	if s := p.script(script); s != nil && s.Library {
		folder = filepath.Join(folder, "lib")
	}
	return filepath.ToSlash(filepath.Join(folder, script+".rhai"))
}

// script is a script by its name, nil if there is none.
func (p *project) script(name string) *dev.Script {
	for i := range p.scripts {
		if p.scripts[i].Name == name {
			return &p.scripts[i]
		}
	}
	return nil
}

func (p *project) slug() string { return dev.AppName(p.dir) }

// file is a file of tests.
type file struct {
	path   string // as people give it
	script dev.Script
}

// short is the file's name without its ending.
func (f *file) short() string { return strings.TrimSuffix(filepath.Base(f.path), ".rhai") }

// find reads the app at a path, and its test files or the one that the path is.
func find(path string) (*project, []*file, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, nil, err
	}
	info, err := os.Stat(abs)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("there is no file and no folder %s", path)
	}
	if err != nil {
		return nil, nil, err
	}
	p := &project{dir: abs, shown: path}
	var paths []string
	if info.IsDir() {
		for _, folder := range folders {
			found, err := filepath.Glob(filepath.Join(escaped(filepath.Join(path, folder)), "*"+suffix))
			if err != nil {
				return nil, nil, err
			}
			paths = append(paths, found...)
		}
	} else {
		if !strings.HasSuffix(abs, suffix) {
			return nil, nil, fmt.Errorf("%s is no *%s file and no directory", path, suffix)
		}
		paths = []string{path}
		p.dir, p.shown = filepath.Dir(abs), filepath.Dir(path)
		if name := filepath.Base(p.dir); name == "tests" || name == "lib" {
			p.dir, p.shown = filepath.Dir(p.dir), filepath.Join(p.shown, "..")
		}
	}
	if p.scripts, p.leftOut, err = dev.ReadApp(p.dir); err != nil {
		return nil, nil, err
	}
	slices.Sort(paths)
	var files []*file
	for _, path := range paths {
		source, err := dev.ReadFile(path)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", path, err)
		}
		files = append(files, &file{path: filepath.ToSlash(path), script: dev.Script{Name: strings.TrimSuffix(filepath.Base(path), ".rhai"), Source: source, Library: true}})
	}
	return p, files, nil
}

// escaped is a path that means itself in a pattern.
func escaped(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
