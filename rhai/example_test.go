package rhai_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/picloud/picloud/rhai"
)

func Example() {
	eng := rhai.NewEngine(
		rhai.WithLimits(rhai.Limits{MaxOperations: 1_000_000}),
		rhai.WithPrint(func(_ context.Context, text string, _ rhai.Position) { fmt.Println(text) }),
	)
	prog, err := eng.Compile("hello.rhai", `
		let names = ["Ada", "Grace"];
		for name in names { print("Hello, " + name + "!"); }
		names.len()
	`)
	if err != nil {
		log.Fatal(err)
	}
	v, err := prog.Run(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(v)
	// Output:
	// Hello, Ada!
	// Hello, Grace!
	// 2
}

func ExampleEngine_RegisterFn() {
	eng := rhai.NewEngine()
	eng.RegisterFn("double", func(n int64) int64 { return 2 * n })
	eng.RegisterFn("getenv", func(name string) (string, error) {
		if !strings.HasPrefix(name, "APP_") {
			return "", errors.New("only APP_ variables may be read")
		}
		return os.Getenv(name), nil
	}, rhai.Doc("Reads a variable of the environment."), rhai.ParamNames("name"))

	prog, err := eng.Compile("", `
		let refused = "";
		try { getenv("HOME") } catch (e) { refused = e.message; }
		[double(21), refused]
	`)
	if err != nil {
		log.Fatal(err)
	}
	v, err := prog.Run(context.Background(), nil)
	fmt.Println(v, err)
	// Output: [42, "Runtime error: only APP_ variables may be read"] <nil>
}

func ExampleProgram_Instance() {
	eng := rhai.NewEngine()
	prog, err := eng.Compile("", `
		let greeting = "Hello";
		fn greet(name) { "Hello, " + name }
	`)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	inst, err := prog.Instance(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer inst.Close()
	v, err := inst.Func("greet").Call(ctx, rhai.String("world"))
	fmt.Println(v, err)
	// Output: Hello, world <nil>
}

func ExampleScope() {
	prog, err := rhai.NewEngine().Compile("", `count += step; let last = count;`)
	if err != nil {
		log.Fatal(err)
	}
	scope := rhai.NewScope().Push("count", rhai.Int(40)).PushConst("step", rhai.Int(2))
	if _, err := prog.Run(context.Background(), scope); err != nil {
		log.Fatal(err)
	}
	count, _ := scope.Get("count")
	last, _ := scope.Get("last")
	fmt.Println(count, last)
	// Output: 42 42
}

func ExampleError() {
	prog, err := rhai.NewEngine().Compile("", "fn risky(x) {\n  throw `bad ${x}`;\n}\nrisky(5)")
	if err != nil {
		log.Fatal(err)
	}
	_, err = prog.Run(context.Background(), nil)
	var e *rhai.Error
	if errors.As(err, &e) {
		fmt.Println(e.Kind, e.Position)
		fmt.Println(e.Value)
	}
	fmt.Println(err)
	// Output:
	// ErrorRuntime line 2, position 3
	// bad 5
	// Runtime error: bad 5 (line 2, position 3)
	// in call to function 'risky' (line 4, position 1)
}

func ExampleValueOf() {
	type order struct {
		ID    string   `json:"id"`
		Items []string `json:"items"`
		Paid  bool     `json:"paid"`
	}
	v, err := rhai.ValueOf(order{ID: "A1", Items: []string{"tea"}})
	if err != nil {
		log.Fatal(err)
	}
	prog, err := rhai.NewEngine().Compile("", `order.items.push("milk"); order.paid = true; order`)
	if err != nil {
		log.Fatal(err)
	}
	result, err := prog.Run(context.Background(), rhai.NewScope().Push("order", v))
	if err != nil {
		log.Fatal(err)
	}
	var back order
	if err := result.Decode(&back); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%+v\n", back)
	// Output: {ID:A1 Items:[tea milk] Paid:true}
}

func ExampleNewType() {
	type account struct{ cents int64 }
	typ := rhai.NewType[*account]("Account").
		Method("deposit", func(a *account, cents int64) { a.cents += cents }).
		Getter("cents", func(a *account) int64 { return a.cents }).
		Print(func(a *account) string { return fmt.Sprintf("%d.%02d", a.cents/100, a.cents%100) })
	eng := rhai.NewEngine().RegisterType(typ)
	eng.RegisterFn("account", func() *account { return &account{} })

	prog, err := eng.Compile("", `
		let a = account();
		a.deposit(1050);
		type_of(a) + " " + a + " " + a.cents
	`)
	if err != nil {
		log.Fatal(err)
	}
	v, err := prog.Run(context.Background(), nil)
	fmt.Println(v, err)
	// Output: Account 10.50 1050 <nil>
}

func ExampleNewModule() {
	text := rhai.NewModule("text").
		Describe("Texts.").
		Register(rhai.NewFn("shout", func(s string) string { return strings.ToUpper(s) + "!" })).
		SetVar("DASH", rhai.String("-"), "What to put between words.")
	eng := rhai.NewEngine()
	eng.RegisterModule(text)
	prog, err := eng.Compile("", `text::shout("a") + text::DASH + text::shout("b")`)
	if err != nil {
		log.Fatal(err)
	}
	v, err := prog.Run(context.Background(), nil)
	fmt.Println(v, err)
	// Output: A!-B! <nil>
}

func ExampleStaticResolver() {
	eng := rhai.NewEngine(rhai.WithResolver(rhai.StaticResolver{
		"math": rhai.NewModule("math").Register(rhai.NewFn("half", func(x float64) float64 { return x / 2 })),
	}))
	prog, err := eng.Compile("", `import "math" as m; m::half(5.0)`)
	if err != nil {
		log.Fatal(err)
	}
	v, err := prog.Run(context.Background(), nil)
	fmt.Println(v, err)
	// Output: 2.5 <nil>
}
