package rhai

import (
	"context"
	"testing"
)

// An eval sees the variables of the outside scope that the script itself does not mention, and
// keeps its constants.
func TestEvalSeesTheScope(t *testing.T) {
	for _, c := range []struct{ src, want, v string }{
		{`eval("v")`, "1", "1"},
		{`eval("v += 1"); eval("v * 10")`, "20", "2"},
		{`let x = 5; eval("x + v")`, "6", "1"},
		{`{ let x = 5; eval("let y = v; v = y + x;"); } eval("v")`, "6", "6"},
		{`eval("let v = 7;"); v`, "7", "1"},
		{`eval("push(c, 2); c")`, "[1]", "1"},
		{`c; eval("push(c, 2); c")`, "[1]", "1"},
		{`let r = ""; try { eval("c = 5"); } catch (e) { r = e.error; } r`, "ErrorInFunctionCall", "1"},
		{`c; let r = ""; try { eval("c.push(5)"); } catch { r = "no"; } [r, c]`, `["no", [1]]`, "1"},
		{`[eval("is_def_var(\"v\")"), eval("is_def_var(\"w\")")]`, "[true, false]", "1"},
		{`fn f() { let r = 0; try { eval("v") } catch { r = 1; } r } [f(), eval("v")]`, "[1, 1]", "1"},
		{`let r = 0; eval("const k = 1;"); try { eval("k = 2"); } catch { r = k; } r`, "1", "1"},
		{`eval("twice")`, "2", "1"},
	} {
		for _, opts := range [][]Option{nil, {WithoutOptimizer()}} {
			s := NewScope().Push("v", Int(1)).PushConst("c", Array([]Value{Int(1)})).Push("twice", Int(1)).Push("twice", Int(2))
			got, err := compileFor(t, NewEngine(opts...), "", c.src).Run(context.Background(), s)
			if err != nil || got.String() != c.want {
				t.Errorf("%s: %v, %v; want %s", c.src, got, err, c.want)
			}
			if v, _ := s.Get("v"); c.src != `eval("let v = 7;"); v` && v.String() != c.v {
				t.Errorf("%s: v is %v, not %s", c.src, v, c.v)
			}
			if v, _ := s.Get("c"); v.String() != "[1]" {
				t.Errorf("%s: c is %v", c.src, v)
			}
		}
	}
}
