package rhai_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/picloud/picloud/rhai"
)

// A Go type with operators, an indexer, a loop over its values and a setter. It is no reference, so
// scripts copy it as Go does.
func ExampleType() {
	type vector struct{ x, y float64 }
	typ := rhai.NewType[vector]("Vector").
		Method("+", func(a, b vector) vector { return vector{a.x + b.x, a.y + b.y} }).
		Method("*", func(a vector, k float64) vector { return vector{a.x * k, a.y * k} }).
		Method("==", func(a, b vector) bool { return a == b }).
		Method("flip", func(v *vector) { v.x, v.y = v.y, v.x }). // a pointer writes the variable
		Getter("x", func(v vector) float64 { return v.x }).
		Setter("x", func(v *vector, x float64) { v.x = x }).
		IndexGetter(func(v vector, i int64) (float64, error) {
			switch i {
			case 0:
				return v.x, nil
			case 1:
				return v.y, nil
			}
			return 0, errors.New("a vector has two components")
		}).
		Iterate(func(v vector) func() (rhai.Value, bool, error) {
			rest := []float64{v.x, v.y}
			return func() (rhai.Value, bool, error) {
				if len(rest) == 0 {
					return rhai.Unit(), false, nil
				}
				next := rhai.Float(rest[0])
				rest = rest[1:]
				return next, true, nil
			}
		}).
		Print(func(v vector) string { return fmt.Sprintf("(%g, %g)", v.x, v.y) })
	eng := rhai.NewEngine().RegisterType(typ)
	eng.RegisterFn("vector", func(x, y float64) vector { return vector{x, y} })

	prog, err := eng.Compile("", `
		let a = vector(1.0, 2.0) + vector(2.0, 2.0) * 1.5;
		let b = a;
		b.x = 7.0;
		b.flip();
		let sum = 0.0;
		for c in b { sum += c; }
		[a, b, b[1], sum, a == b]
	`)
	if err != nil {
		log.Fatal(err)
	}
	v, err := prog.Run(context.Background(), nil)
	fmt.Println(v, err)
	// Output: [(4, 5), (5, 7), 7.0, 12.0, false] <nil>
}

// Functions of one name differ by their parameters; the most specific that fits is called.
func ExampleEngine_RegisterFn_overloads() {
	eng := rhai.NewEngine()
	eng.RegisterFn("show", func(n int64) string { return fmt.Sprintf("number %d", n) })
	eng.RegisterFn("show", func(s string) string { return "text " + s })
	eng.RegisterFn("show", func(list []rhai.Value) string { return fmt.Sprintf("list of %d", len(list)) })
	eng.RegisterFn("show", func(v any) string { return fmt.Sprintf("something, %v", v) })
	prog, err := eng.Compile("", `[show(1), show("a"), show([1, 2]), show(true)]`)
	if err != nil {
		log.Fatal(err)
	}
	v, err := prog.Run(context.Background(), nil)
	fmt.Println(v, err)
	// Output: ["number 1", "text a", "list of 2", "something, true"] <nil>
}

// A run ends with its context, also in a host function that waits for it. No script can catch that.
func ExampleProgram_Run_cancel() {
	ctx, cancel := context.WithCancelCause(context.Background())
	eng := rhai.NewEngine()
	eng.RegisterFn("answer", func(ctx context.Context) (string, error) {
		cancel(errors.New("the client has gone"))
		<-ctx.Done()
		return "", ctx.Err()
	})
	prog, err := eng.Compile("", `try { answer() } catch { "caught" }`)
	if err != nil {
		log.Fatal(err)
	}
	_, err = prog.Run(ctx, nil)
	var re *rhai.Error
	fmt.Println(errors.As(err, &re) && re.Kind == rhai.ErrTerminated, errors.Is(err, context.Canceled))
	fmt.Println(context.Cause(ctx))
	// Output:
	// true true
	// the client has gone
}
