package rhai

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// A run whose context has ended does nothing at all, however short it is.
func TestEndedContext(t *testing.T) {
	ran := 0
	e := NewEngine()
	e.RegisterFn("ran", func() { ran++ })
	p := compileFor(t, e, "", `ran(); fn f() { ran() } 1`)
	in, err := p.Instance(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	ran = 0
	cause := errors.New("the user went away")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	late, stop := context.WithTimeout(t.Context(), 0)
	defer stop()
	for name, run := range map[string]func(context.Context) error{
		"Run":      func(ctx context.Context) error { _, err := p.Run(ctx, nil); return err },
		"Instance": func(ctx context.Context) error { _, err := p.Instance(ctx, nil); return err },
		"Call":     func(ctx context.Context) error { _, err := in.Func("f").Call(ctx); return err },
	} {
		if err := run(ctx); kindOf(err) != ErrTerminated || !errors.Is(err, context.Canceled) || !errors.Is(err, cause) {
			t.Errorf("%s: %v", name, err)
		}
		if err := run(late); kindOf(err) != ErrTerminated || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s after its deadline: %v", name, err)
		}
	}
	if ran != 0 {
		t.Errorf("the script ran %d times", ran)
	}
	if _, err := in.Func("f").Call(t.Context()); err != nil || ran != 1 {
		t.Errorf("a call afterwards: %v", err)
	}
}

// A script cannot catch the end of its own context, whichever way a host function reports it; the end of
// another one is an error like any other.
func TestHostFunctionReportsTheEnd(t *testing.T) {
	var cancel func()
	e := NewEngine()
	wait := func(ctx context.Context) error {
		cancel()
		<-ctx.Done()
		return ctx.Err()
	}
	e.RegisterFn("typed", func(ctx context.Context) (string, error) { return "", wait(ctx) })
	e.RegisterFn("wrapped", func(ctx context.Context) error { return fmt.Errorf("asking: %w", wait(ctx)) })
	e.RegisterFn("cause", func(ctx context.Context) error { _ = wait(ctx); return context.Cause(ctx) })
	e.Register(
		&Native{Name: "native", Fn: func(c *Call) (Value, error) { return Value{}, wait(c.Context()) }},
		&Native{Name: "bare", Fn: func(c *Call) (Value, error) { _ = wait(c.Context()); return Value{}, &Error{Kind: ErrTerminated} }},
		&Native{Name: "back", Params: []Param{{Type: TFn}}, Effects: CallsBack, Fn: func(c *Call) (Value, error) {
			_, err := c.Invoke(c.Arg(0))
			return Value{}, fmt.Errorf("calling back: %w", err)
		}},
	)
	e.RegisterFn("other", func(ctx context.Context) error {
		short, stop := context.WithTimeout(ctx, 0)
		defer stop()
		<-short.Done()
		return short.Err()
	})
	for _, call := range []string{"typed()", "wrapped()", "cause()", "native()", "bare()", "back(|| native())", `eval("native()")`, "[1].map(|x| typed())"} {
		cause := errors.New("the cause")
		ctx, end := context.WithCancelCause(t.Context())
		cancel = func() { end(cause) }
		v, err := compileFor(t, e, "", `try { `+call+` } catch (e) { } "caught"`).Run(ctx, nil)
		if kindOf(err) != ErrTerminated || !errors.Is(err, context.Canceled) || !errors.Is(err, cause) {
			t.Errorf("%s gives %v, %v", call, v, err)
		}
	}
	v, err := compileFor(t, e, "", `let m = ""; try { other() } catch (e) { m = e.message; } m`).Run(t.Context(), nil)
	if err != nil || v.String() != "Runtime error: context deadline exceeded" {
		t.Errorf("the end of another context: %v, %v", v, err)
	}
}

// What a module's body exceeds is a limit of the run, not an error in the module.
func TestLimitsInAModule(t *testing.T) {
	resolver := StaticResolver{}
	e := NewEngine(WithResolver(resolver), WithLimits(Limits{MaxOperations: 10_000}))
	resolver["busy"] = compileFor(t, e, "busy", `loop { }`)
	_, err := compileFor(t, e, "", `try { import "busy" as b; } catch { } 1`).Run(t.Context(), nil)
	if kindOf(err) != ErrTooManyOperations {
		t.Errorf("got %v", err)
	}
}

// Functions of the library that work long after they were charged for look at the context again and again.
func TestPollingInTheLibrary(t *testing.T) {
	numbers, floats := make([]Value, 300_000), make([]Value, 10_000)
	for i := range numbers {
		numbers[i] = Int(int64(i * 7919 % 300_007))
	}
	for i := range floats {
		floats[i] = Float(float64(i * 7919 % 10_007))
	}
	long := String(strings.Repeat("aé", 50_000))
	for name, run := range map[string]func(c *Call) error{
		"sort":        func(c *Call) error { return c.sortNatural(Array(numbers).arr(), false) },
		"sort floats": func(c *Call) error { return c.sortNatural(Array(floats).arr(), true) },
		"merge": func(c *Call) error {
			ints := make([]int64, 10_000)
			return c.mergeNumbers(ints, ints[:5000], ints[5000:])
		},
		"replace":  func(c *Call) error { _, err := c.vm.replaceAll(long, "a", "bc"); return err },
		"to_upper": func(c *Call) error { _, err := upperCase(long.str(), c.vm.poll); return err },
		"to_lower": func(c *Call) error { _, err := lowerCase(long.str(), c.vm.poll); return err },
		"to_debug": func(c *Call) error { _, err := c.vm.format(long, formDebug); return err },
	} {
		vm := &machine{budget: 1e9, maxMemory: 1e9} // a budget that is not used up is not looked at
		vm.renew()
		c := &Call{vm: vm}
		if err := run(c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		vm.cancel()
		if err := run(c); kindOf(err) != ErrTerminated {
			t.Errorf("%s after the end of the context: %v", name, err)
		}
	}
}

func TestReplaceAll(t *testing.T) {
	vm := &machine{budget: 1e9, maxMemory: 1e9}
	for _, text := range []string{"", "a", "abcabc", "aéaé", "\xff\xfea", "aaaa"} {
		for _, find := range []string{"", "a", "é", "aa", "bc", "abcabc", "x"} {
			for _, with := range []string{"", "x", "é", "long text"} {
				v, err := vm.replaceAll(String(text), find, with)
				want := strings.ReplaceAll(text, find, with)
				if err != nil || v.str() != want || v.isASCIIStr() != isASCII(want) {
					t.Errorf("%q, %q by %q: %q, %v", text, find, with, v.str(), err)
				}
			}
		}
	}
}
