package rhai

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

type ConvertInner struct {
	City string `json:"city"`
	Zip  int    `json:"zip,omitempty"`
}

type convertBase struct {
	ID   int64
	Name string `rhai:"label" json:"name"`
}

type convertOuter struct {
	convertBase
	*ConvertInner
	Home   ConvertInner      `json:"home"`
	Tags   []string          `json:"tags"`
	Counts map[string]uint16 `json:"counts"`
	Raw    []byte            `json:"raw"`
	Key    [2]byte           `json:"key"`
	Next   *convertOuter     `json:"next"`
	Any    any               `json:"any"`
	When   time.Time         `json:"when"`
	Wait   time.Duration     `json:"wait"`
	Addr   netip.Addr        `json:"addr"`
	Err    error             `json:"err"`
	Ratio  float32           `json:"ratio"`
	Pair   [2]bool           `json:"pair"`
	Secret string            `json:"-"`
}

func TestConvertRoundTrip(t *testing.T) {
	in := convertOuter{
		convertBase:  convertBase{ID: 7, Name: "seven"},
		ConvertInner: &ConvertInner{City: "Ulm", Zip: 89073},
		Home:         ConvertInner{City: "Köln"},
		Tags:         []string{"a", "b"},
		Counts:       map[string]uint16{"x": 1, "y": 65535},
		Raw:          []byte{1, 2, 3},
		Key:          [2]byte{4, 5},
		Next:         &convertOuter{Ratio: 0.5, Tags: []string{}, Addr: netip.MustParseAddr("::1"), ConvertInner: &ConvertInner{}},
		Any:          map[string]any{"n": int64(1), "list": []any{nil, true, 1.5, "s"}},
		When:         time.Date(2024, 2, 29, 12, 30, 0, 123, time.UTC),
		Wait:         1500 * time.Millisecond,
		Addr:         netip.MustParseAddr("10.0.0.1"),
		Err:          errors.New("broken"),
		Pair:         [2]bool{true, false},
	}
	v, err := ValueOf(in)
	if err != nil {
		t.Fatal(err)
	}
	home, _ := v.Get("home")
	if _, ok := home.Get("zip"); ok {
		t.Error("zip is empty and should be left out")
	}
	if _, ok := v.Get("Secret"); ok {
		t.Error("Secret should be left out")
	}
	var out convertOuter
	if err := v.Decode(&out); err != nil {
		t.Fatal(err)
	}
	if out.Err == nil || out.Err.Error() != "broken" {
		t.Errorf("error %v", out.Err)
	}
	in.Err, out.Err = nil, nil
	if !reflect.DeepEqual(in, out) {
		t.Errorf("got\n%+v\nwant\n%+v", out, in)
	}
}

