package rhai

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// What no script can call is refused when it is registered, not when it is called.
func TestRegistrationRefuses(t *testing.T) {
	type tree struct {
		Children []*tree
		Addr     netip.Addr
		Err      error
		_        chan int
		Skipped  func() `rhai:"-"`
	}
	type holder struct{ In map[string][]chan int }
	NewType[chan string]("Pipe")
	refused := map[string]func() *Native{
		"a parameter of type map[int]int has":                                  func() *Native { return NewFn("f", func(map[int]int) {}) },
		"a result of type chan int has":                                        func() *Native { return NewFn("f", func() chan int { return nil }) },
		"a result of type func() has":                                          func() *Native { return NewFn("f", func() (func(), error) { return nil, nil }) },
		"a parameter of type complex128 has":                                   func() *Native { return NewFn("f", func(int, complex128) {}) },
		"a parameter of type []func(), which holds a func(), has":              func() *Native { return NewFn("f", func([]func()) {}) },
		"a result of type *rhai.holder, which holds a chan int, has":           func() *Native { return NewFn("f", func() *holder { return nil }) },
		"a parameter of type [2]map[bool]int, which holds a map[bool]int, has": func() *Native { return NewFn("f", func([2]map[bool]int) {}) },
		"a result of type chan int has ":                                       func() *Native { return Fn0("f", func() (chan int, error) { return nil, nil }) },
		"a parameter of type map[int]int has ":                                 func() *Native { return Fn1("f", func(map[int]int) (int, error) { return 0, nil }) },
		"a parameter of type complex64 has":                                    func() *Native { return Fn2("f", func(int, complex64) (int, error) { return 0, nil }) },
		"a parameter of type func() has":                                       func() *Native { return Fn3("f", func(int, int, func()) (int, error) { return 0, nil }) },
		"let it take a slice":                                                  func() *Native { return NewFn("f", func(...int) {}) },
		"no script value fits a parameter of type fmt.Stringer; allowed are":   func() *Native { return NewFn("f", func(fmt.Stringer) {}) },
	}
	for want, register := range refused {
		func() {
			defer func() {
				got := fmt.Sprint(recover())
				if !strings.HasPrefix(got, "rhai: ") || !strings.Contains(got, want) {
					t.Errorf("got %s, want %s", got, want)
				}
				if !strings.Contains(want, "slice") && !strings.HasSuffix(got, allowedTypes) {
					t.Errorf("%s does not say what is allowed", got)
				}
			}()
			register()
		}()
	}
	for _, f := range []any{
		func(tree) *tree { return nil },
		func(map[string]any) []error { return nil },
		func(time.Time, *netip.Addr, [4]byte) error { return errors.ErrUnsupported },
		func(chan string) []chan string { return nil }, // of NewType
		func() fmt.Stringer { return nil },
		func([]Value, any) (any, error) { return nil, nil },
	} {
		NewFn("f", f)
	}
}

type grade struct{ n int64 }

func TestHintsForOperatorsOfTypes(t *testing.T) {
	e := NewEngine()
	e.RegisterType(NewType[grade]("Grade").
		Method("==", func(a, b grade) bool { return a == b }).
		Method("<", func(a, b grade) bool { return a.n < b.n }).
		Method("+", func(a grade, n int64) grade { return grade{a.n + n} }))
	e.RegisterFn("grade", func(n int64) grade { return grade{n} })
	for script, want := range map[string]string{
		"grade(1) != grade(2)":                   "Grade has no != of its own; it has ==: write !(a == b)",
		"grade(1) > grade(2)":                    "Grade has no > of its own; it has <: write b < a",
		"grade(1) >= grade(2)":                   "Grade has no >= of its own; it has <: write !(a < b)",
		"grade(1) - grade(2)":                    "",
		"let a = [grade(1), grade(2)]; a.sort()": "sort takes numbers, texts, characters and bools; sort(|a, b| …) sorts anything: the function answers a negative number if a comes first",
		`let a = [1, "a"]; a.sort()`:             "sort(|a, b| …) sorts anything: the function answers a negative number if a comes first",
	} {
		_, err := compileFor(t, e, "", script).Run(t.Context(), nil)
		var re *Error
		if !errors.As(err, &re) || re.Hint(script) != want {
			t.Errorf("%s: %v\n got %q\nwant %q", script, err, re.Hint(script), want)
		}
	}
	// Adding needs no operator of its own, and what compares elements takes ==.
	v, err := compileFor(t, e, "", "let g = grade(1); g += 4; [g == grade(5), [g].index_of(grade(5)), g in [g], [g, grade(5)].len()]").Run(t.Context(), nil)
	if err != nil || v.String() != "[true, 0, true, 2]" {
		t.Errorf("got %v, %v", v, err)
	}
}
