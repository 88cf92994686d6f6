package rhai

import (
	"fmt"
	"strings"
	"testing"
)

// A body may use more outside variables than a frame has registers: read, written, captured, and constant ones.
func TestManyOutsideVariables(t *testing.T) {
	const n = 600
	var src strings.Builder
	scope := NewScope()
	want := int64(0)
	for i := range n {
		switch i % 4 {
		case 0:
			fmt.Fprintf(&src, "v%d += 1;\n", i)
			scope.Push(fmt.Sprint("v", i), Int(int64(i)))
		case 1:
			fmt.Fprintf(&src, "v%d.push(%d);\n", i, i)
			scope.Push(fmt.Sprint("v", i), Array(nil))
		case 2:
			fmt.Fprintf(&src, "s += v%d;\n", i)
			scope.PushConst(fmt.Sprint("v", i), Int(int64(i)))
			want += int64(i)
		case 3:
			fmt.Fprintf(&src, "fs.push(|x| { v%d += x; v%d });\n", i, i)
			scope.Push(fmt.Sprint("v", i), Int(int64(i)))
		}
	}
	scope.Push("s", Int(0))
	scope.Push("fs", Array(nil))
	src.WriteString("for f in fs { f.call(2); }\nlet fresh = 5;\n")
	eng := NewEngine()
	p, err := eng.Compile("", src.String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Run(t.Context(), scope); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		v, _ := scope.Get(fmt.Sprint("v", i))
		w := fmt.Sprint(i)
		switch i % 4 {
		case 0:
			w = fmt.Sprint(i + 1)
		case 1:
			w = fmt.Sprintf("[%d]", i)
		case 3:
			w = fmt.Sprint(i + 2)
		}
		if v.Repr() != w {
			t.Errorf("v%d is %s, want %s", i, v.Repr(), w)
		}
	}
	if s, _ := scope.Get("s"); s.Repr() != fmt.Sprint(want) {
		t.Errorf("s is %s, want %d", s.Repr(), want)
	}
	if v, ok := scope.Get("fresh"); !ok || v.Repr() != "5" {
		t.Errorf("fresh is %s, %v", v.Repr(), ok)
	}

	// Constants stay so, and what is missing is found missing, wherever the variables live.
	for _, i := range []int{2, 302, 598} {
		p, err := eng.Compile("", src.String()+fmt.Sprintf("v%d += 1;", i))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Run(t.Context(), scope); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("Cannot modify constant v%d", i)) {
			t.Errorf("v%d: %v", i, err)
		}
	}
	for i := range n {
		if i%100 == 0 {
			q := NewScope()
			scope.Each(func(name string, v Value, constant bool) bool {
				if name != fmt.Sprint("v", i) {
					q.Push(name, v)
				}
				return true
			})
			if _, err := p.Run(t.Context(), q); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("Variable not found: v%d ", i)) {
				t.Errorf("without v%d: %v", i, err)
			}
		}
	}
}

// A run that ends early gives the scope the variables that it has defined, and nothing else.
func TestScopeOfEarlyEnd(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{`let a = 1; foo(a); let b = 2;`, "a=1 "},
		{`[1, 2].len(); foo(1); let x = 5;`, ""},
		{`let q = (for i in [1, 2] { throw 3; }) + 1; let x = 5; let y = 6; let z = 7;`, ""},
		{`try { foo() } catch (e) { throw } let x = 5; let y = 6;`, ""},
		{`let f = || 1; if f.call() == 1 { return 7; } let x = 5;`, "f=Fn "},
		{`let x = foo(1);`, ""},
		{`let x = 1; let g = || x; x += 1; foo(1); let x = 3;`, "x=2 g=Fn "},
		{`let x = 1; let y = 2`, "x=1 y=2 "},
	} {
		p, err := NewEngine().Compile("", c.src)
		if err != nil {
			t.Fatal(err)
		}
		scope := NewScope()
		p.Run(t.Context(), scope)
		got := ""
		scope.Each(func(name string, v Value, _ bool) bool {
			text := v.String()
			if v.Kind() == KindFn {
				text = "Fn"
			}
			got += name + "=" + text + " "
			return true
		})
		if got != c.want {
			t.Errorf("%s leaves %q, want %q", c.src, got, c.want)
		}
	}
}
