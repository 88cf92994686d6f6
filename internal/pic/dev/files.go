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
)

// maxSource bounds a script's source as the server does, in bytes.
const maxSource = 1 << 20

// read reads all scripts, sorted by name. Two files of one name are an error.
func (p *project) read() ([]Script, error) {
	endpoints, err := readDir(p.dir, false)
	if err != nil {
		return nil, err
	}
	for i := range endpoints {
		if p.only != "" && endpoints[i].Name+extension != p.only {
			endpoints[i].Library = true
		}
	}
	libraries, err := readDir(filepath.Join(p.dir, libraryDir), true)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	scripts := append(endpoints, libraries...)
	slices.SortFunc(scripts, func(a, b Script) int { return strings.Compare(a.Name, b.Name) })
	for i := 1; i < len(scripts); i++ {
		if scripts[i].Name == scripts[i-1].Name {
			return nil, fmt.Errorf("%s%s is there twice, in %s and in %s: rename one", scripts[i].Name, extension, p.dir, filepath.Join(p.dir, libraryDir))
		}
	}
	return scripts, nil
}

func readDir(dir string, library bool) ([]Script, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var scripts []Script
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), extension)
		if !ok || strings.HasPrefix(name, ".") || e.IsDir() {
			continue
		}
		source, err := readFile(filepath.Join(dir, e.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed, or being replaced: its next event follows
		}
		if err != nil {
			return nil, err
		}
		scripts = append(scripts, Script{Name: name, Source: source, Library: library})
	}
	return scripts, nil
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
		return "", fmt.Errorf("%s has more than %d KiB, too much for a script", path, maxSource>>10)
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
