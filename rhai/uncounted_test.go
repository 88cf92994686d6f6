package rhai

import "testing"

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
	// Names as programs have them are still shared.
	var st Stats
	src := `let one = #{a: 1, b: 2, c: 3}; let all = []; for i in 0..2000 { let m = one; m.a = i; all.push(m); } all.len()`
	if _, err := runLimited(t, Limits{MaxMemory: 400 << 10}, src, &st); err != nil {
		t.Errorf("copies of a literal: %v %+v", err, st)
	}
}
