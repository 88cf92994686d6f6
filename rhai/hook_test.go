package rhai_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/picloud/picloud/rhai"
	"github.com/picloud/picloud/rhai/syntax"
)

// However a script reaches a function of the host, the hook sees its arguments, its result and its place.
func TestHookSeesEveryCall(t *testing.T) {
	type box struct{ n int64 }
	var seen []string
	hook := func(c *rhai.Call, next func(*rhai.Call) (rhai.Value, error)) (rhai.Value, error) {
		args := make([]string, c.Len())
		for i := range args {
			args[i] = c.Arg(i).String()
		}
		v, err := next(c)
		text := fmt.Sprintf("%s(%s)", c.Name(), strings.Join(args, ", "))
		if err != nil {
			text += " failed: " + err.Error()
		} else {
			text += " = " + v.String()
		}
		if !c.Position().IsValid() {
			text += " nowhere"
		}
		seen = append(seen, text)
		return v, err
	}
	module := rhai.NewModule("tools").Register(rhai.NewFn("up", strings.ToUpper))
	eng := rhai.NewEngine(rhai.WithHostHook(hook), rhai.WithResolver(rhai.StaticResolver{"tools": module}),
		rhai.WithLanguage(syntax.Language{Operators: map[string]uint8{"plus": 150}}))
	eng.RegisterModule(module)
	eng.RegisterType(rhai.NewType[*box]("Box").
		Method("+", func(b *box, n int64) int64 { return b.n + n }).
		Method("add", func(b *box, n int64) { b.n += n }).
		Getter("n", func(b *box) int64 { return b.n }).
		Setter("n", func(b *box, n int64) { b.n = n }).
		IndexGetter(func(b *box, i int64) int64 { return b.n * i }).
		IndexSetter(func(b *box, i, n int64) { b.n = i * n }).
		Debug(func(b *box) string { return fmt.Sprintf("Box(%d)", b.n) }).
		Iterate(func(b *box) func() (rhai.Value, bool, error) {
			i := int64(-1)
			return func() (rhai.Value, bool, error) {
				i++
				return rhai.Int(i), i < b.n, nil
			}
		}).
		Print(func(b *box) string { return fmt.Sprint("box ", b.n) }))
	type cell struct{ n int64 }
	eng.RegisterType(rhai.NewType[*cell]("Cell").
		Method("set", func(c *cell, n int64) { c.n = n }, rhai.Effects(rhai.Mutates)).
		Clone(func(c *cell) *cell { return &cell{c.n} }).
		Print(func(c *cell) string { return fmt.Sprint("cell ", c.n) }))
	eng.RegisterFn("cell", func(n int64) *cell { return &cell{n} })
	eng.RegisterFn("box", func(n int64) *box { return &box{n} })
	eng.RegisterFn("twice", func(n int64) int64 { return 2 * n })
	eng.RegisterFn("plus", func(a, b int64) int64 { return a + b })
	eng.RegisterFn("fail", func(s string) (int64, error) { return 0, fmt.Errorf("no %s", s) })

	for script, want := range map[string]string{
		"twice(2)":                                      "twice(2) = 4",
		"2.twice()":                                     "twice(2) = 4",
		"Fn(\"twice\").call(2)":                         "twice(2) = 4",
		"[1, 2].map(twice)":                             "",
		"[1, 2].map(Fn(\"twice\"))":                     "twice(1) = 2|twice(2) = 4",
		"[1, 2].map(|x| twice(x))":                      "twice(1) = 2|twice(2) = 4",
		"let f = Fn(\"twice\"); 3.call(f)":              "twice(3) = 6",
		"curry(Fn(\"plus\"), 1).call(2)":                "plus(1, 2) = 3",
		"1 plus 2":                                      "plus(1, 2) = 3",
		"eval(\"twice(5)\")":                            "twice(5) = 10",
		"tools::up(\"a\")":                              "up(a) = A",
		"import \"tools\" as t; t::up(\"a\")":           "up(a) = A",
		"try { fail(\"luck\") } catch { }":              "fail(luck) failed: Runtime error: no luck",
		"let b = box(1); b + 2":                         "box(1) = box 1|+(box 1, 2) = 3",
		"let b = box(1); b.add(2); b.n":                 "box(1) = box 1|add(box 1, 2) = |get$n(box 3) = 3",
		"let b = box(1); b.n = 5;":                      "box(1) = box 1|set$n(box 1, 5) = ",
		"let b = box(1); b.n += 5;":                     "box(1) = box 1|get$n(box 1) = 1|set$n(box 1, 6) = ",
		"let b = box(2); b[3]":                          "box(2) = box 2|index$get$(box 2, 3) = 6",
		"let b = box(2); b[3] = 4;":                     "box(2) = box 2|index$set$(box 2, 3, 4) = ",
		"let a = [box(2)]; a[0].n":                      "box(2) = box 2|get$n(box 2) = 2",
		"fn f(x) { this.n + x } let b = box(2); b.f(1)": "box(2) = box 2|get$n(box 2) = 2",
		"let m = #{b: [box(2)]}; m.b[0].n += 1;":        "box(2) = box 2|get$n(box 2) = 2|set$n(box 2, 3) = ",
		"let b = box(2); b?.n":                          "box(2) = box 2|get$n(box 2) = 2",
		"let b = box(2); `${b} ${b.n}`":                 "box(2) = box 2|get$n(box 2) = 2|print$(box 2) = box 2",
		"let b = box(2); print(b); b.to_string()":       "box(2) = box 2|print$(box 2) = box 2|print$(box 2) = box 2",
		"let b = box(2); debug(b); [b].to_string()":     "box(2) = box 2|debug$(box 2) = Box(2)|debug$(box 2) = Box(2)",
		"let b = box(2); \"\" + b":                      "box(2) = box 2|print$(box 2) = box 2",
		"let b = box(2); #{b: b}.to_json()":             "box(2) = box 2|debug$(box 2) = Box(2)",
		"for x in box(2) { }":                           "box(2) = box 2|next$(box 2) = [0]|next$(box 2) = [1]|next$(box 2) = ",
		"for x in box(2) { break; }":                    "box(2) = box 2|next$(box 2) = [0]",
		"let c = cell(1); let d = c; d.set(5);":         "cell(1) = cell 1|clone$(cell 1) = cell 1|set(cell 1, 5) = ",
		"abs(-1) + [3].len()":                           "", // the standard library is no host
	} {
		p, err := eng.Compile("", script)
		if err != nil {
			t.Fatalf("%s: %v", script, err)
		}
		seen = nil
		if _, err := p.Run(t.Context(), nil); err != nil && want != "" {
			t.Errorf("%s: %v", script, err)
		}
		if got := strings.Join(seen, "|"); got != want {
			t.Errorf("%s\n got %s\nwant %s", script, got, want)
		}
	}
}

