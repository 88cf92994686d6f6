package rhai

import (
	"context"
	"errors"
	"testing"
)

// What a script hands out can be called as long as the instance lives.
func TestInstanceCall(t *testing.T) {
	ctx := t.Context()
	resolver := StaticResolver{}
	e := NewEngine(WithResolver(resolver))
	e.RegisterFn("twice", func(n int64) int64 { return 2 * n })
	var kept []Value
	e.RegisterFn("keep", func(f Value) { kept = append(kept, f) })
	resolver["lib"] = compileFor(t, e, "lib", `const STEP = 100; fn adder(n) { |x| x + n + step() } fn step() { global::STEP } fn handler() { |x| step() }`)
	p := compileFor(t, e, "", `
		import "lib" as lib;
		let total = 0;
		let count = |n| { total += n; total };
		fn add(a, b) { a + b }
		fn make(n) { |x| x * n }
		fn fails() { || throw "no" }
		fn by_name() { [Fn("add"), Fn("add").curry(5), Fn("twice"), Fn("missing")] }
		fn foreign() { lib::adder(1) }
		fn plain() { |x| add(x, 1) }
		fn from_eval() { let y = 3; eval("let z = [y]; z.push(4); z") ; make(7) }
		keep(count);
		#{ count: count, lib: lib::handler() }`)
	in, err := p.Instance(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	get := func(name string, args ...Value) Value {
		t.Helper()
		v, err := in.Func(name).Call(ctx, args...)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	call := func(want string, f Value, args ...Value) {
		t.Helper()
		v, err := in.Call(ctx, f, args...)
		got := v.String()
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	count, _ := in.Value().Get("count")
	lib, _ := in.Value().Get("lib")
	call("2", count, Int(2))
	call("5", count, Int(3)) // what it captured lives on
	call("9", kept[0], Int(4))
	call("21", get("make", Int(7)), Int(3))
	call("21", get("from_eval"), Int(3))
	call("8", get("plain"), Int(7))
	call("105", get("foreign"), Int(4))
	call("100", lib, Int(4))
	names, _ := get("by_name").AsArray()
	call("7", names[0], Int(3), Int(4))
	call("9", names[1], Int(4))
	call("42", names[2], Int(21))
	call("Function not found: missing (i64)", names[3], Int(1))
	call("Function not found: add (i64)", names[0], Int(1))
	call("Runtime error: no (line 7, position 19)\nin closure call", get("fails"))
	call("Data type incorrect: i64 (expecting Fn)", Int(1))

	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := in.Call(ended, count, Int(1)); kindOf(err) != ErrTerminated || !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of its context: %v", err)
	}
	call("9", count, Int(0))
	if before := in.Stats().Operations; before == 0 {
		t.Error("no operations were counted")
	} else if call("9", count, Int(0)); in.Stats().Operations <= before {
		t.Error("a call is not counted")
	}
}

// A closure of another run or script is refused: its variables may be in use elsewhere.
func TestForeignFunctions(t *testing.T) {
	ctx := t.Context()
	e := NewEngine()
	const source = `let n = 0; fn add(a) { a + 1 } #{ closure: || { n += 1; n }, plain: |x| x + 1, name: Fn("add") }`
	p := compileFor(t, e, "", source)
	in, err := p.Instance(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	other, err := p.Instance(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	run, err := p.Run(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	strange, err := compileFor(t, e, "", source).Run(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	const refused = "Data type incorrect: a function of another script or run (expecting a function of this instance)"
	for _, test := range []struct {
		of   Value
		name string
		want string
	}{
		{other.Value(), "closure", refused},
		{run, "closure", refused},
		{strange, "closure", refused},
		{strange, "plain", refused},
		{other.Value(), "plain", "6"}, // it has nothing of its run
		{run, "plain", "6"},
		{strange, "name", "6"}, // the function of that name here
	} {
		f, _ := test.of.Get(test.name)
		v, err := in.Call(ctx, f, Int(5))
		got := v.String()
		if err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
	other.Close()
	f, _ := other.Value().Get("closure")
	if _, err := other.Call(ctx, f); err == nil || err.Error() != "the instance is closed" {
		t.Errorf("got %v", err)
	}
	if _, err := other.Func("add").Call(ctx, Int(1)); err == nil || err.Error() != "the instance is closed" {
		t.Errorf("got %v", err)
	}
}

// An instance that runs cannot be called as if it did not.
func TestCallOfARunningInstance(t *testing.T) {
	e := NewEngine()
	var in *Instance
	e.RegisterFn("again", func(f Value) (Value, error) { return in.Call(t.Context(), f) })
	e.RegisterFn("by_name", func() (Value, error) { return in.Func("f").Call(t.Context()) })
	in, err := compileFor(t, e, "", "fn f() { 1 } fn g() { again(|| 1) } fn h() { by_name() }").Instance(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	for _, name := range []string{"g", "h"} {
		if _, err := in.Func(name).Call(t.Context()); kindOf(err) != ErrSystem || err.(*Error).Message() != "the instance is running; a host function calls back by Call.Invoke" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if v, err := in.Func("f").Call(t.Context()); err != nil || v.String() != "1" {
		t.Errorf("afterwards: %v, %v", v, err)
	}
}
