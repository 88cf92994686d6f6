package rhai_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/picloud/picloud/rhai"
	"github.com/picloud/picloud/rhai/syntax"
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

func ExampleWithHostHook() {
	eng := rhai.NewEngine(rhai.WithHostHook(func(c *rhai.Call, next func(*rhai.Call) (rhai.Value, error)) (rhai.Value, error) {
		result, err := next(c)
		fmt.Printf("%s(%s) at %s gave %s\n", c.Name(), c.Arg(0), c.Position(), result)
		return result, err
	}))
	eng.RegisterFn("price", func(item string) int64 { return int64(len(item)) })
	prog, err := eng.Compile("", `price("tea") + price("coffee")`)
	if err != nil {
		log.Fatal(err)
	}
	v, err := prog.Run(context.Background(), nil)
	fmt.Println(v, err)
	// Output:
	// price(tea) at line 1, position 1 gave 3
	// price(coffee) at line 1, position 16 gave 6
	// 9 <nil>
}

func ExampleWithLanguage() {
	eng := rhai.NewEngine(rhai.WithLanguage(syntax.Language{
		Operators: map[string]uint8{"between": 100},
		Disabled:  []string{"while", "loop"},
		Strict:    true,
	}))
	eng.RegisterFn("between", func(n int64, limits []int64) bool { return limits[0] <= n && n <= limits[1] })
	prog, err := eng.Compile("", `let age = 30; age between [18, 65]`)
	if err != nil {
		log.Fatal(err)
	}
	v, err := prog.Run(context.Background(), nil)
	fmt.Println(v, err)

	_, err = eng.Compile("", `while age > 0 { }`)
	fmt.Println(err)
	_, err = eng.Compile("", `let age = 30; agee + 1`)
	fmt.Println(err)
	// Output:
	// true <nil>
	// Syntax error: 'while' is a reserved keyword (line 1, position 1)
	// Syntax error: Undefined variable: agee (line 1, position 15)
}

func ExampleEngine_Check() {
	source := "let greet = |name| \"Hello, \" + name;\ngreet(\"Ann\")"
	warnings, err := rhai.NewEngine().Check("hello.rhai", source)
	if err != nil {
		log.Fatal(err)
	}
	for _, w := range warnings {
		fmt.Println(w.Message)
		fmt.Println(rhai.Excerpt(source, w.Position))
		fmt.Println(w.Hint)
	}
	// Output:
	// Function not found: greet with 1 argument
	//    2 | greet("Ann")
	//      | ^
	// greet is a variable: a closure in a variable is called with greet.call(…)
}

func ExampleFunc_Call() {
	prog, err := rhai.NewEngine().Compile("", `
		let calls = 0;
		fn handle(request) { "hello " + request.name }
	`)
	if err != nil {
		log.Fatal(err)
	}
	inst, err := prog.Instance(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer inst.Close()
	handle := inst.Func("handle") // found once, called often
	for _, name := range []string{"Ann", "Bob"} {
		request, err := rhai.ValueOf(map[string]string{"name": name})
		if err != nil {
			log.Fatal(err)
		}
		v, err := handle.Call(context.Background(), request)
		fmt.Println(v, err)
	}
	// Output:
	// hello Ann <nil>
	// hello Bob <nil>
}

func ExampleProgram_Run_goroutines() {
	prog, err := rhai.NewEngine().Compile("", `n * n`)
	if err != nil {
		log.Fatal(err)
	}
	squares := make([]int64, 5)
	var wait sync.WaitGroup
	for i := range squares {
		wait.Go(func() { // one program, a run for each goroutine
			v, err := prog.Run(context.Background(), rhai.NewScope().Push("n", rhai.Int(int64(i))))
			if err == nil {
				squares[i], _ = v.AsInt()
			}
		})
	}
	wait.Wait()
	fmt.Println(squares)
	// Output: [0 1 4 9 16]
}

func ExampleValue_Decode() {
	type line struct {
		Name   string        `rhai:"name"`
		Prices []float64     `rhai:"prices"`
		Wait   time.Duration `rhai:"wait"`
		Due    time.Time     `rhai:"due"`
		Note   *string       `rhai:"note"`
	}
	prog, err := rhai.NewEngine().Compile("", `#{
		name: "tea", prices: [1, 2.5], wait: 0.25, due: "2030-01-02T03:04:05Z", note: (),
	}`)
	if err != nil {
		log.Fatal(err)
	}
	v, err := prog.Run(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	var l line
	if err := v.Decode(&l); err != nil {
		log.Fatal(err)
	}
	fmt.Println(l.Name, l.Prices, l.Wait, l.Due.Year(), l.Note)

	err = rhai.Map(map[string]rhai.Value{"prices": rhai.Array([]rhai.Value{rhai.String("free")})}).Decode(&l)
	fmt.Println(err)
	// Output:
	// tea [1 2.5] 250ms 2030 <nil>
	// string does not fit float64 at .prices[0]
}

func ExampleWithLimits() {
	eng := rhai.NewEngine(rhai.WithLimits(rhai.Limits{MaxOperations: 100_000, MaxMemory: 64 << 10}))
	for _, src := range []string{`loop { }`, `let s = "x"; loop { s += s; }`} {
		prog, err := eng.Compile("", src)
		if err != nil {
			log.Fatal(err)
		}
		var stats rhai.Stats
		_, err = prog.Run(context.Background(), nil, rhai.RunStats(&stats))
		var re *rhai.Error
		fmt.Println(errors.As(err, &re) && (re.Kind == rhai.ErrTooManyOperations || re.Kind == rhai.ErrMemory), err)
	}
	// Output:
	// true Too many operations (line 1, position 1)
	// true Out of memory (line 1, position 23)
}

// A script hands out a closure, which is called like a function of its own.
func ExampleInstance_Call() {
	eng := rhai.NewEngine()
	prog, err := eng.Compile("", `let total = 0; |n| { total += n; total }`)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	inst, err := prog.Instance(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer inst.Close()
	add := inst.Value()
	for _, n := range []int64{1, 2, 3} {
		v, err := inst.Call(ctx, add, rhai.Int(n))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(v)
	}
	// Output:
	// 1
	// 3
	// 6
}
