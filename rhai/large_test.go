package rhai_test

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/picloud/picloud/rhai"
)

// repeat writes n pieces in which @ is the number of the piece.
func repeat(n int, piece string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.ReplaceAll(piece, "@", strconv.Itoa(i)))
	}
	return b.String()
}

// Programs with many of something must compile in linear time and run: the
// 8-bit operands and 250 registers of the machine are no limit of the language.
func TestLargePrograms(t *testing.T) {
	tests := []struct{ name, script, want string }{
		{"array literal", "let x = 1; let a = [" + repeat(20_000, "@ + x,") + "]; a[19999]", "20000"},
		{"constant array", "let a = [" + repeat(20_000, "@,") + "]; a[19999]", "19999"},
		{"map literal", "let x = 1; let m = #{" + repeat(20_000, "a@: x,") + "}; m.len() + m.a19999", "20001"},
		{"constant map", "let m = #{" + repeat(20_000, "a@: 1,") + "}; m.len() + m.a19999", "20001"},
		{"interpolation", "let x = 1; let s = `" + repeat(5_000, "${x}") + "`; s.len()", "5000"},
		{"variables", repeat(20_000, "let v@ = @;") + "v0 + v100 + v19999", "20099"},
		{"assigned variables", repeat(2_000, "let v@ = 1;") + repeat(2_000, "v@ += 1; v@ = v@ * 2;") + "v0 + v1999", "8"},
		{"variables in a function", "fn f() {" + repeat(2_000, "let v@ = @;") + "v0 + v1999 } f()", "1999"},
		{"captured variables", repeat(200, "let v@ = 1;") + "let f = || [" + repeat(200, "v@,") + "]; f.call().len()", "200"},
		{"cells beyond the registers", repeat(300, "let v@ = @; let f@ = || { v@ += 1; v@ };") + "f299.call() + v299 + f0.call()", "601"},
		{"loops beyond the registers", repeat(300, "let v@ = @;") + "let s = 0; for (x, i) in [1, 2, 3] { s += x * i + v299; } s", "905"},
		{"chains beyond the registers", repeat(300, "let v@ = #{a: [@]};") + "v299.a[0] += 1; v299.a.push(7); v299.a", "[300, 7]"},
		{"try beyond the registers", repeat(300, "let v@ = 1;") + "let r = 0; try { throw v299 + 1 } catch (e) { r = e; } r", "2"},
		{"functions", repeat(5_000, "fn f@(x) { x + @ }") + "f4999(1)", "5000"},
		{"closures", "let a = [" + repeat(5_000, "|x| x + @,") + "]; a[4999].call(1)", "5000"},
		{"arguments", "fn f(" + repeat(100, "a@,") + ") { a0 + a99 } f(" + repeat(100, "@,") + ")", "99"},
		{"statements", "let x = 0;" + repeat(50_000, "x += 1;") + "x", "50000"},
		{"calls", "fn f(x) { x + 1 } let x = 0;" + repeat(20_000, "x = f(x);") + "x", "20000"},
		{"properties", "let m = #{};" + repeat(10_000, "m.p@ = @;") + "m.p9999 + m.len()", "19999"},
		{"blocks", repeat(10_000, "{ let v@ = 1; }") + "5", "5"},
		{"integer cases", "let r = 0; for i in [0, 4999, 7777] { r += switch i {" + repeat(5_000, "@ => @ + 1,") + " _ => 100_000 }; } r", "105001"},
		{"string cases", "switch \"s4999\" {" + repeat(5_000, "\"s@\" => @,") + "}", "4999"},
		{"ranges", "switch 49995 {" + repeat(5_000, "@0..@9 => @,") + "}", "4999"},
		{"if branches", "let x = 3000; let r = 0;" + repeat(5_000, "if x == @ { r = @; }") + "r", "3000"},
		{"undefined names", "let r = 0; try {" + repeat(5_000, "let v@ = 1;") + " missing } catch (e) { r = e.variable; } r", "missing"},
		{"strings", "let n = 0;" + repeat(10_000, "n += \"text @\".len();") + "n", "88890"},
		{"floats", "let n = 0.0;" + repeat(10_000, "n += @.5;") + "n", "50000000.0"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			prog, err := rhai.NewEngine().Compile("", test.script)
			if err != nil {
				t.Fatal(err)
			}
			v, err := prog.Run(context.Background(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if v.String() != test.want {
				t.Errorf("got %.100s, want %s", v.String(), test.want)
			}
		})
	}
}

// What is long must compile and run in linear time, whatever there is much of.
func TestCompileTimeIsLinear(t *testing.T) {
	tests := []struct{ name, script string }{
		{"lets+old use", repeat(40_000, "let v@=1;") + repeat(40_000, "v0;")},
		{"undefined uses", repeat(40_000, "u@;")},
		{"undefined assigns", repeat(40_000, "u@ = 1;")},
		{"float cases", "switch 1.0 {" + repeat(40_000, "@.5=>1, ") + "}"},
		{"char cases", "switch 'a' {" + repeat(40_000, "true=>1, ") + "}"},
		{"range cases", "switch 1.0 {" + repeat(40_000, "@..9999999=>1, ") + "}"},
		{"string cases", "switch 1.0 {" + repeat(40_000, "\"s@\"=>1, ") + "}"},
		{"fns", repeat(40_000, "fn f@(){}") + "1"},
		{"fns calls", repeat(20_000, "fn f@(){ g@() }") + "1"},
		{"typed fns", repeat(20_000, "fn int.f@(){}") + repeat(20_000, "1.f@();")},
		{"closures capture", "let x=1;" + repeat(40_000, "let f@=||x;")},
		{"nested scopes", repeat(40_000, "{let a@=1;}")},
		{"evals", "let x=1;" + repeat(3000, "let v@=1;") + "if false {" + repeat(300, "eval(\"1\");") + "}"},
		{"callerscope", "fn f(){} " + repeat(3000, "let v@=1;") + "if false {" + repeat(300, "f!();") + "}"},
		{"imports", "if false {" + repeat(20_000, "import \"x\" as a@;") + "}"},
		{"exports", "let x=1;" + repeat(40_000, "export x as a@;")},
		{"try", repeat(20_000, "try{}catch(e){}")},
		{"maps", repeat(5_000, "#{a:1,b@:2};")},
		{"props", "let m=#{};" + repeat(40_000, "m.a@;")},
		{"strings", repeat(40_000, "\"s@\";")},
		{"break", "loop {" + repeat(40_000, "if false {break;}") + " break}"},
		{"sw in sw", repeat(20_000, "switch 1 {1=>2};")},
		{"method many", "let a=[];" + repeat(40_000, "a.len();")},
		{"global", "const A=1; fn f(){" + repeat(40_000, "global::A;") + "} f()"},
	}
	eng := rhai.NewEngine(rhai.WithLimits(rhai.Limits{MaxOperations: 10_000_000, MaxMemory: 64 << 20}))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			prog, err := eng.Compile("", test.script)
			if err != nil {
				t.Fatal(err)
			}
			prog.Run(context.Background(), nil) // may fail
		})
	}
}
