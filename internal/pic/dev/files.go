package dev

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/picloud/picloud/internal/store"
)

// testSuffix ends the names of files with tests: pic test runs them, and no
// server does.
const testSuffix = "_test"

// ReadApp reads the scripts of the app in a directory: its endpoints and the
// libraries in lib, sorted by name. Files that cannot be scripts are left out,
// with why. Tests are no scripts.
func ReadApp(dir string) (scripts []Script, leftOut []error, err error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, nil, err
	}
	return (&project{dir: abs}).read()
}

// ReadFile reads a source within the bounds of a script's.
func ReadFile(path string) (string, error) { return readFile(path) }

// AppName is what the app in a directory is called, unless somebody says otherwise.
func AppName(dir string) string { return (&project{dir: dir}).defaultApp() }

// maxSource bounds a script's source as the server does, in bytes.
const maxSource = 1 << 20

// read reads all scripts, sorted by name. Files that cannot be scripts are left
// out, with why in leftOut; of those that only lie beside the one file that is
// run, nothing is said. Two files of one name are an error.
func (p *project) read() (scripts []Script, leftOut []error, err error) {
	scripts, leftOut, err = readDir(p.dir, false)
	if err != nil {
		return nil, nil, err
	}
	libraries, more, err := readDir(filepath.Join(p.dir, libraryDir), true)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	scripts, leftOut = append(scripts, libraries...), append(leftOut, more...)
	if p.only != "" {
		for i := range scripts {
			scripts[i].Library = !p.reports(scripts[i])
		}
		leftOut = slices.DeleteFunc(leftOut, func(err error) bool {
			var f *fileError
			return !errors.As(err, &f) || filepath.Base(f.path) != p.only
		})
	}
	slices.SortFunc(scripts, func(a, b Script) int { return strings.Compare(a.Name, b.Name) })
	for i := 1; i < len(scripts); i++ {
		if scripts[i].Name == scripts[i-1].Name {
			return nil, nil, fmt.Errorf("%s%s is there twice, in %s and in %s: rename one", scripts[i].Name, extension, p.dir, filepath.Join(p.dir, libraryDir))
		}
	}
	return scripts, leftOut, nil
}

// reports reports whether a script's errors and changes are spoken of: not
// those of files that only lie beside the one that is run.
func (p *project) reports(s Script) bool { return p.only == "" || s.Name+extension == p.only }

// fileError says why a file is left out.
type fileError struct {
	path string
	err  error
}

func (e *fileError) Error() string { return fmt.Sprintf("%s is left out: %v", e.path, e.err) }

func readDir(dir string, library bool) (scripts []Script, leftOut []error, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), extension)
		if !ok || strings.HasPrefix(name, ".") || e.IsDir() || strings.HasSuffix(name, testSuffix) {
			continue
		}
		path := filepath.Join(dir, e.Name())
		if err := store.CheckScriptName(name); err != nil {
			leftOut = append(leftOut, &fileError{path, err})
			continue
		}
		source, err := readFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed, or being replaced: its next event follows
		}
		if err != nil {
			leftOut = append(leftOut, &fileError{path, err})
			continue
		}
		scripts = append(scripts, Script{Name: name, Source: source, Library: library})
	}
	return scripts, leftOut, nil
}

func readFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSource+1))
	if err != nil {
		return "", err
	}
	if len(b) > maxSource {
		return "", fmt.Errorf("it has more than %d KiB, too much for a script", maxSource>>10)
	}
	if !utf8.Valid(b) {
		return "", errors.New("it is no UTF-8 text")
	}
	return string(b), nil
}

// file returns where a script lies, for messages.
func (p *project) file(s Script) string {
	name := s.Name + extension
	if s.Library && p.only == "" {
		name = filepath.Join(libraryDir, name)
	}
	return name
}

// sorted returns scripts by name.
func (p *project) sorted(m map[string]Script) []Script {
	var all []Script
	for _, s := range m {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Script) int { return strings.Compare(a.Name, b.Name) })
	return all
}
