package rhai_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/picloud/picloud/rhai"
)

// hostileScripts try to take more than their share. Each must end in the
// named error, in bounded memory, and must not be able to catch it.
var hostileScripts = []struct {
	name, script string
	want         rhai.ErrorKind
}{
	{"endless loop", "loop { }", rhai.ErrTooManyOperations},
	{"endless while", "while true { let x = 1; }", rhai.ErrTooManyOperations},
	{"endless for", "for i in (0..) { }", rhai.ErrTooManyOperations},
	{"endless do", "do { } until false", rhai.ErrTooManyOperations},
	{"caught loop", "loop { try { loop { } } catch { } }", rhai.ErrTooManyOperations},
	{"loops in callbacks", "let a = []; a.pad(1000, 0); loop { a.map(|x| x + 1); }", rhai.ErrTooManyOperations},
	{"recursion", "fn f() { f() } f()", rhai.ErrStackOverflow},
	{"caught recursion", "fn f() { try { f() } catch { f() } } f()", rhai.ErrStackOverflow},
	{"mutual recursion", "fn f(x) { g(x) } fn g(x) { f(x) } f(1)", rhai.ErrStackOverflow},
	{"recursion through map", "fn f(x) { [x].map(|y| f(y)) } f(1)", rhai.ErrStackOverflow},
	{"recursion through sort", "fn f(a) { a.sort(|x, y| { f([2, 1]); 0 }) } f([1, 2])", rhai.ErrStackOverflow},
	{"recursion through call", "fn f(g) { g.call(g) } f(|g| g.call(g))", rhai.ErrStackOverflow},
	{"recursion through eval", `fn f() { eval("f()") } f()`, rhai.ErrStackOverflow},
	{"eval in eval", `let s = "1"; fn f(s) { eval(s) } let t = "eval(t)"; eval(t)`, rhai.ErrStackOverflow},
	{"doubling a string", `let s = "x"; loop { s += s; }`, rhai.ErrMemory},
	{"caught doubling", `let s = "x"; loop { try { s += s; } catch { } }`, rhai.ErrMemory},
	{"concatenation", `let s = "x"; loop { s = s + s; }`, rhai.ErrMemory},
	{"interpolation", "let s = `x`; loop { s = `${s}${s}`; }", rhai.ErrMemory},
	{"replace", `let s = "aaaaaaaaaa"; loop { s.replace("a", "aaaaaaaaaa"); }`, rhai.ErrMemory},
	{"pad a string", `let s = "x"; s.pad(1000000000, "abc"); s`, rhai.ErrTooManyOperations},
	{"pad an array", "let a = []; a.pad(1000000000, 0); a", rhai.ErrTooManyOperations},
	{"blob", "blob(1000000000)", rhai.ErrTooManyOperations},
	{"pad a blob", "let b = blob(); b.pad(1000000000, 0); b", rhai.ErrMemory},
	{"growing array", "let a = []; loop { a.push(a.len()); }", rhai.ErrMemory},
	{"doubling array", "let a = [1]; loop { a += a; }", rhai.ErrMemory},
	{"growing map", "let m = #{}; let i = 0; loop { m[i.to_string()] = i; i += 1; }", rhai.ErrMemory},
	{"split", `let s = "x"; for i in 0..22 { s += s; } let all = []; loop { all.push(s.split("")); }`, rhai.ErrMemory},
	{"chars", `let s = "x"; for i in 0..20 { s += s; } let all = []; loop { all.push(s.to_chars()); }`, rhai.ErrMemory},
	{"closures", "let all = []; loop { let x = 1; all.push(|| x); }", rhai.ErrMemory},
	{"currying", "let f = |a, b| a; let x = []; x.pad(1000, 0); let all = []; loop { all.push(f.curry(x + [1])); }", rhai.ErrMemory},
	{"nested arrays", "let a = []; loop { a = [a]; }", rhai.ErrDataTooLarge},
	{"nested maps", "let m = #{}; loop { m = #{m: m}; }", rhai.ErrDataTooLarge},
	{"nested pushes", "let a = []; loop { let b = []; b.push(a); a = b; }", rhai.ErrDataTooLarge},
	{"array in itself", "let a = []; loop { a.push(a); }", rhai.ErrMemory},
	{"map in itself", "let m = #{}; loop { m.x = m; }", rhai.ErrDataTooLarge},
	{"nested currying", "let f = |x| x; loop { f = f.curry(f); }", rhai.ErrDataTooLarge},
	{"deep JSON", `let s = "1"; for i in 0..100 { s = "[" + s + "]"; } parse_json("{\"a\":" + s + "}")`, rhai.ErrParsing},
	{"deep eval", `let s = "1"; for i in 0..100 { s = "(" + s + ")"; } eval(s)`, rhai.ErrParsing},
	{"variables by eval", `loop { eval("let x = 1;"); }`, rhai.ErrTooManyOperations},
	{"endless sort", "let a = []; a.pad(100000, 1); a.sort(|x, y| { loop { } })", rhai.ErrTooManyOperations},
	{"printing", `let s = "x"; for i in 0..16 { s += s; } loop { print(s); }`, rhai.ErrTooManyOperations},
}

