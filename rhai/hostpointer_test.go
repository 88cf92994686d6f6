package rhai_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/picloud/picloud/rhai"
)

type pixel struct{ x, y int64 }

// MarshalText is of the pointer only: a *pixel is a Pixel all the same.
func (p *pixel) MarshalText() ([]byte, error) { return []byte("text"), nil }

// pixelEngine knows pixel as a value and has functions that take it by pointers.
func pixelEngine() *rhai.Engine {
	eng := rhai.NewEngine().RegisterType(rhai.NewType[pixel]("Pixel").
		Getter("x", func(p pixel) int64 { return p.x }).
		Print(func(p pixel) string { return fmt.Sprintf("<%d %d>", p.x, p.y) }))
	eng.RegisterFn("pixel", func(x, y int64) *pixel { return &pixel{x, y} })
	eng.RegisterFn("pixels", func(n int64) []*pixel {
		list := make([]*pixel, n)
		for i := range list {
			list[i] = &pixel{int64(i), 0}
		}
		return list
	})
	eng.RegisterFn("none", func() *pixel { return nil })
	eng.RegisterFn("dist", func(a, b *pixel) int64 {
		if b == nil {
			return -1
		}
		d := b.x - a.x
		b.x = 100 // of a copy
		return d
	})
	eng.RegisterFn("sum", func(list []*pixel) (n int64) {
		for _, p := range list {
			n += p.x
		}
		return n
	})
	eng.RegisterFn("at", func(m map[string]*pixel, key string) *pixel { return m[key] })
	eng.RegisterFn("inner", func(s struct{ P *pixel }) int64 { return s.P.y })
	eng.RegisterFn("twice", func(n int64, p **pixel) int64 { return n * (*p).x })
	eng.Register(rhai.Fn1("flip", func(p *pixel) (int64, error) {
		p.x, p.y = p.y, p.x
		return p.x, nil
	}))
	eng.Register(rhai.Fn2("move", func(p *pixel, d int64) (any, error) {
		p.x += d
		return nil, nil
	}))
	return eng
}

// Where a T is a type made with NewType, a *T is one, too, in every place.
func TestPointersToHostTypes(t *testing.T) {
	eng := pixelEngine()
	for script, want := range map[string]string{
		"pixel(1, 2)": "<1 2>",
		"let a = pixel(1, 2); let b = pixel(4, 2); let d = dist(a, b); `${d} ${b}`": "3 <4 2>",
		"dist(pixel(1, 2), ())":              "-1",
		"dist(pixel(1, 2), none())":          "-1",
		"type_of(none())":                    "()",
		"pixels(3)":                          "[<0 0>, <1 0>, <2 0>]",
		"sum(pixels(4))":                     "6",
		"sum([pixel(1, 2), pixel(3, 4)])":    "4",
		`at(#{a: pixel(1, 2)}, "a")`:         "<1 2>",
		"inner(#{P: pixel(1, 2)})":           "2",
		"twice(3, pixel(5, 6))":              "15",
		"let p = pixel(1, 2); p.flip(); p":   "<2 1>",
		"let p = pixel(1, 2); p.move(5); p":  "<6 2>",
		"let p = pixel(1, 2); flip(p) + p.x": "4",
		"const P = pixel(1, 2); P.flip()":    "error: Non-pure method 'flip' cannot be called on constant (line 1, position 26)",
		"sum([1])":                           "error: Runtime error: sum: argument 1: i64 1 does not fit rhai_test.pixel at [0]",
		"dist(pixel(1, 2), 3)":               "error: Function not found: dist (Pixel, i64)",
	} {
		prog, err := eng.Compile("", script)
		if err != nil {
			t.Fatal(err)
		}
		v, err := prog.Run(t.Context(), nil)
		got := v.String()
		if err != nil {
			got = "error: " + err.Error()
		}
		if !strings.HasPrefix(got, want) || err == nil && got != want {
			t.Errorf("%s\n got %s\nwant %s", script, got, want)
		}
	}
}

func TestDecodeOfHostPointers(t *testing.T) {
	pixelEngine()
	v, err := rhai.ValueOf(map[string]any{"one": &pixel{1, 2}, "list": []pixel{{3, 4}}, "none": nil})
	if err != nil {
		t.Fatal(err)
	}
	var into struct {
		One  *pixel    `rhai:"one"`
		List []**pixel `rhai:"list"`
		None *pixel    `rhai:"none"`
	}
	into.None = &pixel{}
	if err := v.Decode(&into); err != nil {
		t.Fatal(err)
	}
	if *into.One != (pixel{1, 2}) || **into.List[0] != (pixel{3, 4}) || into.None != nil {
		t.Errorf("got %+v", into)
	}
	var m map[string]*pixel
	one, _ := rhai.ValueOf(map[string]pixel{"a": {5, 6}})
	if err := one.Decode(&m); err != nil || !reflect.DeepEqual(m, map[string]*pixel{"a": {5, 6}}) {
		t.Errorf("got %v, %v", m, err)
	}
	m["a"].x = 9
	a, _ := one.Get("a")
	if a.String() != "<5 6>" {
		t.Errorf("the pointer is no copy: the value became %s", a)
	}
	var wrong *string
	if err := a.Decode(&wrong); err == nil || err.Error() != "Pixel does not fit string" {
		t.Errorf("got %v", err)
	}
}
