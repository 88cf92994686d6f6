package rhai

import (
	"errors"
	"io"
	"strings"
	"testing"
)

func TestPanicOfAHostFunction(t *testing.T) {
	type fuse struct{}
	resolver := StaticResolver{}
	e := NewEngine(WithResolver(resolver))
	e.Register(&Native{Name: "boom", Fn: func(*Call) (Value, error) { panic("oh") }})
	e.RegisterFn("index", func(i int) int { return []int{1}[i] })
	e.RegisterFn("fuse", func() *fuse { return &fuse{} })
	e.RegisterType(NewType[*fuse]("Fuse").
		Getter("n", func(*fuse) int64 { panic(io.ErrUnexpectedEOF) }).
		Method("+", func(f *fuse, n int64) int64 { panic("plus") }).
		Print(func(*fuse) string { panic("unprintable") }).
		Iterate(func(*fuse) func() (Value, bool, error) {
			return func() (Value, bool, error) { panic("no step") }
		}))
	resolver["lib"] = compileFor(t, e, "lib", "fn risky() {\n boom() }")
	for script, want := range map[string]string{
		"let x = 1;\n  boom()":                    "panic in function 'boom': oh (line 2, position 3)",
		"fn f() { boom() }\nfn g() { f() }\n g()": "panic in function 'boom': oh (line 1, position 10)\nin call to function 'f' (line 2, position 10)\nin call to function 'g' (line 3, position 2)",
		"[1].map(|x| boom())":                     "panic in function 'boom': oh (line 1, position 13)\nin closure call (line 1, position 5)",
		"import \"lib\" as l;\nl::risky()":        "panic in function 'boom': oh (line 2, position 2)\nin call to function 'risky' (from 'lib') (line 2, position 4)",
		"index(1)":                                "panic in function 'index': runtime error: index out of range [1] with length 1 (line 1, position 1)",
		"try { boom() } catch { }":                "panic in function 'boom': oh (line 1, position 7)",
		"let f = fuse(); f.n":                     "panic in function 'get$n': unexpected EOF (line 1, position 19)",
		"let f = fuse(); f + 1":                   "panic in function '+': plus (line 1, position 19)",
		"let f = fuse(); f.to_string()":           "panic in function 'print$': unprintable (line 1, position 19)",
		"let f = fuse(); for x in f { }":          "panic in function 'next$': no step (line 1, position 26)",
	} {
		_, err := compileFor(t, e, "", script).Run(t.Context(), nil)
		if kindOf(err) != ErrSystem || err.Error() != want {
			t.Errorf("%s\n got %v\nwant %s", script, err, want)
		}
		var p *PanicError
		if !errors.As(err, &p) || !strings.Contains(string(p.Stack), "TestPanicOfAHostFunction") {
			t.Errorf("%s: the stack of the panic is lost", script)
		}
		if strings.Contains(script, "f.n") != errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: the error that it panicked with is lost", script)
		}
	}
	in, err := compileFor(t, e, "", "fn f() { boom() } fn g() { 1 }").Instance(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := in.Func("f").Call(t.Context()); err == nil || err.Error() != "panic in function 'boom': oh (line 1, position 10)\nin call to function 'f'" {
		t.Errorf("got %v", err)
	}
	if _, err := in.Func("g").Call(t.Context()); err == nil || err.Error() != "the instance is unusable after a panic" {
		t.Errorf("got %v", err)
	}
}
