package rhai

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
)

// trueDepth is how deep the data are nested, without recursion, and a container whose header says less, if there is one.
func trueDepth(v Value) (depth int, wrong string) {
	known := map[*hdr]int{}
	todo := []Value{v}
	for len(todo) > 0 {
		v := todo[len(todo)-1]
		if k := v.kind(); k != KindArray && k != KindMap && k != kindTagged && k != kindCell {
			todo = todo[:len(todo)-1]
			continue
		}
		var parts []Value
		if v.kind() == kindCell {
			parts = []Value{v.cell().v}
		} else {
			parts = v.parts(nil)
		}
		known[v.p] = -1
		deepest, open := 0, false
		for _, e := range parts {
			if k := e.kind(); k != KindArray && k != KindMap && k != kindTagged {
				continue
			}
			d, seen := known[e.p]
			if !seen {
				todo, open = append(todo, e), true
			}
			deepest = max(deepest, d)
		}
		if open {
			continue
		}
		if v.kind() != kindTagged && v.kind() != kindCell {
			deepest++
		}
		known[v.p] = deepest
		if v.kind() != kindCell && int(v.p.depth) < min(deepest, maxDepth) {
			wrong = fmt.Sprintf("a %s of depth %d says %d", typeName(v), deepest, v.p.depth)
		}
		depth = max(depth, deepest)
		todo = todo[:len(todo)-1]
	}
	return depth, wrong
}