func TestHostileScripts(t *testing.T) {
	for _, test := range hostileScripts {
		t.Run(test.name, func(t *testing.T) {
			eng := rhai.NewEngine(rhai.WithLimits(rhai.Limits{MaxOperations: 3_000_000, MaxMemory: 16 << 20}))
			prog, err := eng.Compile("", test.script)
			if err != nil {
				t.Fatal(err)
			}
			var stats rhai.Stats
			_, err = prog.Run(context.Background(), nil, rhai.RunStats(&stats))
			var e *rhai.Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v", err)
			}
			if e.Kind != test.want {
				t.Errorf("got %s (%.200s), want %s", e.Kind, e.Error(), test.want)
			}
			if stats.PeakMemory > 16<<20 {
				t.Errorf("peak memory %d", stats.PeakMemory)
			}
		})
	}
}

// A run ends soon after its context, wherever it is.
func TestCancellation(t *testing.T) {
	for _, script := range []string{
		"loop { }",
		"let a = []; a.pad(1000, 1); loop { a.map(|x| x); }",
		"sleep(3600)",
	} {
		prog, err := rhai.NewEngine().Compile("", script)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		_, err = prog.Run(ctx, nil)
		cancel()
		var e *rhai.Error
		if !errors.As(err, &e) || e.Kind != rhai.ErrTerminated {
			t.Errorf("%s: %v", script, err)
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: the cause is lost: %v", script, err)
		}
	}
}

// Verdict and counts do not depend on the run.
func TestDeterminism(t *testing.T) {
	script := `let m = #{}; for i in 0..2000 { m["k" + (i * 7919 % 2000)] = [i, i.to_string()]; }
		let a = m.values(); a.sort(|x, y| x[0] - y[0]); let s = ""; for x in a { s += x[1]; } s.len()`
	var first rhai.Stats
	for i := range 5 {
		var stats rhai.Stats
		prog, err := rhai.NewEngine(rhai.WithLimits(rhai.Limits{MaxOperations: 1e9, MaxMemory: 1 << 30})).Compile("", script)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := prog.Run(context.Background(), nil, rhai.RunStats(&stats)); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = stats
		} else if stats != first {
			t.Errorf("run %d used %+v, the first %+v", i, stats, first)
		}
	}
	// The limit strikes exactly where the count says.
	for _, d := range []int64{-1, 0} {
		prog, err := rhai.NewEngine(rhai.WithLimits(rhai.Limits{MaxOperations: first.Operations + d})).Compile("", script)
		if err != nil {
			t.Fatal(err)
		}
		_, err = prog.Run(context.Background(), nil)
		if failed := err != nil && strings.Contains(err.Error(), "Too many operations"); failed != (d < 0) {
			t.Errorf("limit %d of %d operations: %v", first.Operations+d, first.Operations, err)
		}
	}
}
