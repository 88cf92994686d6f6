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