// Every way in which a script writes into data keeps what the containers around know of their depth.
func TestDepthIsKnown(t *testing.T) {
	const fns = `
fn put(v) { this = v } fn add(v) { this.push(v) } fn deep(v) { this[0].put(v); } fn at(v) { this[0] = [v]; }
fn fails(v) { this = v; throw 1 } fn own() { this.x = [[[]]]; } fn viaThis(v) { this.a[0].put(v) }
fn fld(v) { this.a.b = v; } fn op(v) { this += v; }
`
	for _, write := range []string{
		"a[0] = [[[]]]", "a[0][0] = [[[]]]", "a[0].push([[[]]])", "a[0][0].push([[[]]])", "a[0].put([[[]]])", "a[0][0].put([[[]]])",
		"a[0].add([[[]]])", "a[0].deep([[[[]]]])", "a.deep([[[[]]]])", "a[0].at([[[[]]]])", "a.at([[[[]]]])", "try { a[0].fails([[[]]]) } catch {}",
		"try { a[0][0].fails([[[]]]) } catch {}", "a.for_each(|| this = [[[]]])", "a[0].for_each(|| this = [[[]]])", "try { a.for_each(|| { this = [[[]]]; throw 1; }) } catch {}",
		"a.retain(|x| { true })", "a.retain(|| { this = [[[]]]; true })", "a[0].retain(|| { this = [[[]]]; true })", "a.drain(|| { this = [[[]]]; false })",
		"try { a.drain(|| { this = [[[]]]; throw 1 }) } catch {}", "a[0].call(|| { this = [[[]]] })", "a[0][0].call(|| { this = [[[]]] })", "a[0] += [[[[]]]]", "a[0][0] += [[[[]]]]",
		"a[0].insert(0, [[[]]])", "a[0].append([[[[]]]])", "a[0].splice(0..1, [[[[]]]])", "a[0].set(0, [[[]]])", "a[0].pad(5, [[[]]])",
		"a = #{a: [[1]]}; a.viaThis([[[]]])", "a = #{a: #{b: 1}}; a.fld([[[]]])", "a = #{a: #{b: 1}}; a.a.b = [[[]]]", "a = #{a: #{b: 1}}; a.a.c = [[[]]]",
		"a = #{a: #{b: 1}}; a.a.mixin(#{c: [[[]]]})", "a = #{a: #{b: 1}}; a.a.fill_with(#{c: [[[]]]})", "a = #{a: #{b: 1}}; a.a += #{c: [[[]]]}", "a = [#{}]; a[0].own()",
		"a.tag = 3; a[0].put([[[[]]]])", "a.tag = 3; a.push([[[[]]]]); let b = [a]", "a[0].tag = 3; a[0].push([[[]]])", "a[0].tag = 3; a[0][0] = [[[]]]", "a[0].tag = 3; a[0].op([[[[]]]])",
		"a.tag = 3; a += [[[[]]]]; let b = [a]; a = b", "a[0].tag = 3; a[0].call(|| { this += [[[[]]]] })", "let f = || a; a[0].put([[[]]])", "let f = || a; a[0].push([[[]]])",
		"eval(\"let b = [[1]]; b[0].put([[[]]]); a = b;\")", "for x in a { x.put([[[]]]); a.push(x) }", "switch 1 { _ => a[0].put([[[]]]) }",
		"a[0][0].call(Fn(\"put\"), [[[]]])", "a[0].call(Fn(\"push\"), [[[]]])", "a = #{m: Fn(\"own\"), x: 1}; a = [a]; a[0].m()", "a = [#{m: |v| this.x = v}]; a[0].m([[[]]])",
		"a[0] = a; a[0] = a; a[0] = a", "a[0].push(a); a[0].push(a)", "a[0].put(a)", "a[0].retain(|| { this = [[[]]]; false })", "a.reduce(|s| { s[0].put([[[]]]); s }, [1])",
		"a[0].chop(1); a[0].insert(0, [[[]]]); a = a + a", "a = a.map(|x| { x.push([[[]]]); x })", "a = a.filter(|x| { x[0].put([[[]]]); true })", "a = a.zip(a, |x, y| { x[0].put(y); x })",
		"a.sort(|x, y| { x.put([[[]]]); 1 })", "a[0]?.push([[[]]])", "a[0]?[0] = [[[]]]", "a = [a]; a[0][0][0].op([[[]]])", "a = #{}; a.x = [[]]; a[\"x\"][0].put([[[]]])",
	} {
		for _, form := range []string{"let a = [[1]]; %s; a", "fn main() { let a = [[1]]; %s; a } main()", "let a = [[1]]; let g = || a; %s; a", "let a = [[1]]; (|| { %s }).call(); a", `eval("let a = [[1]];"); %s; a`} {
			for _, opts := range [][]Option{nil, {WithoutOptimizer()}} {
				p, err := NewEngine(opts...).Compile("", fns+fmt.Sprintf(form, write))
				if err != nil {
					t.Fatalf("%s: %v", write, err)
				}
				v, err := p.Run(t.Context(), nil)
				if err != nil && !strings.Contains(err.Error(), "Data race") && !strings.Contains(err.Error(), "not found") && !strings.Contains(form, "eval") {
					t.Errorf("%s: %v", write, err)
				}
				if _, wrong := trueDepth(v); wrong != "" {
					t.Errorf("%s leaves %s", fmt.Sprintf(form, write), wrong)
				}
			}
		}
	}
}