// A hook may answer in a function's place: what a run sees of its types comes from there, as a replay needs it.
func TestHookAnswers(t *testing.T) {
	type dial struct{ n int64 }
	record := map[bool][]string{}
	recorded := []rhai.Value{}
	replay := false
	mine := func() {
		if replay {
			t.Error("a function of the host ran")
		}
	}
	typ := rhai.NewType[*dial]("Dial").
		Getter("n", func(d *dial) int64 { mine(); return d.n }).
		Setter("n", func(d *dial, n int64) { mine(); d.n = n }).
		Clone(func(d *dial) *dial { mine(); return &dial{d.n} }).
		Print(func(d *dial) string { mine(); return fmt.Sprint("at ", d.n) }).
		Iterate(func(d *dial) func() (rhai.Value, bool, error) {
			mine()
			i := int64(0)
			return func() (rhai.Value, bool, error) { i++; return rhai.Int(i), i <= d.n, nil }
		})
	for _, replay = range []bool{false, true} {
		at := 0
		hook := func(c *rhai.Call, next func(*rhai.Call) (rhai.Value, error)) (rhai.Value, error) {
			if replay {
				at++
				return recorded[at-1], nil
			}
			v, err := next(c)
			recorded = append(recorded, v)
			return v, err
		}
		eng := rhai.NewEngine(rhai.WithHostHook(hook), rhai.WithPrint(func(_ context.Context, text string, _ rhai.Position) {
			record[replay] = append(record[replay], text)
		}))
		eng.RegisterType(typ)
		eng.RegisterFn("dial", func(n int64) *dial { mine(); return &dial{n} })
		p, err := eng.Compile("", "let d = dial(3); let e = d; e.n = 4; print(d); print(e.n); print(`${[e]}`); for x in d { print(x); }")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Run(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(record[true], "|"); got != strings.Join(record[false], "|") || got != "at 3|4|[at 4]|1|2|3" {
		t.Errorf("recorded %q, replayed %q", record[false], record[true])
	}
}

// What answers for a function of a type must answer with what it would have returned.
func TestHookAnswersWrongly(t *testing.T) {
	type knob struct{}
	hook := func(c *rhai.Call, next func(*rhai.Call) (rhai.Value, error)) (rhai.Value, error) {
		if strings.HasSuffix(c.Name(), "$") {
			return rhai.Int(1), nil
		}
		return next(c)
	}
	eng := rhai.NewEngine(rhai.WithHostHook(hook))
	eng.RegisterType(rhai.NewType[*knob]("Knob").
		Method("turn", func(*knob) {}, rhai.Effects(rhai.Mutates)).
		Clone(func(*knob) *knob { return &knob{} }).
		Print(func(*knob) string { return "knob" }).
		Iterate(func(*knob) func() (rhai.Value, bool, error) { return nil }))
	eng.RegisterFn("knob", func() *knob { return &knob{} })
	for script, want := range map[string]string{
		"knob().to_string()":                      "Output type incorrect: i64 (expecting string) (line 1, position 8)",
		"for x in knob() { }":                     "Output type incorrect: i64 (expecting array) (line 1, position 10)",
		"let k = knob(); let j = k; j.turn(); ()": "Output type incorrect: i64 (expecting Knob) (line 1, position 30)",
	} {
		p, err := eng.Compile("", script)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Run(t.Context(), nil); err == nil || err.Error() != want {
			t.Errorf("%s\n got %v\nwant %s", script, err, want)
		}
	}
}
