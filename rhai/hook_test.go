package rhai_test

import (
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
		Print(func(b *box) string { return fmt.Sprint("box ", b.n) }))
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
