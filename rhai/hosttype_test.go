package rhai_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/picloud/picloud/rhai"
)

type vec struct{ x, y float64 }

type bag struct {
	items []string
	data  map[string]int64
}

// hostEngine has a value type (vec, copied on assignment), a reference type
// (bag) and functions that make them.
func hostEngine() *rhai.Engine {
	vecType := rhai.NewType[vec]("Vec").
		Method("+", func(a, b vec) vec { return vec{a.x + b.x, a.y + b.y} }).
		Method("*", func(a vec, k float64) vec { return vec{a.x * k, a.y * k} }).
		Method("==", func(a, b vec) bool { return a == b }).
		Method("-", func(a vec) vec { return vec{-a.x, -a.y} }).
		Method("scale", func(v *vec, k float64) { v.x *= k; v.y *= k }).
		Getter("x", func(v vec) float64 { return v.x }).
		Setter("x", func(v *vec, x float64) { v.x = x }).
		Clone(func(v vec) vec { return v }).
		Print(func(v vec) string { return fmt.Sprintf("<%g %g>", v.x, v.y) })
	bagType := rhai.NewType[*bag]("Bag").
		Method("add", func(b *bag, s string) { b.items = append(b.items, s) }).
		Getter("size", func(b *bag) int { return len(b.items) }).
		IndexGetter(func(b *bag, i int) (string, error) {
			if i < 0 || i >= len(b.items) {
				return "", fmt.Errorf("no item %d", i)
			}
			return b.items[i], nil
		}).
		IndexSetter(func(b *bag, i int, s string) { b.items[i] = s }).
		IndexGetter(func(b *bag, k string) int64 { return b.data[k] }).
		IndexSetter(func(b *bag, k string, n int64) { b.data[k] = n }).
		Iterate(func(b *bag) func() (rhai.Value, bool, error) {
			i := 0
			return func() (rhai.Value, bool, error) {
				if i == len(b.items) {
					return rhai.Value{}, false, nil
				}
				i++
				return rhai.String(b.items[i-1]), true, nil
			}
		}).
		MemSize(func(b *bag) int64 { return int64(16 * len(b.items)) })
	eng := rhai.NewEngine().RegisterType(vecType).RegisterType(bagType)
	eng.RegisterFn("vec", func(x, y float64) vec { return vec{x, y} })
	eng.RegisterFn("bag", func() *bag { return &bag{data: map[string]int64{}} })
	return eng
}

