package rhai

import (
	"context"
	"strings"
	"sync"
	"testing"
)

func compileFor(t *testing.T, e *Engine, name, src string) *Program {
	t.Helper()
	p, err := e.Compile(name, src)
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	return p
}

func TestInstance(t *testing.T) {
	ctx := context.Background()
	p := compileFor(t, NewEngine(), "", `
		const LIMIT = 10;
		fn add(a, b) { a + b + global::LIMIT }
		fn twice(f) { f.call(2) }
		fn fails() { throw "no" }
		fn apply(list) { list.map(|x| add(x, x)) }
		"ready"`)
	in, err := p.Instance(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if s, _ := in.Value().AsString(); s != "ready" {
		t.Errorf("the body's value is %v", in.Value())
	}
	add := in.Func("add")
	if !add.Exists(2) || add.Exists(3) {
		t.Error("Exists is wrong")
	}
	for i := range int64(100) {
		v, err := add.Call(ctx, Int(i), Int(1))
		if n, _ := v.AsInt(); err != nil || n != i+11 {
			t.Fatalf("add(%d, 1) = %v, %v", i, v, err)
		}
	}
	if v, err := in.Func("apply").Call(ctx, Array([]Value{Int(1), Int(2)})); err != nil || v.String() != "[12, 14]" {
		t.Errorf("apply: %v, %v", v, err)
	}
	if _, err := in.Func("fails").Call(ctx); err == nil || !strings.HasPrefix(err.Error(), "Runtime error: no") {
		t.Errorf("fails: %v", err)
	}
	if _, err := in.Func("missing").Call(ctx, Int(1)); kindOf(err) != ErrFunctionNotFound {
		t.Errorf("missing: %v", err)
	}
	if v, err := add.Call(ctx, Int(1), Int(1)); err != nil || v.String() != "12" {
		t.Errorf("after errors: %v, %v", v, err)
	}
}

// lateEnd is a context that ends during the call and tells of it when the test says so.
type lateEnd struct {
	context.Context
	tell func()
}

func (l *lateEnd) NotifyEnd(f func()) { l.tell = f }
func (l *lateEnd) ForgetEnd() bool    { return false }

func TestLateEndOfAContext(t *testing.T) {
	e := NewEngine()
	var l *lateEnd
	e.Register(&Native{Name: "tell", Fn: func(*Call) (Value, error) { l.tell(); return Value{}, nil }})
	const long = `let n = 0; while n < 100_000 { n += 1; } n`
	p := compileFor(t, e, "", `fn short() { 1 } fn long() { tell(); `+long+` } fn ended() { tell(); `+long+` }`)
	run := func(name string, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s ended with a context of something else: %v", name, err)
		}
	}
	l = &lateEnd{Context: t.Context()}
	in, err := p.Instance(l, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = in.Func("long").Call(t.Context())
	run("a call, after the body", err)
	l = &lateEnd{Context: t.Context()}
	if _, err := in.Func("short").Call(l); err != nil {
		t.Fatal(err)
	}
	_, err = in.Func("long").Call(t.Context())
	run("the next call", err)
	if _, err := in.Func("ended").Call(l); kindOf(err) != ErrTerminated {
		t.Errorf("a call whose own context ended: %v", err)
	}
	_, err = in.Func("long").Call(t.Context())
	run("the call after one that was ended", err)

	// The machine of an instance that is closed, and of a run, may be used by the next run.
	l = &lateEnd{Context: t.Context()}
	if _, err := in.Func("short").Call(l); err != nil {
		t.Fatal(err)
	}
	in.Close()
	other := compileFor(t, e, "", `tell(); `+long)
	for range 10 {
		_, err = other.Run(t.Context(), nil)
		run("a run, after Close", err)
	}
	l = &lateEnd{Context: t.Context()}
	if _, err := compileFor(t, e, "", `1`).Run(l, nil); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		_, err = other.Run(t.Context(), nil)
		run("a run, after a run", err)
	}
}

func TestScope(t *testing.T) {
	ctx := context.Background()
	p := compileFor(t, NewEngine(), "", `count += 1; let made = list; made.push(count); list[0] = "x"; const K = 3; let f = || count; f.call()`)
	s := NewScope().Push("count", Int(41)).Push("list", Array([]Value{Int(1)})).Push("unused", Bool(true))
	v, err := p.Run(ctx, s)
	if err != nil || v.String() != "42" {
		t.Fatalf("got %v, %v", v, err)
	}
	var got []string
	s.Each(func(name string, v Value, constant bool) bool {
		got = append(got, name+"="+v.String())
		return true
	})
	if len(got) < 5 || strings.Join(got[:5], " ") != "count=42 list=[\"x\"] unused=true made=[1, 42] K=3" {
		t.Errorf("scope afterwards: %v", got)
	}
	if !s.IsConst("K") {
		t.Error("K is no constant")
	}

	p = compileFor(t, NewEngine(), "", `x += 1; throw "late"`)
	s = NewScope().Push("x", Int(1))
	if _, err := p.Run(ctx, s); err == nil {
		t.Error("no error")
	}
	if v, _ := s.Get("x"); v.String() != "2" {
		t.Errorf("after an error x is %v, want 2", v)
	}
	if _, err := p.Run(ctx, NewScope().PushConst("x", Int(1))); kindOf(err) != ErrAssignmentToConst {
		t.Errorf("assignment to a constant of the scope: %v", err)
	}
	if _, err := p.Run(ctx, nil); kindOf(err) != ErrVariableNotFound {
		t.Errorf("without a scope: %v", err)
	}
}

