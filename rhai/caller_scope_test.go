package rhai

import "testing"

// A closure within a function that is called with ! may capture its parameters and the variables of the caller.
func TestClosuresInTheScopeOfTheCaller(t *testing.T) {
	eng := NewEngine()
	for src, want := range map[string]string{
		"fn f(a) { (|| a).call() } f!(1)":                                                                      "1",
		"fn f(a) { let g = || { a += 1; a }; g.call(); g.call(); a } f!(1)":                                    "3",
		"let a = 1; fn f() { (|| a).call() } f!()":                                                             "1",
		"let a = 5; fn f(a) { (|| a).call() } f!(7) + a":                                                       "12",
		"let s = `x`; fn f() { [1, 2].map(|v| s + v) } f!().to_string()":                                       `["x1", "x2"]`,
		"let s = [1]; fn f() { [1, 2].for_each(|v| s.len()); (|| { (|| s).call() }).call() } f!().to_string()": "[1]",
		"let s = [1]; fn f() { let g = || { s.push(2); s.len() }; g.call() } f!()":                             "2",
		"let m = #{}; fn f(k) { (|| { m[k] = 1; m }).call() } f!(`a`).to_string()":                             `#{"a": 1}`,
		"fn g(x) { f!(x + 1) } fn f(y) { [y].map(|v| v + x + y) } g(1).to_string()":                            "[5]",
		"fn f(a) { [1].map(|v| a.nope()) } let r; try { f!(1) } catch (e) { r = e.function; } r":               "f",
		"let a = 1; fn f(n) { if n == 0 { (|| a + n).call() } else { f!(n - 1) } } f!(9)":                      "1",
		"let h = || 4; fn f() { (|| h.call()).call() } f!()":                                                   "4",
		"let a = 1; let g = || a; fn f() { (|| { a += 1; a }).call() } f!() + g.call()":                        "4",
	} {
		p, err := eng.Compile("", src)
		if err != nil {
			t.Fatal(err)
		}
		v, err := p.Run(t.Context(), nil)
		if err != nil || v.String() != want {
			t.Errorf("%s: %v, %v, want %s", src, v, err, want)
		}
	}
}

// Only a throw of () in the catch block itself throws the caught error again; one in a function that the block calls does not.
func TestThrowOfNothingInCatch(t *testing.T) {
	eng := NewEngine()
	for src, want := range map[string]string{
		"try { throw 1 } catch (e) { throw; }":                           "Runtime error: 1 (line 1, position 29)",
		"fn f() { throw } try { throw 1 } catch (e) { f() }":             "Runtime error (line 1, position 10)\nin call to function 'f' (line 1, position 46)",
		"fn f() { throw () } try { throw 1 } catch (e) { f(); }":         "Runtime error (line 1, position 10)\nin call to function 'f' (line 1, position 49)",
		"let f = || { throw; }; try { throw 1 } catch { f.call() }":      "Runtime error (line 1, position 14)\nin closure call (line 1, position 50)",
		"fn f() { throw 2 } try { f() } catch (e) { if true { throw } }": "Runtime error: 2 (line 1, position 10)\nin call to function 'f' (line 1, position 54)",
	} {
		p, err := eng.Compile("", src)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = p.Run(t.Context(), nil); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", src, err, want)
		}
	}
}

// What is constant stays so for an eval, after an eval, and for a function that is called with !.
func TestConstantsAndEval(t *testing.T) {
	eng := NewEngine()
	for _, src := range []string{
		`const x = 1; eval("x = 5")`,
		`const x = 1; let y = 2; eval("y += 1; x = 5")`,
		`const x = [1]; eval("x[0] = 1")`,
		`const x = #{a: 1}; eval("x.a += 1")`,
		`eval("const x = 1;"); x = 3`,
		`eval("const x = [1];"); let z = 1; z += 1; x[0] = 3`,
		`fn f() { const x = 1; eval("x = 2") } f()`,
		`fn f() { x = 2 } const x = 1; f!()`,
		`outside; eval("outside = 5")`,
		`eval("1"); outside = 5`,
		`eval("1"); outside += 5`,
		`let f = || outside; eval("1"); outside = 5`,
		`fn f() { outside = 5 } outside; f!()`,
		`list; eval("list[0] = 5")`,
		`eval("1"); list[0] = 5`,
	} {
		p, err := eng.Compile("", src)
		if err != nil {
			t.Fatal(err)
		}
		scope := NewScope().PushConst("outside", Int(1)).PushConst("list", Array([]Value{Int(1)}))
		if _, err = p.Run(t.Context(), scope); kindOf(err) != ErrAssignmentToConst {
			t.Errorf("%s: %v", src, err)
		}
	}
}

// An eval in the body sees all of the outside scope, also what the body itself does not mention.
func TestEvalSeesTheOutsideScope(t *testing.T) {
	eng := NewEngine()
	for _, c := range []struct{ src, want, x string }{
		{`eval("x")`, "[1]", "[1]"},
		{`eval("x.push(2); x")`, "[1, 2]", "[1, 2]"},
		{`eval("x = 7"); eval("x + 1")`, "8", "7"},
		{`eval("x[0] += y"); eval("x[0]")`, "6", "[6]"},
		{`eval("let x = 3; x")`, "3", "3"},
		{`{ eval("let x = 3; x") + eval("x") }`, "6", "[1]"},
		{`eval("eval(\"x\")")`, "[1]", "[1]"},
		{`fn f() { x.push(3); x } f!()`, "[1, 3]", "[1, 3]"},
		{`eval("y = 3")`, "Cannot modify constant y (line 1, position 1)\nin call to function 'eval' (line 1, position 6)", "[1]"},
		{`fn f() { eval("x") } f()`, "Variable not found: x (line 1, position 1)\nin call to function 'eval' (line 1, position 15)\nin call to function 'f' (line 1, position 22)", "[1]"},
		{`let f = || eval("x"); f.call()`, "Variable not found: x (line 1, position 1)\nin call to function 'eval' (line 1, position 17)\nin closure call (line 1, position 25)", "[1]"},
		{`eval("z")`, "Variable not found: z (line 1, position 1)\nin call to function 'eval' (line 1, position 6)", "[1]"},
	} {
		p, err := eng.Compile("", c.src)
		if err != nil {
			t.Fatal(err)
		}
		for _, inputs := range []bool{false, true} {
			scope := NewScope().Push("x", Array([]Value{Int(1)})).PushConst("y", Int(5))
			var opts []RunOption
			if inputs {
				opts = append(opts, RunInputs())
				c.x = "[1]"
			}
			v, err := p.Run(t.Context(), scope, opts...)
			got := v.String()
			if err != nil {
				got = err.Error()
			}
			if x, _ := scope.Get("x"); got != c.want || x.String() != c.x {
				t.Errorf("%s (inputs %v): %s, then x is %s", c.src, inputs, got, x)
			}
		}
	}
}