func TestHostTypesInScripts(t *testing.T) {
	eng := hostEngine()
	tests := []struct{ script, want string }{
		{"let v = vec(1.0, 2.0); type_of(v) + v", "Vec<1 2>"},
		{"vec(1.0, 2.0) + vec(3.0, 4.0)", "<4 6>"},
		{"vec(1.0, 2.0) * 2.0", "<2 4>"},
		{"let v = vec(1.0, 2.0); v += vec(1.0, 1.0); v", "<2 3>"},
		{"-vec(1.0, 2.0)", "<-1 -2>"},
		{"vec(1.0, 2.0) == vec(1.0, 2.0)", "true"},
		{"vec(1.0, 2.0) == 5", "false"},
		{"let v = vec(1.0, 2.0); v.x", "1.0"},
		{"let v = vec(1.0, 2.0); v.x = 5.0; v.x += 1.0; v", "<6 2>"},
		{"let v = vec(1.0, 2.0); let w = v; w.x = 9.0; w.scale(2.0); `${v} ${w}`", "<1 2> <18 4>"},
		{"let a = [vec(1.0, 2.0)]; let b = a; b[0].x = 7.0; b[0].scale(2.0); `${a} ${b}`", "[<1 2>] [<14 4>]"},
		{"let m = #{v: vec(1.0, 2.0)}; m.v.x += 1.0; m.v.scale(3.0); m.v", "<6 6>"},
		{"fn f() { this.scale(2.0) } let v = vec(1.0, 1.0); v.f(); v", "<2 2>"},
		{"fn f(v) { v.x = 5.0; v } let v = vec(1.0, 1.0); f(v); v", "<1 1>"},
		{"let v = vec(1.0, 2.0); let f = || { v.x = 8.0; }; f.call(); v", "<8 2>"},
		{"const V = vec(1.0, 2.0); V.x", "1.0"},
		{"const V = vec(1.0, 2.0); V.x = 3.0; V", "error: Cannot modify property 'x' of constant (line 1, position 28)"},
		{"const V = vec(1.0, 2.0); V.scale(3.0); V", "error: Non-pure method 'scale' cannot be called on constant (line 1, position 28)"},
		{"let v = vec(1.0, 2.0); v.z", "error: Unknown property 'z' - a getter is not registered for type 'Vec' (line 1, position 26)"},
		{"let v = vec(1.0, 2.0); v.nothing()", "error: Function not found: nothing (Vec) (line 1, position 26)"},
		{"let v = vec(1.0, 2.0); v + 1", "error: Function not found: + (Vec, i64) (line 1, position 26)"},
		{"let b = bag(); b.add(\"p\"); let c = b; c.add(\"q\"); b.size", "2"},
		{"let b = bag(); b.add(\"p\"); b[0] + b.size", "p1"},
		{"let b = bag(); b.add(\"p\"); b[0] = \"q\"; b[0] += \"r\"; b[0]", "qr"},
		{"let b = bag(); b[\"k\"] = 4; b[\"k\"] += 1; b.k + b[\"k\"]", "10"},
		{"let b = bag(); b.k = 4; b.k += 3; b.k", "7"},
		{"let b = bag(); b.add(\"p\"); b.add(\"q\"); let s = \"\"; for (x, i) in b { s += x + i; } s", "p0q1"},
		{"let b = bag(); let m; try { b[3] } catch (e) { m = e.message } m", "Runtime error: no item 3"},
		{"let b = bag(); b == b", "error: Function not found: == (Bag, Bag) (line 1, position 18)"},
		{"[bag()].len()", "1"},
	}
	for _, test := range tests {
		prog, err := eng.Compile("", test.script)
		var v rhai.Value
		if err == nil {
			v, err = prog.Run(context.Background(), nil)
		}
		got := v.String()
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != test.want {
			t.Errorf("%s\n got %s\nwant %s", test.script, got, test.want)
		}
	}
}

// What a native panics with is an error of the run, not of the process.
func TestPanickingNative(t *testing.T) {
	eng := rhai.NewEngine()
	eng.RegisterFn("boom", func(int) string { panic("broken host") })
	prog, err := eng.Compile("", "boom(1)")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := prog.Run(context.Background(), nil); err == nil || !strings.Contains(err.Error(), "broken host") {
		t.Errorf("got %v", err)
	}
	if v, err := prog.Run(context.Background(), nil); err == nil {
		t.Errorf("second run gave %v", v)
	}
}

type tally [2]int64

type names []string

// Scripts copy values: a Go value needs a Clone for it only if it refers to something.
func TestCopiesWithoutClone(t *testing.T) {
	eng := rhai.NewEngine()
	eng.RegisterType(rhai.NewType[tally]("Tally").
		Method("bump", func(v *tally, n int64) { v[0] += n }).
		Setter("last", func(v *tally, n int64) { v[1] = n }).
		Print(func(v tally) string { return fmt.Sprint([2]int64(v)) }))
	eng.RegisterType(rhai.NewType[names]("Names").
		Method("rename", func(v names, s string) { v[0] = s }).
		Print(func(v names) string { return v[0] }))
	eng.RegisterFn("tally", func() tally { return tally{} })
	eng.RegisterFn("names", func() names { return names{"a"} })
	for script, want := range map[string]string{
		`let a = tally(); let b = a; b.bump(2); b.last = 3; [a, b]`:                           "[[0 0], [2 3]]",
		`fn f() { this.bump(1) } let a = [tally()]; let b = a; b[0].f(); b[0].f(); [a, b]`:    "[[[0 0]], [[2 0]]]",
		`let a = tally(); let f = |x| { a.bump(x); a }; let b = f.call(1); f.call(4); [a, b]`: "[[5 0], [1 0]]",
		`let a = names(); let b = a; b.rename("z"); [a, b]`:                                   "[z, z]",
	} {
		prog, err := eng.Compile("", script)
		if err != nil {
			t.Fatal(err)
		}
		v, err := prog.Run(context.Background(), nil)
		if got := v.DebugString(); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", script, got, err, want)
		}
	}
}
