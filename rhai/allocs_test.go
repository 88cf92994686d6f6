package rhai

import (
	"context"
	"fmt"
	"testing"
)

// allocations is how many a run makes.
func allocations(t *testing.T, source string) float64 {
	t.Helper()
	p := compileFor(t, NewEngine(), "", source)
	return testing.AllocsPerRun(20, func() {
		if _, err := p.Run(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	})
}

// Scalar code allocates nothing for an iteration or a call: however many there are, a run allocates as much as one with few.
func TestScalarCodeAllocatesNothing(t *testing.T) {
	for name, source := range map[string]string{
		"for":           "let s = 0; for i in 0..%d { s += i; } s",
		"while":         "let i = 0; let x = 0.5; while i < %d { i += 1; x = x * 1.0001 + 0.25; } x",
		"loop":          "let i = 0; loop { i += 1; if i > %d { break; } if i %% 3 == 0 { continue; } }",
		"do":            "let i = 0; do { i += 1; } while i < %d; i",
		"calls":         "fn f(a, b) { a + b } let s = 0; for i in 0..%d { s = f(s, i); } s",
		"recursion":     "fn fib(n) { if n < 2 { n } else { fib(n - 1) + fib(n - 2) } } for i in 0..%d / 10 { fib(8); }",
		"closures":      "let f = |x| x + 1; let s = 0; for i in 0..%d { s = f.call(s); } s",
		"captured":      "let n = 0; let f = |x| { n += x; }; for i in 0..%d { f.call(i); } n",
		"callbacks":     "let a = []; a.pad(%d, 1); a.some(|x| x > 5); a.all(|x, i| x > i - i); a.index_of(|x| x == 2)",
		"switch":        "let s = 0; for i in 0..%d { s += switch i %% 4 { 0 => 1, 1 => 2, 2..4 => 3, _ => 0 }; } s",
		"logic":         "let n = 0; for i in 0..%d { if i %% 2 == 0 && i > 5 || !(i < 3) { n += 1; } } n",
		"builtins":      "let x = 0; for i in 0..%d { x += abs(-i) + min(i, 5) + (i.to_float() * 1.5).to_int(); } x",
		"indexes":       "let a = [1, 2, 3]; for i in 0..%d { a[i %% 3] = a[1] %% 7 + i; a[0] += 1; } a[0]",
		"properties":    "let m = #{ a: 1, b: 2 }; for i in 0..%d { m.a += m.b; m.b = i; } m.a",
		"characters":    `let s = "hello"; let n = 0; for i in 0..%d { if s[i %% 5] == 'l' { n += 1; } } n`,
		"this":          "fn bump() { this += 1; } let n = 0; for i in 0..%d { n.bump(); } n",
		"typed methods": "fn int.bump(by) { this += by; } let n = 0; for i in 0..%d { n.bump(2); } n",
		"constants":     "const STEP = 3; fn f(x) { x + global::STEP } let n = 0; for i in 0..%d { n = f(n); } n",
	} {
		few, many := allocations(t, fmt.Sprintf(source, 100)), allocations(t, fmt.Sprintf(source, 3000))
		if many > few+10 { // a collection may take what runs use again
			t.Errorf("%s: %v allocations in 100 iterations, %v in 3000", name, few, many)
		}
	}
}

// A prepared call with scalar arguments allocates nothing, nor does one of a closure.
func TestPreparedCallAllocatesNothing(t *testing.T) {
	in, err := compileFor(t, NewEngine(), "", "fn add(a, b) { let c = a + b; c * 2.0 } fn sum(n) { let s = 0; for i in 0..n { s += i; } s } let k = 3; |x| x + k").Instance(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	add, sum, closure := in.Func("add"), in.Func("sum"), in.Value()
	ctx := t.Context()
	for name, call := range map[string]func() (Value, error){
		"add":          func() (Value, error) { return add.Call(context.Background(), Float(1.5), Float(2)) },
		"sum":          func() (Value, error) { return sum.Call(context.Background(), Int(50)) },
		"with context": func() (Value, error) { return sum.Call(context.Background(), Int(50)) },
	} {
		if n := testing.AllocsPerRun(100, func() {
			if _, err := call(); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	n := testing.AllocsPerRun(100, func() {
		if _, err := in.Call(ctx, closure, Int(1)); err != nil {
			t.Fatal(err)
		}
	})
	t.Logf("a closure, and a context that may end: %v allocations", n)
}