func TestImport(t *testing.T) {
	ctx := context.Background()
	resolver := StaticResolver{}
	e := NewEngine(WithResolver(resolver))
	e.RegisterModule(NewModule("host").SetVar("ANSWER", Int(42), "").Register(&Native{
		Name: "twice", Params: []Param{{Name: "x", Type: TInt}},
		Fn: func(c *Call) (Value, error) { return Int(c.Arg(0).int() * 2), nil },
	}))
	resolver["lib"] = compileFor(t, e, "lib", `
		export const SCALE = 3;
		let hidden = 1;
		fn scaled(x) { x * global::SCALE }
		fn adder(n) { |x| x + n + scaled(1) }
		private fn secret() { 1 }`)
	resolver["outer"] = compileFor(t, e, "outer", `import "lib" as l; fn via(x) { l::scaled(x) } export let y = l::SCALE;`)
	resolver["loop"] = compileFor(t, e, "loop", `import "loop" as l;`)
	for src, want := range map[string]string{
		`import "lib" as l; l::scaled(5)`:                                 "15",
		`import "lib" as l; l::SCALE`:                                     "3",
		`import "lib" as l; let f = l::adder(10); f.call(1)`:              "14",
		`import "lib" as l; [1, 2].map(l::adder(0))`:                      "[4, 5]",
		`import "outer" as o; o::via(2) + o::y`:                           "9",
		`host::twice(host::ANSWER)`:                                       "84",
		`import "lib" as l; fn f() { l::scaled(1) } f()`:                  "3",
		`let r = 0; { import "lib" as l; r = l::scaled(2); } r`:           "6",
		`let r = ""; try { host::nope(1); } catch (e) { r = e.error; } r`: "ErrorFunctionNotFound",
	} {
		v, err := compileFor(t, e, "", src).Run(ctx, nil)
		if err != nil || v.String() != want {
			t.Errorf("%s: %v, %v; want %s", src, v, err, want)
		}
	}
	for src, want := range map[string]ErrorKind{
		`import "lib" as l; l::secret()`:      ErrFunctionNotFound,
		`import "lib" as l; l::hidden`:        ErrVariableNotFound,
		`import "nope" as l;`:                 ErrModuleNotFound,
		`import "loop" as l;`:                 ErrInModule,
		`{ import "lib" as l; } l::scaled(2)`: ErrModuleNotFound,
	} {
		if _, err := compileFor(t, e, "", src).Run(ctx, nil); kindOf(err) != want {
			t.Errorf("%s: %v, want %s", src, err, want)
		}
	}
}

func TestProgramIsShared(t *testing.T) {
	p := compileFor(t, NewEngine(), "", `
		fn f(m) { m.a += 1; m.list.push(m.a); m }
		let m = #{ a: 0, list: [], c: [1, [2]] };
		for i in 0..50 { m = f(m); m.c[1].push(i); }
		m.list.len() + m.c[1].len()`)
	var wg sync.WaitGroup
	for range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 20 {
				if v, err := p.Run(context.Background(), nil); err != nil || v.String() != "101" {
					t.Errorf("got %v, %v", v, err)
				}
			}
		}()
	}
	wg.Wait()
}

func TestEqual(t *testing.T) {
	a, b := Array([]Value{Int(1), String("x")}), Array([]Value{Float(1), String("x")})
	if !a.Equal(b) || a.Equal(Array([]Value{Int(1)})) || Int(1).Equal(String("1")) || !Unit().Equal(Value{}) {
		t.Error("Equal disagrees with ==")
	}
}

func TestIndexingOfOtherCharacters(t *testing.T) {
	for src, want := range map[string]string{
		`let s = "aéb語c"; let r = ""; for i in 0..s.len() { r += s[i]; } r`:              "aéb語c",
		`let s = "aéb語c"; let r = ""; for i in 1..=s.len() { r += s[-i]; } r`:            "c語béa",
		`let s = "aéb語c"; [s[3], s[0], s[4], s[1]]`:                                      "[語, a, c, é]",
		`let s = "é"; let a = s[0]; s += "語"; let b = s[1]; s[0] = 'x'; [a, b, s[0], s]`: "[é, 語, x, \"x語\"]",
		`let r; try { "é"[1] } catch (e) { r = e.length; } r`:                            "1",
		// Quadratic work would exceed the limit.
		`let s = "é"; s.pad(20000, 'é'); let n = 0; for i in 0..20000 { if s[i] == 'é' { n += 1; } } n`: "20000",
	} {
		v, err := runLimited(t, Limits{MaxOperations: 300_000}, src, nil)
		if err != nil || v.String() != want {
			t.Errorf("%s: %v, %v; want %s", src, v, err, want)
		}
	}
}
