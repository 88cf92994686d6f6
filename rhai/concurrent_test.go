package rhai_test

import (
	"context"
	"sync"
	"testing"

	"github.com/picloud/picloud/rhai"
)

// One program runs in many goroutines at once: constants, caches and module
// values are shared, and no run may write them. The race detector looks on.
func TestConcurrentRuns(t *testing.T) {
	lib, err := rhai.NewEngine().Compile("lib", `export const LIST = [1, [2, 3]]; fn add(x) { LIST.len() }`)
	if err != nil {
		t.Fatal(err)
	}
	shared, err := rhai.ValueOf(map[string]any{"list": []any{1, 2, []any{3}}, "text": "abc"})
	if err != nil {
		t.Fatal(err)
	}
	shared.Freeze()
	eng := rhai.NewEngine(rhai.WithResolver(rhai.StaticResolver{"lib": lib}))
	prog, err := eng.Compile("", `
		import "lib" as lib;
		const C = #{a: [1, 2, #{b: "x"}], s: "abc"};
		let c = C; c.a[2].b += "y"; c.a.push(c.s); c.s += "d";
		let l = lib::LIST; l[1][0] += 1; l.push(4);
		let list = input.list; list[2].push(4); input.text += "z";
		let fs = []; for i in 0..3 { fs.push(|x| x + i + list.len()); }
		let f = |m| { m.k = 1; m };
		let words = "the quick brown fox"; words += "!";
		let r = switch words.len() { 19 => "no", 20 => "yes", _ => "?" };
		[c, l, list, input, fs.map(|g| g.call(1)), f.call(#{a: 1}), words.split(" "), r, eval("C.s + 1")]
	`)
	if err != nil {
		t.Fatal(err)
	}
	run := func() string {
		v, err := prog.Run(context.Background(), rhai.NewScope().Push("input", shared))
		if err != nil {
			return err.Error()
		}
		return v.String()
	}
	want := run()
	if want[0] != '[' {
		t.Fatal(want)
	}
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 50 {
				if got := run(); got != want {
					t.Errorf("got %s, want %s", got, want)
					return
				}
			}
		})
	}
	wait.Wait()
	if shared.String() != `#{"list": [1, 2, [3]], "text": "abc"}` {
		t.Errorf("the frozen value became %s", shared)
	}
}
