package rhai

import (
	"context"
	"testing"
)

// Arrays, maps and blobs are values: what is done to one copy never shows in another.
func TestCopiesAreIndependent(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{`let a = [1, 2]; let b = a; b.push(3); a.push(4); [a, b]`, "[[1, 2, 4], [1, 2, 3]]"},
		{`let a = [[1], [2]]; let b = a; b[0].push(9); [a, b]`, "[[[1], [2]], [[1, 9], [2]]]"},
		{`let a = [[1], [2]]; let b = a[0]; b.push(9); [a, b]`, "[[[1], [2]], [1, 9]]"},
		{`let a = [[[1]]]; let b = a; a[0][0][0] = 2; b[0][0].push(3); [a, b]`, "[[[[2]]], [[[1, 3]]]]"},
		{`let m = #{x: #{y: [1]}}; let n = m; n.x.y.push(2); m.x.z = 1; [m, n]`, `[#{"x": #{"y": [1], "z": 1}}, #{"x": #{"y": [1, 2]}}]`},
		{`fn f(a) { a.push(9); a } let a = [1]; let b = f(a); [a, b]`, "[[1], [1, 9]]"},
		{`fn f(a) { a[0].push(9); a } let a = [[1]]; let b = f(a); [a, b]`, "[[[1]], [[1, 9]]]"},
		{`fn f(m) { m.l.push(m.l.len()); m } let m = #{l: []}; let n = f(f(m)); [m, n]`, `[#{"l": []}, #{"l": [0, 1]}]`},
		{`let a = [1]; let l = [a, a, a]; l[1].push(2); a.push(3); [l, a]`, "[[[1], [1, 2], [1]], [1, 3]]"},
		{`let a = [1]; let m = #{p: a, q: a}; m.p.push(2); [m, a]`, `[#{"p": [1, 2], "q": [1]}, [1]]`},
		{`let r = []; let a = [0]; for i in 0..3 { a[0] = i; r.push(a); } r`, "[[0], [1], [2]]"},
		{`let a = [[1], [2]]; for x in a { x.push(0); } a`, "[[1], [2]]"},
		{`let a = [1, 2, 3]; for x in a { a.push(x); } a`, "[1, 2, 3, 1, 2, 3]"},
		{`let m = #{a: [1]}; for e in m.values() { e.push(2); } m`, `#{"a": [1]}`},
		{`let a = [[1], [2]]; a.for_each(|| this.push(0)); let b = a; b.for_each(|| this.push(1)); [a, b]`, "[[[1, 0], [2, 0]], [[1, 0, 1], [2, 0, 1]]]"},
		{`let a = [[1]]; let b = a.map(|x| { x.push(2); x }); [a, b]`, "[[[1]], [[1, 2]]]"},
		{`let a = [[1]]; let b = a.filter(|x| true); b[0].push(2); [a, b]`, "[[[1]], [[1, 2]]]"},
		{`let a = [[1], [2]]; let x = a.pop(); x.push(3); [a, x]`, "[[[1]], [2, 3]]"},
		{`let a = [[1], [2]]; let b = a.extract(0..1); b[0].push(3); [a, b]`, "[[[1], [2]], [[1, 3]]]"},
		{`let a = [[1]]; a += a; a[0].push(2); a`, "[[1, 2], [1]]"},
		{`let a = [[1]]; let b = a + a; b[0].push(2); [a, b]`, "[[[1]], [[1, 2], [1]]]"},
		{`let a = [[1]]; a.push(a); a[1][0].push(2); a`, "[[1], [[1, 2]]]"},
		{`let a = [[1]]; a[0] = a; a`, "[[[1]]]"},
		{`let a = [1]; a[0] = a; a[0].push(2); a`, "[[1, 2]]"},
		{`let m = #{}; m.self = m; m.self.x = 1; m`, `#{"self": #{"x": 1}}`},
		{`let a = [1, 2]; let f = || a; let b = f.call(); b.push(3); [a, b]`, "[[1, 2], [1, 2, 3]]"},
		{`let a = [1]; let f = |x| a.push(x); f.call(2); let b = a; f.call(3); [a, b]`, "[[1, 2, 3], [1, 2]]"},
		{`let a = [1]; let f = || a.len(); a.push(2); f.call()`, "2"},
		{`let a = []; let fs = []; for i in 0..2 { let x = [i]; fs.push(|| { x.push(9); x }); } [fs[0].call(), fs[1].call(), fs[0].call()]`, "[[0, 9], [1, 9], [0, 9, 9]]"},
		{`let a = [1]; let b = if true { a } else { [] }; b.push(2); [a, b]`, "[[1], [1, 2]]"},
		{`let a = [1]; let b = switch 1 { 1 => a, _ => [] }; b.push(2); [a, b]`, "[[1], [1, 2]]"},
		{`let a = [1]; let b = { a }; b.push(2); [a, b]`, "[[1], [1, 2]]"},
		{`let a = [1]; let b = a ?? []; b.push(2); [a, b]`, "[[1], [1, 2]]"},
		{`let a = [1]; let b = loop { break a; }; b.push(2); [a, b]`, "[[1], [1, 2]]"},
		{`fn id(x) { x } let a = [1]; let b = id(a); b.push(2); [a, b]`, "[[1], [1, 2]]"},
		{`fn id() { this } let a = [1]; let b = a.id(); b.push(2); [a, b]`, "[[1], [1, 2]]"},
		{`fn set(v) { this.v = v; } let m = #{}; let a = [1]; m.set(a); a.push(2); m.v.push(3); [m, a]`, `[#{"v": [1, 3]}, [1, 2]]`},
		{`fn put(x) { this = x; } let l = [0]; let a = [[1]]; l[0].put(a); let k = l; k[0][0].push(2); [l, k, a]`, "[[[[1]]], [[[1, 2]]], [[1]]]"},
		{`let e; try { throw [1]; } catch (x) { e = x; x.push(2); } e`, "[1]"},
		{`let a = [1]; let e; try { throw a; } catch (x) { x.push(2); e = x; } [a, e]`, "[[1], [1, 2]]"},
		{`let c = [1, 2]; let f = |x| x; let g = f.curry(c); c.push(3); let d = g.call(); d.push(4); [c, d, g.call()]`, "[[1, 2, 3], [1, 2, 4], [1, 2]]"},
		{`let m = #{l: [1].map(|x| x)}; let k = [m]; push(m.l, 2); [m, k]`, `[#{"l": [1]}, [#{"l": [1]}]]`},
		{`let m = #{l: [1].map(|x| x)}; let k = m; pop(m.l); clear(k.l); reverse(k["l"]); [m, k]`, `[#{"l": [1]}, #{"l": [1]}]`},
		{`let a = [[1].map(|x| x)]; push(a[0], 2); push(a[0] ?? [], 3); push({ a[0] }, 4); a`, "[[1]]"},
		{`fn f() { push(this.l, 2); } let m = #{l: [1].map(|x| x)}; m.f(); m`, `#{"l": [1]}`},
		{`const C = [1].map(|x| x); push(C, 2); C`, "[1]"},
		{`const C = blob(2, 1); pop(C); C.len()`, "2"},
		{`const C = #{l: [1].map(|x| x)}; set(C, "x", 1); push(C.l, 2); push(global::C.l, 3); C`, `#{"l": [1]}`},
		{`const C = #{l: [1].map(|x| x)}; fn f() { push(global::C.l, 2); global::C } f()`, `#{"l": [1]}`},
		{`let b = blob(2, 1); let c = b; c[0] = 9; b.push(7); [b[0], b.len(), c[0], c.len()]`, "[1, 3, 9, 2]"},
		{`let s = "ab"; let t = s; s += "c"; t += "d"; s += "e"; [s, t]`, `["abce", "abd"]`},
		{`let s = ""; let l = []; for i in 0..4 { s += i; l.push(s); } l`, `["0", "01", "012", "0123"]`},
		{`fn lit() { [1, [2]] } let a = lit(); a[1].push(3); a.push(4); [a, lit()]`, "[[1, [2, 3], 4], [1, [2]]]"},
		{`fn lit() { #{a: #{b: 1}} } let m = lit(); m.a.b = 2; m.c = 3; [m, lit()]`, `[#{"a": #{"b": 2}, "c": 3}, #{"a": #{"b": 1}}]`},
		{`let m = #{a: 1}; let n = m; n.b = 2; m.c = 3; n.a = 9; [m, n]`, `[#{"a": 1, "c": 3}, #{"a": 9, "b": 2}]`},
		{`let m = #{a: [1]}; let n = m.a; m.remove("a"); n.push(2); [m, n]`, `[#{}, [1, 2]]`},
		{`let a = [1, 2, 3]; let x = a + { a.push(4); [0] }; [x, a]`, "[[1, 2, 3, 0], [1, 2, 3, 4]]"},
		{`let x = 1; let y = x + { x = 5; 1 }; [x, y]`, "[5, 2]"},
		{`let x = 1; x += { x = 5; 1 }; x`, "6"},
		{`let a = [0, 0]; let i = 0; a[i] = { i = 1; 7 }; a`, "[0, 7]"},
		{`let a = [1]; let f = |x, y| [x, y]; let r = f.call(a, a); r[0].push(2); [a, r]`, "[[1], [[1, 2], [1]]]"},
		{`let a = [[3], [1]]; let b = a; b.sort(|x, y| x[0] - y[0]); b[0].push(0); [a, b]`, "[[[3], [1]], [[1, 0], [3]]]"},
		{`let x = [1]; x.tag = 5; let y = x; y.push(2); [x, y, y.tag, x.tag]`, "[[1], [1, 2], 5, 5]"},
		{`let a = [[1]]; let r = a.reduce(|s, x| { s.push(x); s }, []); r[0].push(2); [a, r]`, "[[[1]], [[1, 2]]]"},
		{`let a = [1]; fn g(f) { f.call() } let f = || { a.push(2); a }; let b = g(f); b.push(3); [a, b]`, "[[1, 2], [1, 2, 3]]"},
		{`let a = [1, 2]; swap(a); fn swap(x) { x.push(1); } a`, "[1, 2]"},
		{`let a = [1]; push(a, 2); let b = a; push(b, 3); [a, b]`, "[[1, 2], [1, 2, 3]]"},
		{`let a = [1]; eval("a.push(2)"); let b = a; eval("b.push(3)"); [a, b]`, "[[1, 2], [1, 2, 3]]"},
		{`fn up(a) { a.push(a.len()); a } let a = []; for i in 0..3 { a = up(a); } let b = a; a = up(a); [a, b]`, "[[0, 1, 2, 3], [0, 1, 2]]"},
		{`fn up(a, b) { a.push(1); b.push(2); [a, b] } let a = []; a = up(a, a); a`, "[[1], [2]]"},
		{`fn up(a) { a.push(1); throw "x" } let a = []; try { a = up(a); } catch {} a`, "[]"},
		{`fn g(a) { a.push(1); a } fn f(a) { g(a) } let x = []; [f(x), x]`, "[[1], []]"},
		{`fn g(a, n) { a.push(n); a } fn f(a) { g(a, a.len()) } let x = [0]; [f(x), x]`, "[[0, 1], [0]]"},
		{`fn f() {} let x = [5]; f!(); let y = x; y.push(1); [x, y]`, "[[5], [5, 1]]"},
		{`let c = [1]; let h = || { c.push(2); 9 }; let r = [h.call()].reduce(|s, x| { s.push(x); s }, c); [c, r]`, "[[1, 2], [1, 9]]"},
		{`let i = 0; fn id(x) { x } let r = { i = 1; [10, 20] }[i]; r`, "10"},
		{`let m = #{p: #{q: 1}}; m.p += m; m`, `#{"p": #{"p": #{"q": 1}, "q": 1}}`},
		{`let o = #{n: 0, inc: || { this.n += 1; this.n }}; let p = o; p.inc(); p.inc(); o.inc(); [o.n, p.n]`, "[1, 2]"},
	} {
		p, err := NewEngine().Compile("", c.src)
		if err != nil {
			t.Errorf("%s: %v", c.src, err)
			continue
		}
		for i := range 2 { // a second run must not see what the first did
			v, err := p.Run(context.Background(), nil)
			if err != nil {
				t.Errorf("%s: %v", c.src, err)
			} else if got := v.String(); got != c.want {
				t.Errorf("run %d: %s\n got %s\nwant %s", i, c.src, got, c.want)
			}
		}
	}
}
