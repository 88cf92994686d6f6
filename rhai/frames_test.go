package rhai

import (
	"fmt"
	"strings"
	"testing"
)

// Wherever the frames of a recursion end in a chunk of the stack, the arguments of the next call find room: by a function
// pointer, as a method, with captured variables, and from a function of the host.
func TestArgumentsAtTheEndOfAChunk(t *testing.T) {
	eng := NewEngine(WithLimits(Limits{MaxOperations: 10_000_000, MaxMemory: 64 << 20, MaxCallLevels: 40, MaxFunctionExprDepth: 300, MaxExprDepth: 300}))
	for _, n := range []int{1, 7, 40} {
		again := &Native{Name: "again", Params: make([]Param, n+3), Effects: CallsBack, Fn: func(c *Call) (Value, error) {
			return c.Invoke(c.Args()[0], append([]Value(nil), c.Args()[1:]...)...)
		}}
		for i := range again.Params {
			again.Params[i].Type = TAny
		}
		eng.Register(again)
	}
	for _, args := range []int{7, 40} {
		for vars := 190; vars <= 235-args; vars++ {
			var params, given, sum, lets strings.Builder
			for i := range args {
				fmt.Fprintf(&params, ", p%d", i)
				fmt.Fprintf(&given, ", p%d + 1", i)
				fmt.Fprintf(&sum, " + p%d", i)
			}
			for i := range vars {
				fmt.Fprintf(&lets, "let v%d = %d; ", i, i)
			}
			for _, call := range []string{
				"f.call(f, n - 1ARGS)", "call(f, f, n - 1ARGS)", "2.call(f, f, n - 1ARGS)", "(|f, nPARAMS| f.call(f, n - 1ARGS)).call(f, nARGS)",
				"{ let m = n - 1; (|fPARAMS| f.call(f, mARGS)).call(fARGS) }", "again(f, f, n - 1ARGS)",
			} {
				call = strings.NewReplacer("ARGS", given.String(), "PARAMS", params.String()).Replace(call)
				zeros := strings.Repeat(", 0", args)
				src := fmt.Sprintf("fn f(f, n%s) { %s if n == 0 { return 0%s; } let r = %s; r + v%d - %d } f(Fn(\"f\"), 9%s)",
					params.String(), lets.String(), sum.String(), call, vars-1, vars-1, zeros)
				p, err := eng.Compile("", src)
				if err != nil {
					if strings.Contains(err.Error(), "registers") || strings.Contains(err.Error(), "too many") {
						continue
					}
					t.Fatal(err)
				}
				v, err := p.Run(t.Context(), nil)
				if err != nil {
					t.Fatalf("%d variables, %d arguments, %s: %v", vars, args, call, err)
				}
				if v.int() < int64(9*args) {
					t.Fatalf("%d variables, %d arguments, %s: %v", vars, args, call, v)
				}
			}
		}
	}
}

// Variables of the outside scope that closures have captured keep what they are where they have no registers.
func TestManyCapturedOutsideVariables(t *testing.T) {
	const n = 900
	eng := NewEngine()
	var src strings.Builder
	for i := range n {
		fmt.Fprintf(&src, "fs.push(|| v%d);\n", i)
	}
	for i := 0; i < n; i += 62 {
		scope := NewScope().Push("fs", Array(nil))
		for k := range n {
			if k == i || k%3 == 0 && k != i+1 {
				scope.PushConst(fmt.Sprint("v", k), Array([]Value{Int(1)}))
			} else {
				scope.Push(fmt.Sprint("v", k), Array([]Value{Int(1)}))
			}
		}
		for k, want := range map[int]string{i: fmt.Sprintf("Cannot modify constant v%d", i), i + 1: ""} {
			if k >= n {
				continue
			}
			p, err := eng.Compile("", src.String()+fmt.Sprintf("v%d[0] = 5;", k))
			if err != nil {
				t.Fatal(err)
			}
			if _, err = p.Run(t.Context(), scope); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("v%d: %v, want %q", k, err, want)
			}
			if v, _ := scope.Get(fmt.Sprint("v", k)); (v.String() == "[5]") != (want == "") {
				t.Errorf("v%d is %v", k, v)
			}
		}
	}
}

// Functions see nothing of the outside scope, also when they ask.
func TestIsDefVarInFunctions(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{`is_def_var("x")`, "true"},
		{`{ let y = 1; is_def_var("x") && is_def_var("y") }`, "true"},
		{`fn f() { is_def_var("x") } [f(), is_def_var("x")]`, "[false, true]"},
		{`fn f() { is_def_var("x") } [f!(), f()]`, "[true, false]"},
		{`fn f() { eval("is_def_var(\"x\")") } f()`, "false"},
		{`fn f(x) { is_def_var("x") } f(1)`, "true"},
		{`(|| is_def_var("x")).call()`, "false"},
		{`(|| { x; is_def_var("x") }).call()`, "true"},
		{`eval("is_def_var(\"x\")")`, "true"},
		{`fn f() { is_def_var("x") } eval("[f(), is_def_var(\"x\")]")`, "[false, true]"},
		{`import "m" as m; [m::a, m::b()]`, "[false, false]"},
	} {
		for _, opts := range [][]Option{nil, {WithoutOptimizer()}} {
			m, err := NewEngine().Compile("m", `export const a = is_def_var("x"); fn b() { is_def_var("x") }`)
			if err != nil {
				t.Fatal(err)
			}
			eng := NewEngine(append(opts, WithResolver(StaticResolver{"m": m}))...)
			p, err := eng.Compile("", c.src)
			if err != nil {
				t.Fatal(err)
			}
			v, err := p.Run(t.Context(), NewScope().Push("x", Int(1)))
			if err != nil || v.String() != c.want {
				t.Errorf("%s: %v, %v, want %s", c.src, v, err, c.want)
			}
		}
	}
}
