package rhai

import (
	"math"
	"strings"
	"testing"
)

func TestFloatText(t *testing.T) {
	for _, c := range []struct {
		f              float64
		display, debug string
	}{
		{0, "0.0", "0.0"},
		{math.Copysign(0, -1), "0.0", "-0.0"},
		{1, "1.0", "1.0"},
		{-2.5, "-2.5", "-2.5"},
		{0.30000000000000004, "0.30000000000000004", "0.30000000000000004"},
		{1e13, "1e13", "10000000000000.0"},
		{9999999827968, "9999999827968.0", "9999999827968.0"},
		{1.5e20, "1.5e20", "1.5e20"},
		{1e15, "1e15", "1000000000000000.0"},
		{1e16, "1e16", "1e16"},
		{1e-4, "0.0001", "0.0001"},
		{1e-5, "0.00001", "1e-5"},
		{1e-7, "0.0000001", "1e-7"},
		{1e-14, "1e-14", "1e-14"},
		{math.Inf(1), "inf", "inf"},
		{math.Inf(-1), "-inf", "-inf"},
		{math.NaN(), "NaN", "NaN"},
		{572957795130823.25, "5.729577951308233e14", "572957795130823.3"},
		{-572957795130823.75, "-5.729577951308238e14", "-572957795130823.8"},
		{178558659057260.625, "1.7855865905726063e14", "178558659057260.63"},
		{math.MaxFloat64, "1.7976931348623157e308", "1.7976931348623157e308"},
	} {
		if got := toString(Float(c.f)); got != c.display {
			t.Errorf("display of %v = %s, want %s", c.f, got, c.display)
		}
		if got := debugString(Float(c.f)); got != c.debug {
			t.Errorf("debug form of %v = %s, want %s", c.f, got, c.debug)
		}
	}
}

func TestForms(t *testing.T) {
	nested := Array([]Value{Int(1), String("a\"b"), Char('c'), Float(1e20), Unit(), Map(map[string]Value{"k k": Char('\'')})})
	for _, c := range []struct {
		v                   Value
		display, debug, raw string
	}{
		{Unit(), "", "()", "()"},
		{Char('"'), `"`, `"`, `'"'`},
		{Char('\''), `'`, `'`, `'\''`},
		{String("é\n\u0301\x7f\u200b"), "é\n\u0301\x7f\u200b", `"é\n\u{301}\u{7f}\u{200b}"`, `"é\n\u{301}\u{7f}\u{200b}"`},
		{nested, `[1, "a\"b", c, 1e20, (), #{"k k": '}]`, `[1, "a\"b", c, 1e20, (), #{"k k": '}]`, `[1, "a\"b", 'c', 1e20, (), #{"k k": '\''}]`},
		{Range(1, math.MaxInt64, false), "1..", "1..", "1.."},
		{Range(-1, 4, true), "-1..=4", "-1..=4", "-1..=4"},
		{Blob([]byte("123456789")), "[3132333435363738 39]", "[3132333435363738 39]", "[3132333435363738 39]"},
		{timestamp(5), "<timestamp>", "<timestamp>", "<timestamp>"},
	} {
		if got := toString(c.v); got != c.display {
			t.Errorf("display = %s, want %s", got, c.display)
		}
		if got := debugString(c.v); got != c.debug {
			t.Errorf("debug form = %s, want %s", got, c.debug)
		}
		if got := reprString(c.v); got != c.raw {
			t.Errorf("raw form = %s, want %s", got, c.raw)
		}
	}
}

