package compile

import (
	"strings"
	"testing"

	"github.com/picloud/picloud/rhai/internal/bytecode"
	"github.com/picloud/picloud/rhai/syntax"
)

func compileText(t *testing.T, src string) *bytecode.Unit {
	t.Helper()
	s, err := syntax.Parse(src, syntax.Options{})
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	u, err := Script(s, "test", Options{})
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	return u
}

func count(f *bytecode.Func, op bytecode.Op) (n int) {
	for _, in := range f.Code {
		if in.Op == op {
			n++
		}
	}
	return n
}

func TestLastUsesMove(t *testing.T) {
	const up = `fn up(a) { a.push(1); a } fn two(a, b) { a } let a = [0]; `
	for src, want := range map[string]int{
		`a = up(a);`:                       1,
		`let b = up(a); a`:                 0, // not the last use
		`a = two(a, a);`:                   0, // used twice
		`try { a = up(a); } catch {}`:      0, // the handler could see it
		`let f = || a; a = up(a); f`:       0, // captured
		`a = up(a) + [1];`:                 0,
		`for i in 0..9 { a = two(a, i); }`: 1,
	} {
		if got := count(compileText(t, up+src).Body, bytecode.Take); got != want {
			t.Errorf("%s: %d arguments move, want %d", src, got, want)
		}
	}
}

func TestOnlyCapturedVariablesAreCells(t *testing.T) {
	u := compileText(t, `let a = 1; let b = 2; let f = |x| a + x; b += 1; f`)
	if n := count(u.Body, bytecode.NewCell); n != 1 {
		t.Errorf("%d cells, want 1", n)
	}
	if len(u.Funcs) != 1 || u.Funcs[0].Captures != 1 {
		t.Errorf("the closure: %+v", u.Funcs)
	}
}

// The charge of a loop is that of the tree: what is in a nested loop counts there only.
func TestChargesOfLoops(t *testing.T) {
	charge := func(src string) int32 {
		for _, in := range compileText(t, src).Body.Code {
			if in.Op == bytecode.Loop {
				return int32(in.A) | int32(in.B)<<8 | int32(in.C)<<16
			}
		}
		t.Fatalf("%s: no loop", src)
		return 0
	}
	small := charge(`let x = 0; while x < 9 { x += 1; }`)
	large := charge(`let x = 0; while x < 9 { x += 1;` + strings.Repeat(` x = x * 1 + 0;`, 40) + `}`)
	if small < 1 || large <= small+20 {
		t.Errorf("a small body charges %d, a large one %d", small, large)
	}
}

// Every instruction has its position and knows the registers in use.
func TestTablesAreParallel(t *testing.T) {
	u := compileText(t, `fn f(a, b) { a.x[b].y += 1; try { throw a; } catch (e) { print(e); } } let m = #{}; f(m, 1); switch m { 1 => 2, _ => 3 }`)
	for _, f := range append([]*bytecode.Func{u.Body}, u.Funcs...) {
		if len(f.Pos) != len(f.Code) || len(f.Top) != len(f.Code) {
			t.Errorf("%s: %d instructions, %d positions, %d tops", f.Name, len(f.Code), len(f.Pos), len(f.Top))
		}
		for i, top := range f.Top {
			if int(top) > f.NRegs {
				t.Errorf("%s, instruction %d: %d registers in use of %d", f.Name, i, top, f.NRegs)
			}
		}
	}
}

func TestTooManyArgumentsAreRefused(t *testing.T) {
	s, err := syntax.Parse("f("+strings.Repeat("1, ", 250)+"1)", syntax.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Script(s, "test", Options{}); err == nil || !strings.Contains(err.Error(), "251 arguments") {
		t.Errorf("got %v", err)
	}
}
