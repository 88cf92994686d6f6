package rhai

import (
	"context"
	"errors"
	"math"
	"testing"
)

// run compiles and runs a script with limits.
func runLimited(t *testing.T, l Limits, src string, st *Stats) (Value, error) {
	t.Helper()
	p, err := NewEngine(WithLimits(l)).Compile("", src)
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	var opts []RunOption
	if st != nil {
		opts = append(opts, RunStats(st))
	}
	return p.Run(context.Background(), nil, opts...)
}

func kindOf(err error) ErrorKind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

// Each of these would harm the process if a limit did not stop it.
func TestHostileScripts(t *testing.T) {
	const mib = 1 << 20
	limits := Limits{MaxOperations: 20e6, MaxMemory: 8 * mib}
	for name, c := range map[string]struct {
		src  string
		want ErrorKind
	}{
		"endless loop":            {`loop {}`, ErrTooManyOperations},
		"endless do":              {`do { continue; } while true`, ErrTooManyOperations},
		"endless callback":        {`(0..1000000000).map(|x| x)`, ""},
		"recursion":               {`fn f() { f() } f()`, ErrStackOverflow},
		"closure recursion":       {`fn f(n) { [n].map(|x| f(x)) } f(1)`, ErrStackOverflow},
		"uncatchable":             {`loop { try { loop {} } catch {} }`, ErrTooManyOperations},
		"growing array":           {`let a = []; loop { a.push(1); }`, ErrMemory},
		"growing string":          {`let s = "x"; loop { s += s; }`, ErrMemory},
		"growing map":             {`let m = #{}; let i = 0; loop { m["k" + i] = i; i += 1; }`, ErrMemory},
		"padded array":            {`let a = []; a.pad(2000000, 0)`, ErrMemory},
		"padded string":           {`let s = ""; s.pad(20000000, 'x'); s`, ErrMemory},
		"big blob":                {`blob(20000000)`, ErrMemory},
		"doubling":                {`let a = [1]; loop { a += a; }`, ErrMemory},
		"deep data":               {`let a = []; for i in 0..100000 { a = [a]; }`, ErrDataTooLarge},
		"deep map":                {`let a = #{}; for i in 0..100000 { a = #{a: a}; }`, ErrDataTooLarge},
		"chain of closures":       {`let f = || 0; loop { let g = f; f = || g.call(); }`, ErrMemory},
		"interpolation":           {"let s = `xxxxxxxxxxxxxxxx`; loop { s = `${s}${s}`; }", ErrMemory},
		"elements in the making":  {`fn big() { let a = []; a.pad(200000, 0); a } [big(), big(), [big(), [big(), big()]]]`, ErrMemory},
		"arguments in the making": {`fn big() { let a = []; a.pad(200000, 0); a } fn f(a, b, c) {} f(big(), big(), f(big(), big(), big()))`, ErrMemory},
		"eval":                    {`loop { eval("1"); }`, ErrTooManyOperations},
		"callback garbage":        {`[1].for_each(|x| { let a = []; loop { a.push("xxxxxxxxxxxxxxxxxxxx" + a.len()); } })`, ErrMemory},
		"copies":                  {`let a = []; a.pad(100000, 0); let l = []; loop { let b = a; b[0] = 1; l.push(b); }`, ErrMemory},
		"split":                   {`let s = ""; s.pad(1000000, ','); let l = []; loop { l.push(s.split(",")); }`, ErrMemory},
		"self-referring array":    {`let a = [1]; loop { a.push(a); }`, ""},
	} {
		_, err := runLimited(t, limits, c.src, nil)
		k := kindOf(err)
		if err == nil || (c.want != "" && k != c.want) {
			t.Errorf("%s: %s ends with %v, want %s", name, c.src, err, c.want)
		}
	}
}

// Garbage does not count: these allocate many times the limit.
func TestGarbageIsNotCharged(t *testing.T) {
	for _, src := range []string{
		`let n = 0; for i in 0..200000 { let a = [i, i, i, i]; n += a.len(); } n`,
		`let s = ""; for i in 0..20000 { s = "item " + i; } s`,
		`let a = []; for i in 0..2000 { a = []; a.pad(1000, i); } a.len()`,
		`let m = #{}; for i in 0..50000 { m["k" + i] = [i]; m.remove("k" + i); } m.len()`,
		`[1].for_each(|x| { let s = ""; for i in 0..20000 { s = "item " + i; } })`,
		// What a temporary held is not alive any more: each is 3/5 of the limit.
		`fn big() { let a = []; a.pad(10000, 0); a } let x = big(); x = (); let y = big(); y = (); x = big(); x.len()`,
		`fn big() { let a = []; a.pad(10000, 0); a } { let x = big(); } { let y = big(); } [big().len(), big().len()]`,
		`fn big() { let a = []; a.pad(10000, 0); a } let n = 0; for i in 0..5 { n += big().len(); } n`,
		`let f = |x| [x, x]; for i in 0..50000 { f.call(i); }`,
	} {
		var st Stats
		if _, err := runLimited(t, Limits{MaxMemory: 256 << 10}, src, &st); err != nil {
			t.Errorf("%s: %v (%+v)", src, err, st)
		}
	}
}

// The same program gives the same counts, whatever ran before on the machine.
func TestCountsAreReproducible(t *testing.T) {
	src := `let a = []; for i in 0..3000 { a.push("v" + i); if i % 100 == 0 { a = a.filter(|x| x.len() > 2); } } a.len()`
	var first Stats
	for i := range 5 {
		var st Stats
		if _, err := runLimited(t, Limits{MaxMemory: 400 << 10, MaxOperations: 1e7}, src, &st); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = st
		} else if st != first {
			t.Fatalf("run %d: %+v, the first had %+v", i, st, first)
		}
		if _, err := runLimited(t, Limits{MaxOperations: 5000}, `let x = []; loop { x.push(x.len()); }`, nil); err == nil {
			t.Fatal("no limit")
		}
	}
}

func TestCancellation(t *testing.T) {
	p, err := NewEngine().Compile("", `loop {}`)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	why := errors.New("enough")
	go cancel(why)
	if _, err = p.Run(ctx, nil); kindOf(err) != ErrTerminated || !errors.Is(err, why) {
		t.Errorf("got %v, want ErrTerminated because of %v", err, why)
	}
	if _, err = p.Run(ctx, nil); kindOf(err) != ErrTerminated {
		t.Errorf("a context that is done already: %v", err)
	}
}

// A host that means "as many as you like" must not make a run reserve all of them.
func TestAnyNumberOfCallLevels(t *testing.T) {
	for _, levels := range []int{maxCallLevels + 1, math.MaxInt} {
		l := Limits{MaxCallLevels: levels, MaxMemory: 64 << 20}
		if v, err := runLimited(t, l, "fn f(n) { if n == 0 { 0 } else { f(n - 1) + 1 } } f(5000)", nil); err != nil || v.String() != "5000" {
			t.Errorf("%v, %v", v, err)
		}
		if _, err := runLimited(t, l, "fn f(n) { f(n + 1) + 1 } f(0)", nil); kindOf(err) != ErrStackOverflow && kindOf(err) != ErrMemory {
			t.Errorf("%v", kindOf(err))
		}
	}
}
