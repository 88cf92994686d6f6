package rhai_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/picloud/picloud/rhai"
)

// generator writes random programs over the variables a to e. It knows
// nothing of types, so many programs end in an error, which must be the same
// error wherever the program stands.
type generator struct {
	*rand.Rand
	b     strings.Builder
	depth int
	loops int
	names int
	after string // written after every statement at the top
}

func (g *generator) pick(list ...string) string { return list[g.IntN(len(list))] }
func (g *generator) variable() string           { return g.pick("a", "b", "c", "d", "e") }

// expr writes an expression.
func (g *generator) expr() string {
	g.depth++
	defer func() { g.depth-- }()
	if g.depth > 4 {
		return g.pick(g.variable(), strconv.Itoa(g.IntN(5)), `"s"`, "1.5", "true")
	}
	switch g.IntN(33) {
	case 0, 1, 2, 3:
		return g.variable()
	case 4, 5:
		return strconv.Itoa(g.IntN(20) - 4)
	case 6:
		return g.pick(`"abc"`, `"é"`, "`x${"+g.expr()+"}`", "'c'", "2.5", "true", "()", "0..3")
	case 7, 8, 9, 10:
		return "(" + g.expr() + " " + g.pick("+", "-", "*", "/", "%", "==", "!=", "<", ">=", "<<", "&", "|", "^", "in", "+", "-") + " " + g.expr() + ")"
	case 11:
		if g.IntN(3) == 0 {
			return "(" + g.expr() + " ?? " + g.expr() + ")"
		}
		return "(" + g.condition() + g.pick(" && ", " || ") + g.condition() + ")"
	case 12:
		return "[" + g.expr() + ", " + g.expr() + "]"
	case 13:
		return "#{x: " + g.expr() + ", y: " + g.expr() + "}"
	case 14, 15:
		return g.place()
	case 16:
		return g.variable() + g.pick(".len()", ".to_string()", ".x", "?.y", ".is_empty()", ".keys()", ".contains(1)", ".type_of()", "?[0]")
	case 17:
		return g.pick("f", "g") + "(" + g.expr() + ", " + g.expr() + ")"
	case 18:
		return g.variable() + "." + g.pick("f", "g", "m") + "(" + g.expr() + ")"
	case 19:
		return "if " + g.condition() + " { " + g.expr() + " } else { " + g.expr() + " }"
	case 20:
		return "switch " + g.expr() + " { 1 | 2 => " + g.expr() + ", \"s\" if " + g.variable() + " == 1 => " + g.expr() + ", 3..9 => " + g.expr() + ", _ => " + g.expr() + " }"
	case 21:
		return "{ let z = " + g.expr() + "; " + g.pick("z", "z + 1", "[z, z]", g.variable()) + " }"
	case 22:
		return "[1, 2, 3]." + g.pick("map", "filter", "all", "some") + "(|v| " + g.pick("v", "v > 1", "v + "+g.variable(), g.expr()) + ")"
	case 23:
		return g.variable() + "." + g.pick("map", "filter", "reduce", "find") + "(|p, q| " + g.pick("p", "q", "p + q", g.expr()) + ")"
	case 24:
		return "(|p| " + g.pick("p", "p + "+g.variable(), g.expr()) + ").call(" + g.expr() + ")"
	case 25:
		return g.variable() + "." + g.pick("push", "insert", "remove", "pop", "shift", "truncate", "chop", "extract", "split", "sub_string") + "(" + g.pick("", "0", "1", g.expr()) + ")"
	case 26:
		return "-(" + g.expr() + ")"
	case 27:
		return g.place() + "." + strings.NewReplacer("V", g.variable(), "X", g.expr()).Replace(g.pick(
			"values()", "get(0)", "get(\"x\")", "extract(0, 2)", "drain(0..1)", "drain(|v| v == X)", "retain(|v| v != X)", "splice(0, 1, [V])",
			"reduce(|p, q| { p.push(q); p }, [])", "reduce(|p, q| { p += q; p }, V)", "map(|v| { v.x = X; v })", "map(|v| V)",
			"filter(|v| { v.push(1); true })", "for_each(|i| { this += X; })", "zip(V, |p, q| [p, q])", "dedup()", "order()", "chop(1)",
			"index_of(X)", "find_map(|v| [v])", "to_json()", "split(1)", "keys()", "to_chars()", "call(X)", "curry(X)", "as_string()", "tag"))
	case 28: // a function of the library by its pointer, which may meet a closure over the same variable
		return g.variable() + ".call(Fn(\"" + g.pick("map", "filter", "retain", "drain", "for_each", "sort", "reduce", "push", "f", "m") + "\"), |p| { " +
			g.place() + g.pick(" = ", " += ") + "p; " + g.expr() + " })"
	case 29:
		return "switch " + g.expr() + " { " + g.pick("[1, 2, 3]", "#{x: 1, y: [1, 2]}", `"text"`, "2.5", "'c'", "()") + " => " + g.expr() +
			", [1] if " + g.condition() + " => " + g.expr() + ", -3..=3 if " + g.condition() + " => " + g.expr() + ", _ => " + g.expr() + " }"
	case 30:
		return g.quoted(g.expr())
	}
	return "!" + g.condition()
}

