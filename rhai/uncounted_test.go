package rhai

import (
	"strings"
	"testing"
)

// Each of these keeps, or makes at once, many times its memory limit in a place that was once not counted.
func TestNothingIsUncounted(t *testing.T) {
	for name, src := range map[string]string{
		"keys made by op-assignment": `
			let s = "x"; for i in 0..16 { s += s; } let list = [];
			for i in 0..500 { let m = #{}; m[s] += "y"; list.push(m); }`,
		"keys of a map that was copied": `
			let s = "x"; for i in 0..16 { s += s; } let list = [];
			for i in 0..500 { let m = #{}; m[s + i] = 1; let n = m; n.other = 2; list.push(m); }`,
		"keys of a copy whose original is gone": `
			let s = "x"; for i in 0..16 { s += s; } let list = [];
			for i in 0..500 { let m = #{}; m[s + i] = 1; let n = m; n[s + i] = 2; m = (); list.push(n); }`,
	} {
		if _, err := runLimited(t, Limits{MaxOperations: 100e6, MaxMemory: 4 << 20}, src, nil); kindOf(err) != ErrMemory {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Variables beyond those that have registers, in every call.
	many := strings.Repeat("let a;", 20000)
	for _, src := range []string{
		`fn f(n) { ` + many + ` if n > 0 { f(n - 1) } else { 0 } } f(60)`,
		`fn f(n, m, o) { ` + many + ` if n > 0 { Fn("f").curry(n - 1, 1).call(2) } else { 0 } } f(60, 1, 2)`,
		`fn f(n) { ` + many + ` if n > 0 { [n - 1].map(|x| f(x))[0] } else { 0 } } f(20)`,
	} {
		for _, m := range []int64{1 << 20, 4 << 20} {
			if _, err := runLimited(t, Limits{MaxOperations: 100e6, MaxMemory: m}, src, nil); kindOf(err) != ErrMemory {
				t.Errorf("%d bytes, far variables: %v", m, err)
			}
		}
	}
	// A census in the middle of such a call loses no argument.
	for m := int64(12000); m < 40000; m += 100 {
		src := `fn f(a, b, c, d) { ` + strings.Repeat("let x;", 300) + ` a + b + c + d } let n = 0;
			for i in 0..20 { let s = [i, i]; n += Fn("f").curry(1, 2).call(3, 4) + [7].map(|x| f(x, 1, 1, 1))[0] + f(1, 1, 1, s.len()); } n`
		if v, err := runLimited(t, Limits{MaxMemory: m}, src, nil); kindOf(err) != ErrMemory && v.String() != "500" {
			t.Fatalf("%d bytes: %v %v", m, v, err)
		}
	}
	// It ends at the second text of two megabytes, and not when all are to be joined.
	src := "let a = []; a.pad(10000, \"x\"); let b = []; b.pad(40, a); let s = `" + strings.Repeat("${b}", 31) + "`;"
	if _, err := runLimited(t, Limits{MaxOperations: 1e6, MaxMemory: 4 << 20}, src, nil); kindOf(err) != ErrMemory {
		t.Errorf("texts of an interpolation: %v", err)
	}
	// What a script exports belongs to the run, and so does what an exported closure captured.
	for name, src := range map[string]string{
		"an exported closure": `import "m" as m; let q = []; for i in 0..1000 { m::f.call(m::s + i); q.push(1); }`,
		"exported variables":  `import "a" as a; import "b" as b; import "c" as c; import "d" as d; let q = []; for i in 0..9 { q.pad(1000 * i, "x" + i); }`,
		"global constants":    `import "e" as e; import "f" as f; import "g" as g; import "h" as h; let q = []; for i in 0..9 { q.pad(1000 * i, "x" + i); }`,
	} {
		table := StaticResolver{}
		eng := NewEngine(WithLimits(Limits{MaxOperations: 100e6, MaxMemory: 4 << 20}), WithResolver(table))
		for names, src := range map[string]string{
			"m":    `let a = []; let s = "x"; for i in 0..16 { s += s; } let f = |x| a.push(x); export f; export s;`,
			"abcd": `let a = blob(1200000); export a;`,
			"efgh": `const A = blob(1200000); fn f() { global::A }`,
		} {
			for _, name := range names {
				module, err := eng.Compile(string(name), src)
				if err != nil {
					t.Fatal(err)
				}
				table[string(name)] = module
			}
		}
		p, err := eng.Compile("", src)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Run(t.Context(), nil); kindOf(err) != ErrMemory {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Names as programs have them are still shared.
	var st Stats
	src = `let one = #{a: 1, b: 2, c: 3}; let all = []; for i in 0..2000 { let m = one; m.a = i; all.push(m); } all.len()`
	if _, err := runLimited(t, Limits{MaxMemory: 400 << 10}, src, &st); err != nil {
		t.Errorf("copies of a literal: %v %+v", err, st)
	}
}
