package dev

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestReadDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "Shop")
	write(t, dir, "quote.rhai", "1")
	write(t, dir, "README.md", "no script")
	write(t, dir, ".hidden.rhai", "no script")
	write(t, dir, "lib/money.rhai", "2")
	write(t, dir, "deeper/other.rhai", "no script")
	write(t, dir, "No Name.rhai", "no script")
	write(t, dir, "latin1.rhai", "caf\xe9")
	write(t, dir, "long.rhai", strings.Repeat("x", maxSource+1))
	p, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	got, leftOut, err := p.read()
	if err != nil {
		t.Fatal(err)
	}
	if len(leftOut) != 3 || !strings.Contains(leftOut[0].Error(), "No Name.rhai is left out: ") ||
		!strings.HasSuffix(leftOut[1].Error(), "latin1.rhai is left out: it is no UTF-8 text") ||
		!strings.HasSuffix(leftOut[2].Error(), "long.rhai is left out: it has more than 1024 KiB, too much for a script") {
		t.Errorf("left out: %v", leftOut)
	}
	if d := cmp.Diff([]Script{{"money", "2", true}, {"quote", "1", false}}, got); d != "" {
		t.Error(d)
	}
	if p.defaultApp() != "shop" || p.file(got[0]) != filepath.Join("lib", "money.rhai") {
		t.Errorf("app %q, file %q", p.defaultApp(), p.file(got[0]))
	}
	write(t, dir, "money.rhai", "3")
	if _, _, err := p.read(); err == nil || !strings.HasPrefix(err.Error(), "money.rhai is there twice") {
		t.Errorf("two scripts of one name: %v", err)
	}
}

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "hello.rhai", "1")
	write(t, dir, "beside.rhai", "2")
	p, err := open(filepath.Join(dir, "hello.rhai"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "No Name.rhai", "is nobody's business")
	got, leftOut, err := p.read()
	if err != nil || len(leftOut) != 0 {
		t.Fatal(err, leftOut)
	}
	if d := cmp.Diff([]Script{{"beside", "2", true}, {"hello", "1", false}}, got); d != "" {
		t.Error(d)
	}
	if p.defaultApp() != "dev" {
		t.Errorf("app %q", p.defaultApp())
	}
	write(t, dir, "hello.rhai", strings.Repeat("x", maxSource+1))
	if _, leftOut, err := p.read(); err != nil || len(leftOut) != 1 {
		t.Errorf("a source that is too long: %v, %v", leftOut, err)
	}
	for _, path := range []string{"missing.rhai", "hello.txt"} {
		write(t, dir, "hello.txt", "")
		if _, err := open(filepath.Join(dir, path)); err == nil {
			t.Errorf("%s was opened", path)
		}
	}
}

func TestWatch(t *testing.T) {
	dir := t.TempDir()
	p := &project{dir: dir}
	w, err := watch(p)
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	told := func(what string) {
		t.Helper()
		select {
		case <-w.changed:
		case err := <-w.failed:
			t.Fatal(err)
		case <-time.After(time.Minute):
			t.Fatalf("nothing was told of %s", what)
		}
	}
	write(t, dir, "a.rhai", "1")
	told("a new file")
	if err := os.Rename(filepath.Join(dir, "a.rhai"), filepath.Join(dir, "b.rhai")); err != nil {
		t.Fatal(err)
	}
	told("a renamed file")
	if err := os.Mkdir(filepath.Join(dir, "lib"), 0o755); err != nil {
		t.Fatal(err)
	}
	told("a new lib")
	write(t, dir, "lib/c.rhai", "1")
	told("a new file in it")
	if err := os.Remove(filepath.Join(dir, "b.rhai")); err != nil {
		t.Fatal(err)
	}
	told("a removed file")
}
