package rhai

import (
	"context"
	"testing"
)

func TestRun(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"1 + 2", "3"},
		{"let x = 5; x * 2", "10"},
		{"let s = 0; for i in 0..10 { s += i; } s", "45"},
		{"fn fib(n) { if n < 2 { n } else { fib(n-1) + fib(n-2) } } fib(15)", "610"},
		{"let a = [1,2]; a.push(3); let b = a; b[0] = 9; `${a} ${b}`", "[1, 2, 3] [9, 2, 3]"},
		{"let m = #{a: 1, b: #{c: 2}}; m.b.c += 5; m.a = 7; `${m}`", `#{"a": 7, "b": #{"c": 7}}`},
		{"let x = 1; let f = |y| x += y; f.call(4); x", "5"},
		{"let r = 0; try { throw 5; } catch (e) { r = e; } r", "5"},
		{"switch 3 { 1 => 1, 2..5 => 7, _ => 9 }", "7"},
		{"fn f() { this += 1; } let x = 3; x.f(); x", "4"},
		{"[1,2,3].map(|x| x * 2)", "[2, 4, 6]"},
		{"let x = eval(\"let z = 5; z * 2\"); x + z", "15"},
		{"let x = 5; fn f() { x = 6; } f!(); x", "6"},
	} {
		e := NewEngine()
		p, err := e.Compile("", c.src)
		if err != nil {
			t.Errorf("%s: %v", c.src, err)
			continue
		}
		v, err := p.Run(context.Background(), nil)
		if err != nil {
			t.Errorf("%s: %v", c.src, err)
			continue
		}
		if got := v.String(); got != c.want {
			t.Errorf("%s: got %s, want %s", c.src, got, c.want)
		}
	}
}
