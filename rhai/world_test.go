package rhai_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/picloud/picloud/rhai"
)

// A world is what a program meets outside of itself: modules, functions and a type of the host, and a scope that programs
// share one after the other.

type box struct{ v rhai.Value }

var boxes = rhai.NewType[*box]("Box").
	Getter("v", func(b *box) rhai.Value { return b.v }).
	Setter("v", func(b *box, v rhai.Value) { b.v = v })

func registerWorld(eng *rhai.Engine) {
	eng.RegisterType(boxes)
	native := func(name string, params int, fx rhai.Effect, fn func(*rhai.Call) (rhai.Value, error)) {
		n := &rhai.Native{Name: name, Params: make([]rhai.Param, params), Effects: fx, Fn: fn}
		for i := range n.Params {
			n.Params[i].Type = rhai.TAny
		}
		eng.Register(n)
	}
	native("h_call", 2, rhai.CallsBack|rhai.Stores, func(c *rhai.Call) (rhai.Value, error) { return c.Invoke(c.Args()[1], c.Args()[0]) })
	native("h_twice", 2, rhai.CallsBack|rhai.Stores, func(c *rhai.Call) (rhai.Value, error) {
		if _, err := c.Invoke(c.Args()[1], c.Args()[0]); err != nil {
			return rhai.Unit(), nil
		}
		return c.Invoke(c.Args()[1], c.Args()[0])
	})
	native("h_this", 2, rhai.CallsBack|rhai.Mutates, func(c *rhai.Call) (rhai.Value, error) {
		return c.InvokeMethod(c.Args()[1], c.This(), rhai.Int(1))
	})
	native("h_set", 2, rhai.Mutates|rhai.Stores, func(c *rhai.Call) (rhai.Value, error) {
		*c.This() = rhai.Array([]rhai.Value{c.Args()[1]})
		return rhai.Unit(), nil
	})
	native("h_wrap", 1, rhai.Stores, func(c *rhai.Call) (rhai.Value, error) {
		return rhai.Map(map[string]rhai.Value{"x": c.Args()[0]}), nil
	})
	native("h_box", 1, rhai.Stores, func(c *rhai.Call) (rhai.Value, error) { return rhai.Host(boxes.HostType(), &box{c.Args()[0]}), nil })
	native("h_fail", 1, 0, func(c *rhai.Call) (rhai.Value, error) { return rhai.Unit(), errors.New("host") })
}

// module is a generated source to import.
func (g *generator) module() string {
	body, _ := g.program()
	return body + `export a; export const X = 5; let common = [1]; export common; export const h = |x| { common.push(x); common };
fn mf(x) { x.push(1); x } fn mg(f, x) { f.call(x) } fn mt(x) { this += x; this } fn int.mi() { this * 2 } fn ms() { is_def_var("a") }` + generatedFunctions
}

// worldly are expressions over what is outside.
func (g *generator) worldly() string {
	return strings.NewReplacer("V", g.variable(), "X", g.expr(), "P", g.place()).Replace(g.pick(
		"m::mf(V)", "m::mg(|q| { P = q; V }, X)", "m::a", "m::common", "m::h.call(V)", "m::X", "P.mt(X)", "3.mi()", "m::ms()", "n::again(V)", "n::deep()", "m::mg(Fn(\"m\"), 2)",
		"h_call(V, |q| { P = q; V })", "P.h_this(|q| { this += q; V })", "P.h_this(|q| { this = [V]; throw 1 })", "P.h_set(X)", "h_wrap(V)", "h_box(V)", "P.h_call(|q| { q.push(V); q })",
		"{ let b = h_box(V); b.v.push(X); b.v += 1; b.v }", "{ let b = h_box([V]); b.v[0] = X; b }", "h_twice(V, |q| { P += q; P })", "h_fail(V)", "V.h_this(Fn(\"g\"))",
		"{ import \"m\" as o; o::mf(V) }", "{ import \"n\" as o; o::deep() }", "eval(\"m::mf(a)\")", "is_def_var(\"a\")", "out", "outc", "outf.call(1)", "outc.x",
		"{ out = X; out }", "{ out.push(V); out }", "{ outc.x = 1; outc }", "(|| { out += 1; out }).call()", "{ let out = V; out }", "eval(\"out += 1; out\")", "late",
		"h_call(h_box(V), |q| q.v)", "out.h_this(|q| { this = V; out })", "out.map(|v| { v += V; v })"))
}