// No script makes data a million levels deep, and all that walks data returns.
func TestDeepestData(t *testing.T) {
	const fns = `fn put(v) { this = v } fn add(v) { this.push(v) } fn deep(v) { this[0].put(v) } `
	for _, step := range []string{
		"let b = [[]]; b[0].push(a); a = b", "let b = [[]]; b[0].add(a); a = b", "let b = [[]]; b[0].put(a); a = b", "let b = [[[]]]; b.deep(a); a = b",
		"let b = [[0]]; b[0][0] = a", "let b = [0]; b.for_each(|| this = a); a = b", "let b = [0]; b.retain(|| { this = a; true }); a = b", "let b = #{x: #{}}; b.x.y = a; a = b",
		"let b = [0]; b.tag = 1; b[0] = a; a = b", "let b = #{x: 0}; b.x.call(|| this = a); a = b", "a = wrap(a)", "let b = [[]]; b[0] += [a]; a = b", "a = [a]", "a = #{a: a}",
		"let b = [0]; try { b[0].call(|v| { this = v; throw 1 }, a) } catch {} a = b", "let b = a; let c = || b; a = [c]", "a = Fn(\"f\").curry(a)", "a = (|x| x).curry([a])",
	} {
		var last Value
		eng := NewEngine(WithLimits(Limits{MaxOperations: 1 << 40, MaxMemory: 1 << 30}))
		eng.RegisterFn("wrap", func(v Value) Value { return Array([]Value{v}) })
		eng.RegisterFn("keep", func(v Value) { last = v })
		p, err := eng.Compile("", fns+"let a = []; for i in 0..1_000_000 { "+step+"; if i % 100 == 0 { keep(a); } } keep(a); a")
		if err != nil {
			t.Fatal(err)
		}
		v, err := p.Run(t.Context(), nil)
		var e *Error
		if err != nil && (!errors.As(err, &e) || e.Kind != ErrDataTooLarge) {
			t.Errorf("%s: %v", step, err)
		}
		if err != nil {
			v = last
		}
		d, wrong := trueDepth(v)
		if d > maxDepth || wrong != "" {
			t.Errorf("%s: %d levels, %s", step, d, wrong)
		}
		_, _ = v.Repr(), v.String()
		v.Any()
		var into any
		_ = v.Decode(&into)
		v.Captured()
		v.Freeze()
		q, err := NewEngine(WithLimits(Limits{MaxOperations: 1 << 30, MaxMemory: 1 << 30})).Compile("", `
			let r = []; for f in [|| v == v, || [v].contains(v), || [v].index_of(v), || [v, v].dedup(), || `+"`${v}`"+`.len(), || v.to_debug().len(), || #{v: v}.to_json().len(),
			|| { let c = v; c.push(1); c }, || [v, v].sort(), || v.tag, || switch v { [[]] => 1, _ => 2 }] { try { f.call(); } catch { } }`)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := q.Run(t.Context(), NewScope().Push("v", v)); err != nil && (!errors.As(err, &e) || e.Kind != ErrDataTooLarge) {
			t.Errorf("walking %s: %v", step, err)
		}
	}
}

// A closure belongs to its run: Freeze leaves it as it is, since calling it writes what it captured.
func TestFreezeOfClosures(t *testing.T) {
	p, err := NewEngine(WithLimits(Limits{MaxMemory: 1 << 20})).Compile("", `let n = []; let plain = |x| x + 1; let f = || { n.push(1); n.len() };
		fn grow(f) { for i in 0..1_000_000 { f.call() } } [f, plain, [#{f: f}], [1, [2]]]`)
	if err != nil {
		t.Fatal(err)
	}
	in, err := p.Instance(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	parts, _ := in.Value().AsArray()
	for i, frozen := range []bool{false, true, false, true} {
		v := parts[i].Freeze()
		if v.p.flags&flagFrozen != 0 != frozen {
			t.Errorf("part %d is frozen: %v", i, !frozen)
		}
	}
	if parts[0].fn().curry[0].p.flags&flagFrozen != 0 {
		t.Error("a captured variable is frozen")
	}
	// What is frozen is shared by goroutines; closures of their own they write.
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			q, err := NewEngine().Compile("", `let n = 0; for i in 0..1000 { n = plain.call(n); let b = data; b[1][0] += n; } let s = 0; let g = || s += 1; for i in 0..9 { g.call() } [n, s]`)
			if err != nil {
				t.Error(err)
				return
			}
			v, err := q.Run(t.Context(), NewScope().Push("plain", Int(1)).Push("data", parts[3]).Set("plain", parts[1]))
			if err == nil && v.String() != "[1000, 9]" {
				t.Errorf("%v", v)
			}
		})
	}
	wg.Wait()
	// The census counts what they captured.
	if _, err := in.Func("grow").Call(t.Context(), parts[0]); kindOf(err) != ErrMemory {
		t.Errorf("%v", err)
	}
}

// Depths reports a container whose header says less than how deep the data in it are nested, or "".
func Depths(v Value) string {
	_, wrong := trueDepth(v)
	return wrong
}