func TestValueOf(t *testing.T) {
	deep := []any{}
	for range 2000 {
		deep = []any{deep}
	}
	type node struct{ Next *node }
	cycle := &node{}
	cycle.Next = cycle
	type loop *loop
	var self loop
	self = &self
	chain, lists := &node{}, []any{}
	for range 900 { // neither pointers nor interfaces are levels of the data
		chain, lists = &node{chain}, []any{lists}
	}
	tests := []struct {
		in   any
		want string // how Any prints the value, or the error
	}{
		{nil, "<nil>"},
		{(*int)(nil), "<nil>"},
		{[]int(nil), "<nil>"},
		{int8(-3), "-3"},
		{uint64(math.MaxInt64), "9223372036854775807"},
		{uint64(math.MaxInt64 + 1), "cannot convert 9223372036854775808, which is more than an i64 holds, to a script value"},
		{float32(1.5), "1.5"},
		{'x', "120"},
		{[]byte("ab"), "[97 98]"},
		{map[string]int{"b": 2, "a": 1}, "map[a:1 b:2]"},
		{map[int]int{1: 1}, "cannot convert a map with keys of type int to a script value"},
		{map[string]any{"f": []any{1, func() {}}}, "cannot convert a func() at .f[1] to a script value"},
		{1i, "cannot convert a complex128 to a script value"},
		{time.Second / 4, "0.25"},
		{Throw(Int(5)), "5"},
		{errors.New("no"), "no"},
		{struct{ E error }{(*nilError)(nil)}, "map[E:<nil>]"},
		{[]fmt.Stringer{(*big.Int)(nil)}, "[<nil>]"},
		{*big.NewInt(12), "12"},
		{struct{ N big.Int }{*big.NewInt(12)}, "map[N:12]"},
		{self, "cannot convert data behind more than 1000 pointers to a script value"},
		{deep, "nested deeper than 1000"},
		{cycle, "nested deeper than 1000"},
	}
	for _, test := range tests {
		v, err := ValueOf(test.in)
		got := fmt.Sprint(v.Any())
		if err != nil {
			got = err.Error()
		}
		if got != test.want && !(strings.HasPrefix(test.want, "nested") && strings.Contains(got, test.want)) {
			t.Errorf("%T: got %.200s, want %s", test.in, got, test.want)
		}
	}
	for _, in := range []any{chain, lists} {
		if _, err := ValueOf(in); err != nil {
			t.Errorf("%T: %.200v", in, err)
		}
	}
}

// nilError has an Error that a nil pointer does not survive.
type nilError struct{ text string }

func (e *nilError) Error() string { return e.text }

func TestDecodeErrors(t *testing.T) {
	tests := []struct {
		v    any
		into any
		want string
	}{
		{1.5, new(int), "f64 does not fit int"},
		{300, new(uint8), "i64 300 does not fit uint8"},
		{-1, new(uint), "i64 -1 does not fit uint"},
		{"s", new(bool), "string does not fit bool"},
		{nil, new(string), "() does not fit string"},
		{[]any{1, "x"}, new([]int), "string does not fit int at [1]"},
		{[]any{1}, new([2]int), "an array of 1 elements does not fit [2]int"},
		{map[string]any{"home": map[string]any{"zip": "x"}}, new(convertOuter), "string does not fit int at .home.zip"},
		{map[string]any{"when": "today"}, new(convertOuter), `string "today" is not a time such as 2006-01-02T15:04:05Z at .when`},
		{1e300, new(time.Duration), "1e+300 seconds do not fit a duration"},
		{1e300, new(float32), "f64 does not fit float32"},
		{1, 5, "rhai: Decode needs a pointer to a variable, not int"},
	}
	for _, test := range tests {
		v, err := ValueOf(test.v)
		if err != nil {
			t.Fatal(err)
		}
		if err := v.Decode(test.into); err == nil || err.Error() != test.want {
			t.Errorf("%v into %T: got %v, want %s", test.v, test.into, err, test.want)
		}
	}
}

// callNative calls a native as the machine would, without one.
func callNative(n *Native, args ...any) (Value, error) {
	vals := make([]Value, len(args))
	for i, a := range args {
		v, err := ValueOf(a)
		if err != nil {
			return Value{}, err
		}
		vals[i] = v
	}
	if len(vals) != len(n.Params) || !n.accepts(vals) {
		return Value{}, errors.New("no such overload")
	}
	c := &Call{vm: &machine{budget: 1e6, maxMemory: 1e6}, args: vals, native: n}
	if len(vals) > 0 {
		c.this = &vals[0]
	}
	return n.Fn(c)
}

