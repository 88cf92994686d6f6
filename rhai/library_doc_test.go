package rhai

import (
	"os"
	"strings"
	"testing"
)

const libraryDoc = "../docs/rhai/library.md"

// The reference of the standard library is written from the registrations. BLESS=1 rewrites it.
func TestLibraryReferenceIsUpToDate(t *testing.T) {
	want := libraryMarkdown()
	if os.Getenv("BLESS") != "" {
		if err := os.WriteFile(libraryDoc, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(libraryDoc)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s differs from the registrations; BLESS=1 go test ./rhai -run LibraryReference rewrites it", libraryDoc)
	}
}

func libraryMarkdown() string {
	var b strings.Builder
	b.WriteString("# The standard library\n\n" +
		"Written from the registrations by a test; do not edit. `mut` means that a function changes its receiver, `ref` that it is refused on\n" +
		"constants although it does not. A function can be called as `f(x, …)` or as `x.f(…)`; a property as `x.name`.\n")
	for _, f := range families {
		b.WriteString("\n## " + f.title + "\n")
		for _, part := range f.builtins {
			for _, n := range part {
				head, rest, _ := strings.Cut(n.sig, "(")
				names := strings.Split(head, "|")
				var property string
				var functions []string
				for _, name := range names {
					if p, ok := strings.CutPrefix(name, "get$"); ok {
						property = p
					} else if !strings.Contains(name, "$") {
						functions = append(functions, name)
					}
				}
				b.WriteString("\n### `" + strings.Join(functions, "`, `") + "`\n\n`" + functions[0] + "(" + strings.TrimSuffix(rest, " -> ()") + "`")
				if property != "" {
					b.WriteString(", property `" + property + "`")
				}
				at := strings.LastIndex(n.example, " // ")
				b.WriteString("\n\n" + n.doc + "\n\n```rhai\n" + n.example[:at] + "\n// " + n.example[at+4:] + "\n```\n")
			}
		}
	}
	return b.String()
}
