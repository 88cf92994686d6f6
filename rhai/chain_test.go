package rhai

import "testing"

// The operands of a chain are evaluated before its methods run; a method that is a script function must not
// write over those that are still needed. What is expected is what the reference engine answers.
func TestOperandsOutliveMethods(t *testing.T) {
	const fns = `
		fn f(x) { let a = 1; let b = 2; let c = 3; let d = 4; let e = a + b + c + d + x; this + e }
		fn g(x) { this * x }
		fn list(x) { [this, [x, x + 1]] }
		fn put(x) { this.n = x; this }
	`
	for script, want := range map[string]string{
		"5.f(7).g(8)":                                        "176",
		"5.f(7).g(8).f(1).g(2)":                              "374",
		"(|q, r| [q, r]).call(5, 6)[1]":                      "6",
		"(|q| [q, [8, 9]]).call(5)[1][0 + 1]":                "9",
		"5.list(7)[1][0].f(1).list(3)[1][1]":                 "4",
		"let m = #{n: 1}; m.put(4).n.f(1).g(2)":              "30",
		"let m = #{n: 1}; m.put(4)?.n?.f(1).g(2)":            "30",
		"let a = [#{n: 1}]; a[0].put(9).put(a.len()).n.g(5)": "5",
		"let a = [1]; a[0].list(2)[1].map(|x| x.f(1).g(2))":  "[26, 28]",
		"let x = 2; `${x.f(x).g(x)}${x.f(1).g(x + 1).f(x)}`": `"2851"`,
		"5.f(1.f(2).g(3)).g(2.g(1).f(3))":                    "810",
		"let k = 1; 5.list(7)[k][k].g(k + 1)":                "16",
	} {
		if got, err := runScript(t, fns+script, Limits{}); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", script, got, err, want)
		}
	}
}

// A variable as first argument is passed itself, also where an eval may have defined another of its name; a constant is copied.
func TestFirstArgumentsAfterEval(t *testing.T) {
	for script, want := range map[string]string{
		`let xs = [1]; eval("let z = 1;"); push(xs, 2); xs`:             "[1, 2]",
		`let xs = [1]; eval("let xs = [7];"); push(xs, 2); xs`:          "[7, 2]",
		`let xs = [1]; eval("const xs = [7];"); push(xs, 2); xs`:        "[7]",
		`const XS = [1]; eval("1"); push(XS, 2); XS`:                    "[1]",
		`fn h(y) { push(xs, y); } let xs = [1]; h!(5); push(xs, 2); xs`: "[1, 5, 2]",
		`fn g(l) { eval("1"); push(l, 2); l } g([1])`:                   "[1, 2]",
	} {
		if got, err := runScript(t, script, Limits{}); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", script, got, err, want)
		}
	}
}

// A script's typed methods are visible wherever it is imported, also through another import, and a bare name of one
// is a function pointer.
func TestTypedMethodsOfImports(t *testing.T) {
	res := StaticResolver{}
	eng := NewEngine(WithResolver(res))
	compile := func(src string) *Program {
		p, err := eng.Compile("", src)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	res["lib"] = compile(`const K = 100; fn int.plus(y) { this + y + global::K } fn add_to(y) { this += y; this }
		private fn int.hidden() { 1 } fn int.inc() { this += 1; }`)
	res["sub"] = compile(`import "lib" as l; fn f() { 1 }`)
	for src, want := range map[string]string{
		`import "lib" as m; 5.plus(3)`:                                                          "108",
		`import "lib"; let x = 5; x.plus(3)`:                                                    "108",
		`import "sub" as m; 5.plus(3)`:                                                          "108",
		`import "lib" as m; fn f(x) { x.plus(3) } f(1)`:                                         "104",
		`fn f(x) { import "lib" as m; x.plus(3) } f(1)`:                                         "104",
		`import "lib" as m; let f = Fn("plus"); 5.call(f, 1)`:                                   "106",
		`import "lib" as m; fn int.plus(x) { 99 } 5.plus(3)`:                                    "99",
		`import "lib" as m; fn plus(x) { 98 } 5.plus(3)`:                                        "108",
		`import "lib" as m; [1, 2].map(|x| x.plus(1))`:                                          "[102, 103]",
		`import "lib" as m; let x = [1]; x[0].inc(); x`:                                         "[2]",
		`import "lib" as m; let x = #{a: #{b: 1}}; x.a.b.inc(); x`:                              `#{"a": #{"b": 2}}`,
		`fn int.g() { this } let f = g; 5.call(f)`:                                              "5",
		`{ import "lib" as m; } try { 5.plus(3) } catch (e) { e.error }; 5`:                     "5",
		`import "lib" as m; let x = (); try { 5.hidden() } catch (e) { x = e.error; } x`:        `"ErrorFunctionNotFound"`,
		`fn int.g() { 1 } let x = (); let f = g; try { f.call() } catch (e) { x = e.error; } x`: `"ErrorFunctionNotFound"`,
	} {
		v, err := compile(src).Run(t.Context(), nil)
		if err != nil || v.Repr() != want {
			t.Errorf("%s: %s, %v; want %s", src, v.Repr(), err, want)
		}
	}
}

// Errors of a parser that a function calls are the caller's: they have its position, and nothing catches them. What
// is thrown again has the position of the throw.
func TestPositionsOfErrors(t *testing.T) {
	for src, want := range map[string]string{
		"fn g() {\n parse_json(\"{\") }\nfn h() { g() }\nh()": "Syntax error: Expecting '}' to end this object map literal (line 4, position 1)",
		"let f = || Fn(\"+\");\ntry { f.call() } catch { }":   "Syntax error: '+' is a reserved symbol (line 2, position 9)",
		"fn g() { 1/0 }\ntry { g() } catch { throw; }":        "Division by zero: 1 / 0\nin call to function 'g' (line 2, position 21)",
		"let v = 1; v.call((#{a: 1}).len())":                  "Data type incorrect: i64 (expecting Fn) (line 1, position 28)",
		"eval(\"|x| x\")":                                     "Syntax error: Function definitions must be at global level and cannot be inside a block or another function\nin call to function 'eval' (line 1, position 6)",
	} {
		if got, err := runScript(t, src, Limits{}); err == nil || err.Error() != want {
			t.Errorf("%s: %s, %v; want %s", src, got, err, want)
		}
	}
}
