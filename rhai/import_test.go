package rhai_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/picloud/picloud/rhai"
)

func TestImports(t *testing.T) {
	p, err := rhai.NewEngine().Compile("test", `import "b" as b;
fn f() { import "a" as a; a::x() }
let g = || { import `+"`c`"+` as c; c::x() };
if false { import "d"; }
import "e" + "f" as e;
let name = "g"; import name as g;
import "b" as again;`)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, i := range p.Imports() {
		got = append(got, fmt.Sprintf("%s %d:%d", i.Path, i.Position.Line, i.Position.Col))
	}
	want := []string{"b 1:1", "a 2:10", "c 3:14", "d 4:12", "b 7:1"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// sources is a resolver of texts, which compiles each time or once.
type sources struct {
	texts    map[string]string
	compiled map[string]*rhai.Program // nil: each time
}

func (s *sources) Resolve(_ context.Context, eng *rhai.Engine, path, _ string) (rhai.Importable, error) {
	if p := s.compiled[path]; p != nil {
		return p, nil
	}
	text, ok := s.texts[path]
	if !ok {
		return nil, rhai.ErrNoModule
	}
	p, err := eng.Compile(path, text)
	if err == nil && s.compiled != nil {
		s.compiled[path] = p
	}
	return p, err
}

// A circle of imports is named, with the place of the import that closes it.
func TestImportsInACircle(t *testing.T) {
	texts := map[string]string{
		"a":    `import "b" as b; fn x() { }`,
		"b":    "\n  import \"c\" as c; fn y() { }",
		"c":    `import "b" as b; fn z() { }`,
		"self": `import "self" as s;`,
		"back": `import "main" as m;`,
		"late": `fn f() { import "late" as l; l::g() } fn g() { 5 }`,
		"try":  `export let ok = 1; try { import "try" as t; } catch (e) { print(e); }`,
	}
	const circle = "scripts cannot import one another in a circle: "
	for script, want := range map[string]string{
		`import "a" as a; a::x()`: "Runtime error: " + circle + "b imports c imports b (line 1, position 8)\nin module 'b' (line 1, position 8)\n" +
			"in module 'c' (line 2, position 10)\nin module 'b' (line 1, position 8)\nin module 'a' (line 1, position 8)",
		`import "self" as s;`:                          "Runtime error: " + circle + "self imports self (line 1, position 8)\nin module 'self' (line 1, position 8)\nin module 'self' (line 1, position 8)",
		`import "back" as s;`:                          "Runtime error: " + circle + "main imports back imports main (line 1, position 8)\nin module 'main' (line 1, position 8)\nin module 'back' (line 1, position 8)",
		`import "late" as l; l::f()`:                   "",
		`import "try" as t; if t::ok != 1 { throw 1 }`: "",
	} {
		s := &sources{texts: texts, compiled: map[string]*rhai.Program{}}
		eng := rhai.NewEngine(rhai.WithResolver(s))
		p, err := eng.Compile("main", script)
		if err != nil {
			t.Fatal(err)
		}
		s.compiled["main"] = p
		_, err = p.Run(t.Context(), nil)
		if got := fmt.Sprint(err); err != nil && got != want || err == nil && want != "" {
			t.Errorf("%s\n got %v\nwant %s", script, err, want)
		}
	}
	s := &sources{texts: texts}
	p, err := rhai.NewEngine(rhai.WithResolver(s)).Compile("main", `try { import "a" as a; } catch { }`)
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Run(t.Context(), nil)
	want := []string{
		"Stack overflow: scripts import one another in a circle: b imports c imports b (line 1, position 8)",
		"Stack overflow: scripts import one another in a circle: c imports b imports c (line 2, position 10)",
	}
	if !slices.Contains(want, fmt.Sprint(err)) {
		t.Errorf("with programs that are new each time: %v", err)
	}
}

// The registers of an imported body may begin in another part of the stack than those of the code around the import.
func TestImportAtAnyDepth(t *testing.T) {
	table := rhai.StaticResolver{}
	eng := rhai.NewEngine(rhai.WithResolver(table))
	for name, src := range map[string]string{
		"read":     `let y = zzz; export y;`,
		"captured": `let f = || zzz; export f;`,
		"used":     `let f = || zzz; zzz + 1;`,
	} {
		p, err := eng.Compile(name, src)
		if err != nil {
			t.Fatal(err)
		}
		table[name] = p
	}
	for locals := 3; locals < 170; locals += 13 {
		src := "fn f(n, path) { "
		for i := range locals {
			src += fmt.Sprintf("let v%d = %d; ", i, i)
		}
		src += "if n > 0 { f(n - 1, path) + 0 } else { import path as m; 1 } } f(depth, path)"
		p, err := eng.Compile("", src)
		if err != nil {
			t.Fatal(err)
		}
		for path := range table {
			for depth := range 40 {
				scope := rhai.NewScope().Push("depth", rhai.Int(int64(depth))).Push("path", rhai.String(path))
				v, err := p.Run(context.Background(), scope)
				if err == nil || !strings.Contains(err.Error(), "Variable not found: zzz") {
					t.Fatalf("%d locals, %d levels, %s: %v %v", locals, depth, path, v, err)
				}
			}
		}
	}
}

// An export is the variable as it is in the end, wherever an eval has moved it.
func TestExportAndEval(t *testing.T) {
	many := func(name string, n int) (src string) {
		for i := range n {
			src += fmt.Sprintf("let %s%d = %d; ", name, i, i)
		}
		return src
	}
	table := rhai.StaticResolver{}
	eng := rhai.NewEngine(rhai.WithResolver(table))
	m, err := eng.Compile("m", many("v", 300)+`export v3; export v290; eval("{ `+many("w", 250)+` }"); v3 = 30; v290 = 5000;`)
	if err != nil {
		t.Fatal(err)
	}
	table["m"] = m
	p, err := eng.Compile("", `import "m" as m; m::v3 + m::v290`)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := p.Run(context.Background(), nil); err != nil || v.String() != "5030" {
		t.Errorf("got %v, %v", v, err)
	}
}