func (g *generator) worldProgram() string {
	g.b.WriteString("import \"m\" as m; import \"n\" as n; ")
	if g.IntN(4) == 0 {
		g.b.WriteString(manyVariables)
	}
	body, result := g.program()
	var b strings.Builder
	b.WriteString(body)
	for range 2 + g.IntN(6) {
		fmt.Fprintf(&b, "try { %s = %s; } catch (e) { d = e; } ", g.place(), g.worldly())
	}
	b.WriteString(g.pick("let late = |p| { a = p; [a, b] }; ", "let late = a; ", "const late = b; ", "outf = |p| { out = p; out }; ", ""))
	return b.String() + result + generatedFunctions
}

// manyVariables leaves no registers for those that come after it.
var manyVariables = func() string {
	var b strings.Builder
	for i := range 245 {
		fmt.Fprintf(&b, "let w%d = %d; ", i, i)
	}
	return b.String()
}()

// worldOutcome is all that can be told of two programs that run on one scope, and of the first as an instance.
func (w *twin) worldOutcome(t testing.TB, first, second, module string, limits rhai.Limits) string {
	w.out.Reset()
	var told strings.Builder
	scope := rhai.NewScope().Push("out", rhai.Array([]rhai.Value{rhai.Int(1), rhai.Array([]rhai.Value{rhai.Int(2)})})).
		PushConst("outc", rhai.Map(map[string]rhai.Value{"x": rhai.Int(1)})).Push("outf", rhai.Unit())
	tell := func(v rhai.Value, err error, stats rhai.Stats) {
		if stats.PeakMemory > limits.MaxMemory {
			t.Errorf("%d bytes were alive by the model", stats.PeakMemory)
		}
		var e *rhai.Error
		if errors.As(err, &e) && e.Kind == rhai.ErrSystem {
			t.Errorf("internal error: %v", err)
		}
		if wrong := rhai.Depths(v); wrong != "" {
			t.Error(wrong)
		}
		fmt.Fprintln(&told, v.Repr(), err, stats)
	}
	ctx := context.Background()
	w.modules["m"] = module
	programs := [2]*rhai.Program{}
	for i, src := range []string{first, second} {
		p, err := w.eng.Compile("", src)
		if err != nil {
			fmt.Fprintln(&told, err)
			continue
		}
		programs[i] = p
		var stats rhai.Stats
		v, err := p.Run(ctx, scope, rhai.RunMetered(&limits, &stats))
		tell(v, err, stats)
		scope.Each(func(name string, v rhai.Value, constant bool) bool {
			if wrong := rhai.Depths(v); wrong != "" {
				t.Error(wrong)
			}
			fmt.Fprintln(&told, name, v.Repr(), constant)
			return true
		})
		if scope.Len() > 12 {
			scope.Rewind(12)
		}
	}
	if p := programs[0]; p != nil {
		in, err := p.Instance(ctx, scope, rhai.RunLimits(limits))
		if err != nil {
			return told.String() + err.Error() + w.out.String()
		}
		v, err := in.Func("f").Call(ctx, rhai.Array([]rhai.Value{rhai.Int(1)}), rhai.Int(2))
		tell(v, err, in.Stats())
		for _, name := range []string{"late", "outf"} {
			if f, ok := scope.Get(name); ok && f.Kind() == rhai.KindFn {
				v, err := in.Call(ctx, f, rhai.Int(7))
				tell(v, err, in.Stats())
			}
		}
		in.Close()
	}
	return closureName.ReplaceAllString(told.String()+w.out.String(), "")
}

func newWorld(opts ...rhai.Option) *twin {
	modules := map[string]string{}
	w := newTwin(append(opts, rhai.WithResolver(worldResolver(modules)))...)
	w.modules = modules
	registerWorld(w.eng)
	return w
}