// A function may capture the variable that holds it.
func TestRawFormOfACycleEnds(t *testing.T) {
	cell := &cellObj{hdr: hdr{kind: kindCell}}
	f := &fnObj{hdr: hdr{kind: KindFn}, name: "f", curry: []Value{{p: &cell.hdr}}}
	cell.v = Value{p: &f.hdr}
	if got, want := reprString(cell.v), `Fn("f", Fn("f", <shared>) (shared))`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestPrintingIsChargedAndLimited(t *testing.T) {
	elems := make([]Value, 10000)
	for i := range elems {
		elems[i] = String(strings.Repeat("x", 10))
	}
	vm := testMachine()
	vm.limits.MaxStringSize = 1000
	if _, err := vm.display(Array(elems)); err == nil || err.(*Error).Kind != ErrDataTooLarge {
		t.Errorf("printing 140 kB within a limit of 1,000 bytes: %v", err)
	}
	vm = testMachine()
	vm.budget, vm.granted, vm.limits.MaxOperations = 100, 100, 100
	if _, err := vm.display(Array(elems)); err == nil || err.(*Error).Kind != ErrTooManyOperations {
		t.Errorf("printing 140 kB within 100 operations: %v", err)
	}
}

func TestNumberParsing(t *testing.T) {
	for _, c := range []struct {
		text  string
		radix int
		want  int64
		err   error
	}{
		{"123", 10, 123, nil},
		{"-7f", 16, -127, nil},
		{"+z", 36, 35, nil},
		{"-9223372036854775808", 10, math.MinInt64, nil},
		{"9223372036854775807", 10, math.MaxInt64, nil},
		{"9223372036854775808", 10, 0, errIntTooLarge},
		{"-9223372036854775809", 10, 0, errIntTooSmall},
		{"99999999999999999999x", 10, 0, errIntDigit},
		{"", 10, 0, errIntEmpty},
		{"-", 10, 0, errIntDigit},
		{"1_000", 10, 0, errIntDigit},
		{"0x10", 16, 0, errIntDigit},
		{"2", 2, 0, errIntDigit},
	} {
		if got, err := parseInt(c.text, c.radix); got != c.want || err != c.err {
			t.Errorf("parseInt(%q, %d) = %d, %v", c.text, c.radix, got, err)
		}
	}
	for text, want := range map[string]float64{
		"1": 1, "1.": 1, ".5": 0.5, "-1e3": -1000, "1E+2": 100, "inf": math.Inf(1), "-Infinity": math.Inf(-1), "1e999": math.Inf(1),
	} {
		if got, err := parseFloat(text); got != want || err != nil {
			t.Errorf("parseFloat(%q) = %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", ".", "e5", "1e", "0x1p3", "1_0", "+-1", "1.2.3", " 1"} {
		if _, err := parseFloat(text); err == nil {
			t.Errorf("parseFloat(%q) gives no error", text)
		}
	}
}

func TestLetterCase(t *testing.T) {
	for _, c := range []struct{ in, upper, lower string }{
		{"straße", "STRASSE", "straße"},
		{"ΌΔΟΣ ΣΑΣ", "ΌΔΟΣ ΣΑΣ", "όδος σας"},
		{"ﬁ", "FI", "ﬁ"},
		{"İ", "İ", "i\u0307"},
		{"abcXYZ", "ABCXYZ", "abcxyz"},
	} {
		if got, _ := upperCase(c.in, nil); got != c.upper {
			t.Errorf("upper case of %q = %q, want %q", c.in, got, c.upper)
		}
		if got, _ := lowerCase(c.in, nil); got != c.lower {
			t.Errorf("lower case of %q = %q, want %q", c.in, got, c.lower)
		}
	}
}

func TestLossyUTF8(t *testing.T) {
	for in, want := range map[string]string{
		"ok": "ok", "a\xffb": "a\ufffdb", "\xe2\x82": "\ufffd", "\xe2\x82x": "\ufffdx", "\xf0\x9f\x98\xff": "\ufffd\ufffd",
		"\xed\xa0\x80": "\ufffd\ufffd\ufffd", "\xc0\xaf": "\ufffd\ufffd",
	} {
		if got := lossyUTF8([]byte(in)); got != want {
			t.Errorf("lossyUTF8(%q) = %q, want %q", in, got, want)
		}
	}
}

// Containers and iterators are shown in raw form where they are not printed: in errors, and as a part of a string.
func TestShownRaw(t *testing.T) {
	eng := NewEngine()
	for src, want := range map[string]string{
		`let s = "abc"; s[0..1] = [1, 'c', "x"]; s`:                     `[1, 'c', "x"]bc`,
		`let s = "abc"; s[0..1] = #{ a: 'c' }; s`:                       `#{"a": 'c'}bc`,
		`let s = "abc"; s[0..1] = "d".chars; s`:                         "rhai::packages::iter_basic::CharsStreambc",
		`let s = "abc"; s[0..1] = 1.50; s`:                              "1.5bc",
		`throw "abc".chars`:                                             "Runtime error: rhai::packages::iter_basic::CharsStream (line 1, position 1)",
		`throw [5.bits, 'c']`:                                           "Runtime error: [rhai::packages::iter_basic::BitRange, 'c'] (line 1, position 1)",
		`let x = "a".chars; x[7] += 1`:                                  "Indexer unavailable: range [i64] = i64 (line 1, position 21)",
		`throw 0..3`:                                                    "Runtime error: 0..3 (line 1, position 1)",
		`let s = "abc"; s[0..1] += ['c']; s + "abc".chars + ['c', "d"]`: `a[c]bcrange[c, "d"]`,
	} {
		p, err := eng.Compile("", src)
		if err != nil {
			t.Fatal(err)
		}
		v, err := p.Run(t.Context(), nil)
		got := v.String()
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", src, got, want)
		}
	}
}