func TestNewFn(t *testing.T) {
	type point struct{ X, Y int }
	tests := []struct {
		f    any
		args []any
		want string
	}{
		{func(n int64) int64 { return 2 * n }, []any{21}, "42"},
		{func(n int64) int64 { return 2 * n }, []any{2.5}, "no such overload"},
		{func(a, b string) bool { return a == b }, []any{"x", "x"}, "true"},
		{func() {}, nil, "<nil>"},
		{func() error { return errors.New("bad") }, nil, "Runtime error: bad"},
		{func() (int, error) { return 0, Throw(String("x")) }, nil, "Runtime error: x"},
		{func(p point) point { return point{p.Y, p.X} }, []any{point{1, 2}}, "map[X:2 Y:1]"},
		{func(p *point) bool { return p == nil }, []any{nil}, "true"},
		{func(ctx context.Context, n uint8) bool { return ctx != nil }, []any{1}, "true"},
		{func(c *Call, n uint8) string { return c.Name() }, []any{1}, "f"},
		{func(n uint8) uint8 { return n }, []any{256}, "Runtime error: f: argument 1: i64 256 does not fit uint8"},
		{func(xs []string, sep string) string { return strings.Join(xs, sep) }, []any{[]string{"a", "b"}, "-"}, "a-b"},
		{func(d time.Duration) string { return d.String() }, []any{1.5}, "1.5s"},
		{func(v any) string { return fmt.Sprintf("%T", v) }, []any{[]int{1}}, "[]interface {}"},
		{func(v Value) Value { return v }, []any{"v"}, "v"},
		{func() struct{ A []Value } { return struct{ A []Value }{[]Value{Int(1)}} }, nil, "map[A:[1]]"},
		{func() string { return strings.Repeat("x", 2e6) }, nil, "Out of memory"},
		{func() []int { return make([]int, 1e5) }, nil, "Out of memory"},
	}
	for i, test := range tests {
		v, err := callNative(NewFn("f", test.f), test.args...)
		got := fmt.Sprint(v.Any())
		if err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%d: %T%v: got %.200s, want %s", i, test.f, test.args, got, test.want)
		}
	}
	for _, f := range []any{nil, 1, func(...int) {}, func() (int, int) { return 0, 0 }, func(chan int) {}, func(*Call) (Value, error) { return Value{}, nil }} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%T was accepted", f)
				}
			}()
			NewFn("f", f)
		}()
	}
	n := NewFn("f", func(a int64, b []byte) map[string]int { return nil }, ParamNames("a", "b"), Doc("d"))
	if got := n.Signature(); got != "f(a: int, b: blob) -> map" || n.Doc != "d" {
		t.Errorf("signature %s, doc %s", got, n.Doc)
	}
}

func TestHostTypes(t *testing.T) {
	type counter struct{ n int }
	typ := NewType[counter]("Counter").
		Method("add", func(c *counter, by int) { c.n += by }).
		Getter("value", func(c counter) int { return c.n }).
		Print(func(c counter) string { return fmt.Sprintf("#%d", c.n) })
	v, err := ValueOf(counter{5})
	if err != nil {
		t.Fatal(err)
	}
	if _, h, ok := v.AsHost(); !ok || h != typ.HostType() {
		t.Fatal("not a Counter")
	}
	add, value := typ.Functions()[0], typ.Functions()[1]
	if add.Effects&Mutates == 0 || value.Effects&Mutates != 0 || value.Name != "get$value" {
		t.Errorf("effects %v %v, name %s", add.Effects, value.Effects, value.Name)
	}
	c := &Call{vm: &machine{budget: 1e6, maxMemory: 1e6}, args: []Value{v, Int(3)}, native: add, this: &v}
	if _, err := add.Fn(c); err != nil {
		t.Fatal(err)
	}
	if h, _, _ := v.AsHost(); h.(counter).n != 8 {
		t.Errorf("counter is %v", h)
	}
	var out counter
	if err := v.Decode(&out); err != nil || out.n != 8 {
		t.Errorf("decoded %v, %v", out, err)
	}
	if _, err := callNative(add, "x", 1); err == nil {
		t.Error("a string is no Counter")
	}
	defer func() {
		if recover() == nil {
			t.Error("a method without a receiver was accepted")
		}
	}()
	typ.Method("lost", func(int) {})
}