// quoted writes the evaluation of a text.
func (g *generator) quoted(text string) string {
	if strings.ContainsAny(text, "`\n") {
		return g.variable()
	}
	return "eval(`" + text + "`)"
}

// condition writes something that is not obviously no bool.
func (g *generator) condition() string {
	return g.pick("("+g.expr()+g.pick(" == ", " < ", " != ", " >= ")+g.expr()+")", g.variable(), "true")
}

// place writes something that can be assigned to.
func (g *generator) place() string {
	return g.variable() + g.pick("", "", "[0]", "[1]", "[-1]", ".x", ".y", ".x[0]", "[0].y", "[1][0]", ".x.y", "["+g.variable()+"]")
}

// stmt writes a statement.
func (g *generator) stmt() {
	g.depth++
	defer func() { g.depth-- }()
	w := func(parts ...string) {
		for _, p := range parts {
			g.b.WriteString(p)
		}
	}
	block := func() {
		w("{ ")
		for range 1 + g.IntN(2) {
			g.stmt()
		}
		w("} ")
	}
	kind := g.IntN(21)
	if g.depth > 3 {
		kind = g.IntN(9)
	}
	switch kind {
	case 20: // k is constant, which only an evaluation learns too late
		w(g.quoted(g.pick(g.place(), "k[0]", "k.x", "k", "k[1].y")+g.pick(" = ", " += ")+g.expr()+g.pick("", "; let a = 1", "; const d = [2]")), "; ")
	case 0, 1, 2:
		w(g.place(), " = ", g.expr(), "; ")
	case 3, 4, 5:
		w(g.place(), " ", g.pick("+=", "-=", "*=", "/=", "<<=", "|="), " ", g.expr(), "; ")
	case 6:
		if g.IntN(2) == 0 {
			w(g.place(), ".", strings.NewReplacer("V", g.variable(), "X", g.expr()).Replace(g.pick(
				"push(V)", "insert(0, V)", "insert(-1, V)", "append(V)", "append([V, V])", "mixin(V)", "fill_with(V)", "set(0, V)", "set(\"x\", V)",
				"pad(4, V)", "splice(0..1, [V, X])", "sort(|p, q| 1)", "reverse()", "retain(|v| v == V)", "for_each(|i| { this = V; })",
				"f(V)", "g(V)", "remove(\"x\")", "swap(0, 1)", "replace(\"t\", \"V\")", "make_upper()", "tag = 3", "x.push(V)", "y = V")), "; ")
			return
		}
		w(g.place(), ".", g.pick("push", "insert", "clear", "reverse", "append", "trim", "pad", "sort", "remove", "set"), "(", g.pick("", g.expr(), "0, "+g.expr()), "); ")
	case 7:
		w("let ", g.variable(), " = ", g.expr(), "; ")
	case 8:
		w(g.expr(), "; ")
	case 9, 10:
		w("if ", g.condition(), " ")
		block()
		if g.IntN(2) == 0 {
			w("else ")
			block()
		}
	case 11, 12:
		g.loops++
		w("for ", g.pick("i in 0..3", "(i, j) in ["+g.expr()+", 2]", "i in "+g.variable(), "a in [1, 2]"), " ")
		block()
		g.loops--
	case 13:
		g.names++
		n := "n" + strconv.Itoa(g.names)
		g.loops++
		w("let ", n, " = 0; ", g.pick("while "+n+" < 3 ", "loop "), "{ ", n, " += 1; if ", n, " > 4 { break; } ")
		g.stmt()
		w("} ")
		g.loops--
	case 14, 15:
		w("try ")
		block()
		w("catch (err) { ", g.pick(g.variable()+" = err; ", "e = `${err}`; ", g.variable()+" = 0; ", "throw; ", ""), "} ")
	case 16:
		w("if ", g.variable(), " == 1 { ", g.pick("throw ", "throw ", "return "), g.expr(), "; } ")
	case 17:
		if g.loops > 0 {
			w("if ", g.condition(), " { ", g.pick("break", "continue"), "; } ")
		}
	case 18:
		g.names++
		n := "h" + strconv.Itoa(g.names)
		w("let ", n, " = |p| { ", g.place(), " ", g.pick("=", "+="), " p; ", g.variable(), " }; ", g.variable(), " = ", n, ".call(", g.expr(), "); ")
	default:
		block()
	}
}

const generatedFunctions = `
;
fn f(p, q) { p += q; p }
fn g(p, q) { if p == q { return [p]; } p.x = q; p }
fn f(p) { this += p; this }
fn g(p) { this[0] = p; p }
fn int.m(p) { this *= 2; this + p }
`

