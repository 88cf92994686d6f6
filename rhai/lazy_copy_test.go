package rhai

import (
	"context"
	"fmt"
	"math/rand"
	"strings"
	"testing"
)

// valueProgram writes a program that passes arrays and maps around, changes copies and
// parts of them, and ends with all its variables.
func valueProgram(rng *rand.Rand) string {
	vars := []string{"a", "b", "c", "m"}
	var expr func(d int) string
	lv := func() string {
		s := vars[rng.Intn(4)]
		for rng.Intn(3) > 0 {
			switch rng.Intn(5) {
			case 0, 1:
				s += fmt.Sprintf("[%d]", rng.Intn(3))
			case 2:
				s += ".p"
			case 3:
				s += ".q"
			case 4:
				s += fmt.Sprintf("[%s]", []string{"i", "0", "-1", "\"p\""}[rng.Intn(4)])
			}
		}
		return s
	}
	expr = func(d int) string {
		if d <= 0 {
			return []string{"1", "i", "\"s\"", "a", "b", "c", "m", "[]", "#{}"}[rng.Intn(9)]
		}
		switch rng.Intn(26) {
		case 0:
			return "[" + expr(d-1) + ", " + expr(d-1) + "]"
		case 1:
			return "#{p: " + expr(d-1) + ", q: " + expr(d-1) + "}"
		case 2:
			return "f(" + expr(d-1) + ")"
		case 3:
			return "g(" + expr(d-1) + ", " + expr(d-1) + ")"
		case 4:
			return "h.call(" + expr(d-1) + ")"
		case 5:
			return "if i % 2 == 0 {" + expr(d-1) + "} else {" + expr(d-1) + "}"
		case 6:
			return "(" + lv() + " ?? " + expr(d-1) + ")"
		case 7:
			return "{ " + lv() + " = " + expr(d-1) + "; " + lv() + " }"
		case 8:
			return "[" + expr(d-1) + "].map(|x| { x.push(7); x })"
		case 9:
			return lv() + ".up(" + expr(d-1) + ")"
		case 10:
			return "(" + expr(d-1) + " + " + expr(d-1) + ")"
		case 11:
			return lv() + ".filter(|x| true)"
		case 12:
			return "switch i { 0 => " + expr(d-1) + ", 1 => " + expr(d-1) + ", _ => " + lv() + " }"
		case 13:
			return "[" + expr(d-1) + "].reduce(|s, x| { s.push(x); s }, " + expr(d-1) + ")"
		case 15:
			return lv() + ".map(|x, i| [x, " + vars[rng.Intn(4)] + "])"
		case 16:
			return "(|| " + expr(d-1) + ").call()"
		case 17:
			return lv() + ".extract(0..2)"
		case 18:
			return "#{p: " + lv() + ", run: |v| { this.p = v; this }}.run(" + expr(d-1) + ")"
		case 19:
			return "w(" + vars[rng.Intn(4)] + ")"
		case 20:
			return "[" + vars[rng.Intn(4)] + ", " + expr(d-1) + ", " + vars[rng.Intn(4)] + "]"
		case 21:
			return lv() + ".pop()"
		case 14:
			return "k(" + vars[rng.Intn(4)] + ", " + vars[rng.Intn(4)] + ")"
		}
		return lv()
	}
	stmt := func() string {
		switch rng.Intn(18) {
		case 0, 1:
			return lv() + " = " + expr(2)
		case 2:
			return lv() + " += " + expr(2)
		case 3:
			return lv() + ".push(" + expr(2) + ")"
		case 4:
			return lv() + ".up(" + expr(1) + ")"
		case 5:
			v := vars[rng.Intn(4)]
			return v + " = f(" + v + ")"
		case 6:
			v := vars[rng.Intn(4)]
			return v + " = g(" + v + ", " + expr(1) + ")"
		case 7:
			return "for x in " + lv() + " { x.push(i); " + lv() + ".push(x); }"
		case 8:
			return "try { " + lv() + ".push(" + expr(1) + "); throw " + expr(1) + "; } catch (e) { " + lv() + " = e; }"
		case 9:
			return lv() + ".for_each(|| this.push(3))"
		case 10:
			return "h.call(" + expr(1) + ")"
		case 12:
			return "swap(" + lv() + ")"
		case 13:
			v := vars[rng.Intn(4)]
			return v + " = w(" + v + ")"
		case 14:
			return lv() + ".run = |v| { this.q = v; }; " + lv() + ".run(" + expr(1) + ")"
		case 15:
			return "let t = " + lv() + "; " + lv() + " = " + lv() + "; " + lv() + " = t"
		case 16:
			return lv() + ".append(" + expr(1) + ")"
		case 11:
			return lv() + ".insert(0, " + expr(1) + ")"
		}
		return "let x = " + expr(2) + "; x.push(5); " + lv() + " = x"
	}
	var b strings.Builder
	b.WriteString("fn f(x) { x.push(1); x } fn g(x, y) { x.push(y); y.push(x.len()); [x, y] } fn up(v) { this.push(v); this } fn k(x, y) { f(x); g(y, x) } fn w(x) { if x.len() > 3 { return x; } x.push(x.len()); w(x) }\n")
	captured := []string{"a", "c"}[rng.Intn(2)]
	fmt.Fprintf(&b, "let a = [[1], 2]; let b = [[3], #{p: [4]}]; let c = [a, b]; let m = #{p: a, q: #{p: [5], q: 6}}; let h = |z| { %s.push(z); %s };\n", captured, captured)
	for i := 0; i < 4+rng.Intn(6); i++ {
		if rng.Intn(3) == 0 {
			fmt.Fprintf(&b, "for i in 0..2 { try { %s; } catch {} }\n", stmt())
		} else {
			fmt.Fprintf(&b, "{ let i = %d; try { %s; } catch {} }\n", rng.Intn(3), stmt())
		}
	}
	b.WriteString("[a, b, c, m]")
	return b.String()
}

// Copying lazily must not show: the same programs run with a copy before every write.
func TestLazyCopiesDoNotShow(t *testing.T) {
	defer func() { freshFlags = 0 }()
	run := func(src string, flags uint8) string {
		freshFlags = flags
		e := NewEngine(WithLimits(Limits{MaxOperations: 1e6, MaxArraySize: 500}))
		p, err := e.Compile("", src)
		if err != nil {
			t.Fatalf("%v\n%s", err, src)
		}
		v, err := p.Run(context.Background(), nil)
		if err != nil {
			return string(kindOf(err))
		}
		return v.Repr()
	}
	n := 3000
	if testing.Short() {
		n = 500
	}
	rng := rand.New(rand.NewSource(5))
	for range n {
		src := valueProgram(rng)
		if lazy, eager := run(src, 0), run(src, flagShared); lazy != eager {
			t.Fatalf("%s\n   lazily %.500s\n   always %.500s", src, lazy, eager)
		}
	}
}
