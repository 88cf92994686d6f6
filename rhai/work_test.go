package rhai

import (
	"strings"
	"testing"
)

// Each turn of these loops is the work of thousands of operations, and charged as such, with and without the optimizer alike.
func TestNoFreeWork(t *testing.T) {
	array := "[" + strings.Repeat("1, ", 20000) + "1]"
	steps := strings.Repeat("x;", 20000)
	for _, c := range []struct{ name, before, turn string }{
		{"a condition on texts", "", `if s == u { x += 1; }`},
		{"a condition on other texts", "", `if s != u { x += 1; }`},
		{"a comparison of texts", "", `x = s == u;`},
		{"switch on a text", "", `switch s { "a" | "b" | "c" | "d" | "e" | "f" | "g" | "h" | "i" => x += 1, _ => {} }`},
		{"switch on an array", "let a = " + array + ";", `switch a { ` + array + ` => x += 1 }`},
		{"switch on a map", "let a = " + array + "; let n = #{a: a};", `switch n { #{a: ` + array + `} => x += 1 }`},
		{"switch on an array with guards", "let a = " + array + ";", `switch a { ` + array + ` if false => x += 1 }`},
		{"in a blob", "let b = blob(500000, 1);", `2 in b`},
		{"a property in a map", "", `u in m`},
		{"an element of a map", "", `x = m[u];`},
		{"writing an element of a map", "", `m[u] = 2;`},
		{"changing an element of a map", "", `m[u] += 2;`},
		{"a chain", "m[u] = [1];", `m[u].len();`},
		{"get", "", `m.get(u)`},
		{"contains", "", `m.contains(u)`},
		{"set", "", `m.set(u, 1)`},
		{"remove", "", `m.remove(u + "z")`},
		{"a long body", "", steps},
		{"a long body in the caller's scope", "", `f!()`},
	} {
		for _, loop := range []string{"for i in 0..1000 {", "for (i, k) in 0..1000 {", "let i = 0; while i < 1000 { i += 1;"} {
			src := `fn f() { ` + strings.Repeat("0;", 20000) + ` } let s = "x"; for i in 0..18 { s += s; } let u = s + "y"; s += "y"; ` +
				`let m = #{}; m[s] = 1; let x = 1; ` + c.before + loop + c.turn + `}`
			var st [2]Stats
			for i, e := range []*Engine{NewEngine(), NewEngine(WithoutOptimizer())} {
				p, err := e.Compile("", src)
				if err != nil {
					t.Fatalf("%s: %v", c.name, err)
				}
				_, err = p.Run(t.Context(), nil, RunLimits(Limits{MaxOperations: 1e6}), RunStats(&st[i]))
				if kindOf(err) != ErrTooManyOperations {
					t.Errorf("%s: %v after %d operations", c.name, err, st[i].Operations)
				}
			}
			if st[0] != st[1] {
				t.Errorf("%s: %+v with the optimizer, %+v without", c.name, st[0], st[1])
			}
		}
	}
}

// Finding the handler of an error takes no time by their number.
func TestManyHandlers(t *testing.T) {
	const n = 50000
	src := "let n = 0; " + strings.Repeat("try { throw 1 } catch { n += 1 } ", n) +
		"try { try { throw 1 } catch { try { throw 2 } catch (e) { n += e; throw } n += 100; } } catch (e) { n += 10 * e; } n"
	v, err := runLimited(t, Limits{}, src, nil) // quadratic, this was half a minute
	if err != nil || v.int() != n+2+20 {
		t.Errorf("%v %v", v, err)
	}
}