// program returns the statements of a random program and its result.
func (g *generator) program() (body, result string) {
	for _, v := range []string{"a", "b", "c", "d", "e"} {
		g.b.WriteString("let " + v + " = " + g.pick("1", "[1, 2, 3]", "#{x: 1, y: [1, 2]}", `"text"`, `"long text é long text é long text é long text é long text é long text é long text é long text é long text é long text é long text é long text é "`, "[[1], #{y: 2}]", "2.5", "[#{x: 1}]", "3", "#{x: #{y: 1}}") + "; ")
	}
	g.b.WriteString("const k = " + g.pick("[1, #{y: 2}]", "#{x: 1}", "1") + "; ")
	for range 3 + g.IntN(8) {
		if g.IntN(40) == 0 {
			g.stmt()
		} else {
			g.b.WriteString("try { ")
			g.stmt()
			g.b.WriteString("} catch { } ")
		}
		g.b.WriteString(g.after)
	}
	return g.b.String(), "[a, b, c, d, e]"
}

// place matches what an error says about the way to it, which differs.
var place = regexp.MustCompile(`\nin call[^\n]*|\nin closure call[^\n]*|anon\$[0-9a-f]+`)

var generated = flag.Int("generated", 1000, "number of random programs that TestPlacesAgree runs")

// TestPlacesAgree runs programs at the top level, in a function, in a closure,
// in a block and next to an eval. The machine treats the variables
// differently in each place, the program must not notice.
func TestPlacesAgree(t *testing.T) {
	n := *generated
	if testing.Short() {
		n /= 5
	}
	failed := 0
	kinds := map[bool]int{}
	for seed := range n {
		g := &generator{Rand: rand.New(rand.NewPCG(uint64(seed), 7))}
		body, result := g.program()
		body = "\n" + body // on a line of its own, positions are the same everywhere
		forms := []struct{ name, script string }{
			{"top level", body + result},
			{"function", "fn main() { " + body + result + " } main()"},
			{"closure", "let main = || { " + body + result + " }; main.call()"},
			{"block", "{ " + body + result + " }"},
			{"after eval", `eval("1"); ` + body + result},
			{"eval after", body + `eval("` + result + `")`},
			{"without registers", manyVariables + body + result},
			{"without registers in a function", "fn main() { " + manyVariables + body + result + " } main()"},
			{"function with eval", "fn main() { " + body + `eval("` + result + `") } main()`},
		}
		want := ""
		for i, form := range forms {
			got := runGenerated(form.script + generatedFunctions)
			if i == 0 {
				want = got
				kinds[strings.HasPrefix(got, "error")]++
				continue
			}
			if got != want {
				if failed++; failed <= 10 {
					t.Errorf("seed %d, %s:\n%s\n got %s\nwant %s", seed, form.name, form.script, got, want)
				}
				break
			}
		}
	}
	if failed > 10 {
		t.Errorf("%d of %d programs differ", failed, n)
	}
	t.Logf("%d programs with a value, %d with an error", kinds[false], kinds[true])
}

func runGenerated(script string) string {
	eng := rhai.NewEngine(rhai.WithLimits(rhai.Limits{
		MaxOperations: 100_000, MaxMemory: 8 << 20, MaxExprDepth: 200, MaxFunctionExprDepth: 200,
	}))
	prog, err := eng.Compile("", script)
	var v rhai.Value
	if err == nil {
		v, err = prog.Run(context.Background(), nil)
	}
	var e *rhai.Error
	switch {
	case err == nil:
		return place.ReplaceAllString(v.Repr(), "")
	case errors.As(err, &e) && (e.Kind == rhai.ErrTooManyOperations || e.Kind == rhai.ErrMemory):
		return "error: limit"
	case errors.As(err, &e) && e.Kind == rhai.ErrSystem:
		return fmt.Sprintf("internal error: %v in %s", err, script)
	}
	return "error: " + place.ReplaceAllString(err.Error(), "")
}

// TestCopiesStay keeps copies of all variables after every statement of a
// random program, with their texts, and looks at the end whether some later
// statement has changed a copy.
func TestCopiesStay(t *testing.T) {
	n := *generated
	if testing.Short() {
		n /= 5
	}
	failed := 0
	for seed := range n {
		g := &generator{
			Rand:  rand.New(rand.NewPCG(uint64(seed), 11)),
			after: "kept.push([[a, b, c, d, e], `${[a, b, c, d, e]}`]);\n",
		}
		g.b.WriteString("let kept = []; ")
		body, _ := g.program()
		body += "for k in kept { if `${k[0]}` != k[1] { throw `${k[1]} became ${k[0]}`; } } "
		for _, script := range []string{
			body + generatedFunctions,
			"fn main() { " + body + " } main()" + generatedFunctions,
			"let main = || { " + body + " }; main.call()" + generatedFunctions,
			`eval("1"); ` + body + generatedFunctions,
		} {
			if got := runGenerated(script); strings.Contains(got, " became ") || strings.HasPrefix(got, "internal") {
				if failed++; failed <= 5 {
					t.Errorf("seed %d:\n%s\n%s", seed, script, got)
				}
				break
			}
		}
	}
	if failed > 5 {
		t.Errorf("%d of %d programs changed copies", failed, n)
	}
}
