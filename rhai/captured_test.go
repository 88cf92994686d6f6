package rhai

import (
	"context"
	"runtime/debug"
	"testing"
)

// again(f) calls f twice as if the first call had not been.
func TestCaptured(t *testing.T) {
	e := NewEngine()
	e.Register(&Native{
		Name: "again", Params: []Param{{Name: "f", Type: TFn}}, Returns: "any", Effects: Volatile | CallsBack,
		Fn: func(c *Call) (Value, error) {
			before := c.Arg(0).Captured()
			if _, err := c.Invoke(c.Arg(0)); err != nil {
				return Value{}, err
			}
			before.Restore()
			return c.Invoke(c.Arg(0))
		},
	})
	for script, want := range map[string]string{
		`let n = 1; again(|| { n += 1; n }); n`:                                             "2",
		`let a = [1]; again(|| a.push(2)); a`:                                               "[1, 2]",
		`let a = [1]; let b = a; again(|| a.push(2)); [a, b]`:                               "[[1, 2], [1]]",
		`let s = "x"; again(|| { s += "y"; s })`:                                            `"xy"`,
		`let m = #{ a: [1] }; again(|| { m.a.push(2); m.b = 1; m })`:                        `#{"a": [1, 2], "b": 1}`,
		`let n = 1; let inc = || { n += 1; n }; again(|| { inc.call() }); n`:                "2",
		`let n = 1; let fs = [[|| { n += 1; n }]]; again(|| { fs[0][0].call() }); n`:        "2",
		`let n = 1; let m = #{ f: || { n += 1; n } }; again(|| { m.f.call() }); n`:          "2",
		`let a = [1]; let n = 0; again(|| { let b = a; b.push(1); n += b.len(); }); [a, n]`: "[[1], 2]",
		`again(|| 7)`:                                       "7",
		`let f = |x| x; again(f.curry(3))`:                  "3",
		`let b = blob(1, 7); again(|| { b.push(8); b }); b`: "[0708]",
	} {
		p, err := e.Compile("test", script)
		if err != nil {
			t.Errorf("%s: %v", script, err)
			continue
		}
		v, err := p.Run(context.Background(), NewScope())
		if err != nil || v.DebugString() != want {
			t.Errorf("%s: got %s, want %s (%v)", script, v.DebugString(), want, err)
		}
	}
}

// A function of the library must not lose what it works on to the function that it calls.
func TestCapturedReceiver(t *testing.T) {
	for _, call := range []string{
		`x.for_each(|| x.clear())`,
		`x.call(Fn("for_each"), || x.clear())`,
		`x.call(Fn("retain"), |v| { x.clear(); true })`,
		`x.call(Fn("drain"), |v| { x.clear(); true })`,
		`m.a.call(Fn("retain"), |v| { m.a = []; true })`,
		`m.call(Fn("retain"), |k, v| { m.clear(); true })`,
	} {
		src := `let x = [1, 2, 2, 3]; let m = #{a: x, b: x}; ` + call
		p, err := NewEngine().Compile("", src)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = p.Run(t.Context(), nil); kindOf(err) != ErrDataRace {
			t.Errorf("%s: %v", call, err)
		}
	}
	// These do not tell of the errors of their functions.
	for _, call := range []string{`x.call(Fn("dedup"), |a, b| { x.clear(); false })`, `x.call(Fn("sort"), |a, b| { x.clear(); 0 })`} {
		if v, err := runLimited(t, Limits{}, `let x = [1, 2, 3]; `+call+`; x`, nil); err != nil || v.String() != "[1, 2, 3]" {
			t.Errorf("%s: %v %v", call, v, err)
		}
	}
	if v, err := runLimited(t, Limits{}, `let x = [1, 2]; let f = || x; x.call(Fn("for_each"), || this += 1); x.push(5); f.call()`, nil); err != nil || v.String() != "[2, 3, 5]" {
		t.Errorf("unlocked: %v %v", v, err)
	}
}

// What a closure captured may be nested deep, and hold the same value any number of times.
func TestCapturedIsBounded(t *testing.T) {
	defer debug.SetMaxStack(debug.SetMaxStack(16 << 20))
	for _, src := range []string{
		`let f = || 0; for i in 0..200000 { let g = f; f = || g.call(); } f`,
		`let f = || 0; let a = [f]; for i in 0..60 { a = [a, a]; } || a`,
		`let f = || 0; let a = #{f: f}; for i in 0..60 { a = #{a: a, b: a}; } || a`,
		`let f = || 0; let g = || f; for i in 0..60 { let a = g; let b = g; g = || [a, b]; } g`,
	} {
		v, err := runLimited(t, Limits{}, src, nil)
		if err != nil {
			t.Fatal(err)
		}
		v.Captured().Restore()
	}
}
