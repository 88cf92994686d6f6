package rhai_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/picloud/picloud/rhai"
	"github.com/picloud/picloud/rhai/syntax"
)

// panicOf is what f panics with, "" if it returns.
func panicOf(f func()) (message string) {
	defer func() {
		if r := recover(); r != nil {
			message = fmt.Sprint(r)
		}
	}()
	f()
	return ""
}

// What no script can write is refused when it is registered, not found missing by scripts.
func TestNamesThatNoScriptCanWriteAreRefused(t *testing.T) {
	one := func(n int64) int64 { return n }
	two := func(a, b int64) int64 { return a + b }
	module := func() *rhai.Module { return rhai.NewModule("m") }
	for _, name := range []string{"", " ", "a b", "a-b", "1a", "a::b", "a.b", "_", "__", "é", "let", "if", "true", "this", "async", "get", "a\n", "a$"} {
		for what, register := range map[string]func(){
			"module":   func() { rhai.NewEngine().RegisterModule(rhai.NewModule(name)) },
			"sub":      func() { module().Sub(rhai.NewModule(name)) },
			"constant": func() { module().SetVar(name, rhai.Int(1), "") },
			"member":   func() { module().Register(rhai.NewFn(name, one)) },
			"function": func() { rhai.NewEngine().RegisterFn(name, one) },
			"getter":   func() { rhai.NewEngine().RegisterFn("get$"+name, one) },
			"setter":   func() { rhai.NewEngine().RegisterFn("set$"+name, two) },
		} {
			got := panicOf(register)
			if name == "get" { // no word of the language
				if got != "" {
					t.Errorf("%s %q: %s", what, name, got)
				}
			} else if !strings.HasPrefix(got, fmt.Sprintf("rhai: %q cannot be the name of a ", name)) {
				t.Errorf("%s %q: panicked with %q", what, name, got)
			}
		}
	}
	for what, register := range map[string]func(){
		"operator of a module":       func() { module().Register(rhai.NewFn("+", two)) },
		"property of a module":       func() { module().Register(rhai.NewFn("get$x", one)) },
		"eval of a module":           func() { module().Register(rhai.NewFn("eval", one)) },
		"module global":              func() { rhai.NewEngine().RegisterModule(rhai.NewModule("global")) },
		"operator of three operands": func() { rhai.NewEngine().RegisterFn("*", func(a, b, c int64) int64 { return a }) },
		"half an operator":           func() { rhai.NewEngine().RegisterFn("*", one) },
		"unknown operator":           func() { rhai.NewEngine().RegisterFn("~", two) },
		"indexer with a name":        func() { rhai.NewEngine().RegisterFn("index$get$x", two) },
		"getter with arguments":      func() { rhai.NewEngine().RegisterFn("get$x", two) },
		"nothing to call":            func() { rhai.NewEngine().Register(&rhai.Native{Name: "f"}) },
		"nothing to call in a module": func() {
			module().Register(&rhai.Native{Name: "f"})
		},
	} {
		if got := panicOf(register); !strings.HasPrefix(got, "rhai: ") {
			t.Errorf("%s: panicked with %q", what, got)
		}
	}
}

// Everything that a script can write may be registered.
func TestNamesThatScriptsCanWrite(t *testing.T) {
	eng := rhai.NewEngine(rhai.WithLanguage(syntax.Language{Operators: map[string]uint8{"~": 100, "near": 90}}))
	two := func(a, b int64) int64 { return 10*a + b }
	eng.RegisterFn("~", two).RegisterFn("near", two).RegisterFn("_f1", two).RegisterFn("get$half", func(n int64) int64 { return n / 2 })
	eng.RegisterFn("print", two)
	eng.RegisterModule(rhai.NewModule("m").
		Register(rhai.NewFn("debug", two)).
		Sub(rhai.NewModule("sub").SetVar("X", rhai.Int(1), "")).
		Sub(rhai.NewModule("sub").SetVar("X", rhai.Int(2), "")))
	prog, err := eng.Compile("", `[1 ~ 2, 3 near 4, _f1(5, 6), 14.half, print(7, 8), m::debug(8, 9), m::sub::X]`)
	if err != nil {
		t.Fatal(err)
	}
	v, err := prog.Run(context.Background(), nil)
	if err != nil || v.String() != "[12, 34, 56, 7, 78, 89, 2]" {
		t.Errorf("%v, %v", v, err)
	}
}