// worldResolver compiles sources; one of them is there always.
type worldResolver map[string]string

func (r worldResolver) Resolve(_ context.Context, eng *rhai.Engine, path, _ string) (rhai.Importable, error) {
	switch path {
	case "m":
		return eng.Compile("m", r["m"])
	case "n":
		return eng.Compile("n", `import "m" as m; fn again(x) { m::mf(x) } fn deep() { m::common.push(2); m::common } export const z = m::X;`)
	}
	return nil, rhai.ErrNoModule
}

// worldOf generates what FuzzWorld runs; a script that is not empty stands for the first program.
func worldOf(seed uint64, script string) (first, second, module string) {
	at := func(n uint64) *generator { return &generator{Rand: rand.New(rand.NewPCG(seed, n))} }
	if script == "" {
		script = at(23).worldProgram()
	}
	return script, at(29).worldProgram(), at(31).module()
}

func checkWorld(t testing.TB, optimised, general *twin, seed uint64, script string) (outcome string) {
	limits := rhai.Limits{MaxOperations: 20_000, MaxMemory: 1 << 20, MaxExprDepth: 200, MaxFunctionExprDepth: 200}
	first, second, module := worldOf(seed, script)
	if readsClock.MatchString(first) {
		return ""
	}
	a, b := optimised.worldOutcome(t, first, second, module, limits), general.worldOutcome(t, first, second, module, limits)
	if a != b || t.Failed() {
		t.Errorf("seed %d\n%s\n--- then\n%s\n--- module\n%s\noptimised: %s\nwithout it: %s", seed, first, second, module, a, b)
	}
	return a
}

// FuzzWorld is FuzzDifferential with imports, functions and types of the host, a scope with variables and constants on which several
// programs run, instances, and more variables than registers.
func FuzzWorld(f *testing.F) {
	for seed := range uint64(100) {
		f.Add(seed, "")
	}
	for _, c := range readConformance(f) {
		f.Add(uint64(1), c.Script)
	}
	limits := rhai.WithLimits(rhai.Limits{MaxExprDepth: 200, MaxFunctionExprDepth: 200})
	optimised, general := newWorld(limits), newWorld(limits, rhai.WithoutOptimizer())
	f.Fuzz(func(t *testing.T, seed uint64, script string) { checkWorld(t, optimised, general, seed, script) })
}

func TestWorlds(t *testing.T) {
	limits := rhai.WithLimits(rhai.Limits{MaxExprDepth: 200, MaxFunctionExprDepth: 200})
	optimised, general := newWorld(limits), newWorld(limits, rhai.WithoutOptimizer())
	n, values := uint64(*generated)/2, uint64(0)
	for seed := range n {
		if strings.HasPrefix(checkWorld(t, optimised, general, seed, ""), "[") {
			values++
		}
		if t.Failed() {
			return
		}
	}
	if values < n/2 {
		t.Errorf("%d of %d programs have a value: the others show little", values, n)
	}
}

// What generated programs keep is no more on the heap than the model says.
func TestHeapOfGeneratedPrograms(t *testing.T) {
	if testing.Short() {
		t.Skip("collects the heap many times")
	}
	const limit = 4 << 20
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	var base, worst int64
	eng := rhai.NewEngine(rhai.WithLimits(rhai.Limits{MaxOperations: 2_000_000, MaxMemory: limit, MaxExprDepth: 200, MaxFunctionExprDepth: 200}))
	eng.RegisterFn("probe", func() { worst = max(worst, heap()-base) })
	for seed := range uint64(20) {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 37))}
		body, result := g.program()
		p, err := eng.Compile("", "fn once() { "+body+result+" } let kept = []; let n = 0; loop { n += 1; try { kept.push(once()); } catch { kept.push([n]); } if n % 500 == 0 { probe(); } }"+generatedFunctions)
		if err != nil {
			t.Fatal(err)
		}
		base, worst = heap(), 0
		_, _ = p.Run(t.Context(), nil)
		if worst > limit+limit/4+1<<20 {
			t.Errorf("seed %d: %d bytes on the heap, with a limit of %d\n%s", seed, worst, limit, body)
		}
	}
}
