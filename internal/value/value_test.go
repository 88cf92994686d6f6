package value

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/picloud/picloud/rhai"
)

func run(t testing.TB, script string) rhai.Value {
	t.Helper()
	p, err := rhai.NewEngine().Compile("test", script)
	if err != nil {
		t.Fatal(err)
	}
	v, err := p.Run(t.Context(), rhai.NewScope())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Every type comes back as it went, which its debug form shows.
func TestTypesAreKept(t *testing.T) {
	for _, script := range []string{
		`()`, `true`, `false`, `0`, `-1`, `9223372036854775807`, `-9223372036854775807 - 1`,
		`1.0`, `-0.0`, `1e300`, `'a'`, `'\U0001F600'`, `""`, `"h\u00e4llo"`, `blob(3, 7)`, `blob()`,
		`[]`, `[1, 1.0, '1', "1", [()]]`, `#{}`, `#{ b: 1, a: #{ c: [1.5] }, "": 'x' }`, `1..5`, `-3..=3`,
	} {
		v := run(t, script)
		b, err := Encode(v)
		if err != nil {
			t.Errorf("%s: %v", script, err)
			continue
		}
		got, err := Decode(b, nil)
		if err != nil || got.TypeName() != v.TypeName() || got.Repr() != v.Repr() {
			t.Errorf("%s: got %s %s, %v", script, got.TypeName(), got.Repr(), err)
		}
	}
	b, err := Encode(rhai.Float(math.NaN()))
	if err != nil {
		t.Fatal(err)
	}
	v, err := Decode(b, nil)
	if f, ok := v.AsFloat(); err != nil || !ok || !math.IsNaN(f) {
		t.Errorf("NaN: got %v, %v", f, err)
	}
}

func TestRefused(t *testing.T) {
	for script, want := range map[string]string{
		`|x| x`:             "type Fn cannot be stored",
		`[1, #{ f: || 1 }]`: "type Fn cannot be stored",
		`timestamp()`:       "type timestamp cannot be stored",
	} {
		if _, err := Encode(run(t, script)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", script, err, want)
		}
	}
	for _, v := range []rhai.Value{
		rhai.String(strings.Repeat("x", MaxSize)), rhai.Blob(make([]byte, MaxSize)), rhai.Array(make([]rhai.Value, MaxSize)),
		rhai.Map(map[string]rhai.Value{strings.Repeat("x", MaxSize): {}}),
	} {
		if _, err := Encode(v); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s of a MiB: %v", v.TypeName(), err)
		}
	}
	deep := rhai.Int(1)
	for range MaxDepth {
		deep = rhai.Array([]rhai.Value{deep})
	}
	if b, err := Encode(deep); err != nil {
		t.Errorf("as deep as can be: %v", err)
	} else if _, err := Decode(b, nil); err != nil {
		t.Errorf("reading that: %v", err)
	}
	if _, err := Encode(rhai.Array([]rhai.Value{deep})); !errors.Is(err, ErrTooDeep) {
		t.Errorf("one deeper: %v", err)
	}
	tooDeep := append([]byte{format}, bytes.Repeat([]byte{tagArray, 1}, MaxDepth+2)...)
	if _, err := Decode(append(tooDeep, tagUnit), nil); !errors.Is(err, ErrTooDeep) {
		t.Errorf("reading two deeper: %v", err)
	}
}

func TestDamaged(t *testing.T) {
	for _, b := range []string{
		"", "\x01", "\x02\x00", "\x01\x0c", "\x01\x00\x00", "\x01\x03", "\x01\x04123", "\x01\x05\xff\xff\xff\x7f", "\x01\x05\x80\xb0\x03",
		"\x01\x06\x05abc", "\x01\x06\x01\xff", "\x01\x07\xff\xff\xff\xff\x0f", "\x01\x08\x02\x00", "\x01\x09\x01\x01a", "\x01\x09\x02\x01a\x00\x01a\x00", "\x01\x0a\x02",
	} {
		if v, err := Decode([]byte(b), nil); !errors.Is(err, ErrDamaged) {
			t.Errorf("%q: got %s, %v", b, v.Repr(), err)
		}
	}
}

// Memory is announced before it is taken, so that a run's limit can end it.
func TestDecodeAllocates(t *testing.T) {
	b, err := Encode(rhai.Array(make([]rhai.Value, 1000)))
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	if _, err := Decode(b, func(n int) error { total += n; return nil }); err != nil || total < 16000 {
		t.Errorf("announced %d bytes, %v", total, err)
	}
	full := errors.New("full")
	for _, script := range []string{`[1]`, `#{ a: 1 }`, `"x"`, `blob(1, 1)`, `1..2`} {
		if b, err = Encode(run(t, script)); err != nil {
			t.Fatal(err)
		}
		if _, err := Decode(b, func(int) error { return full }); !errors.Is(err, full) {
			t.Errorf("%s: got %v", script, err)
		}
	}
}

func TestInt(t *testing.T) {
	for _, n := range []int64{0, 1, -1, 300, math.MaxInt64, math.MinInt64} {
		want, err := Encode(rhai.Int(n))
		if err != nil || !bytes.Equal(EncodeInt(n), want) {
			t.Errorf("%d: %x, want %x (%v)", n, EncodeInt(n), want, err)
		}
		if got, ok := DecodeInt(want); !ok || got != n {
			t.Errorf("%d: got %d, %t", n, got, ok)
		}
	}
	for _, v := range []rhai.Value{rhai.Float(1), rhai.Unit(), rhai.String("1")} {
		b, err := Encode(v)
		if _, ok := DecodeInt(b); ok || err != nil {
			t.Errorf("%s is read as an integer (%v)", v.Repr(), err)
		}
	}
}

// An object around a value is what a map of it would be, also around the
// largest and the deepest there can be.
func TestObject(t *testing.T) {
	encode := func(v rhai.Value) []byte {
		t.Helper()
		b, err := Encode(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	deep := rhai.Int(1)
	for range MaxDepth {
		deep = rhai.Array([]rhai.Value{deep})
	}
	key := rhai.String(strings.Repeat("k", 512))
	for _, v := range []rhai.Value{rhai.Int(-7), rhai.Unit(), run(t, `#{ a: [1, 2.5, 'x'] }`), deep, rhai.String(strings.Repeat("x", MaxSize-100))} {
		b, err := Object(Field{"value", encode(v)}, Field{"key", encode(key)})
		if err != nil {
			t.Errorf("%.40s: %v", v.Repr(), err)
			continue
		}
		got, err := Decode(b, nil)
		if want := rhai.Map(map[string]rhai.Value{"key": key, "value": v}); err != nil || got.DebugString() != want.DebugString() {
			t.Errorf("%.40s: got %.80s, %v", v.Repr(), got.Repr(), err)
		}
	}
	large := Field{"value", encode(rhai.String(strings.Repeat("x", MaxSize-100)))}
	if _, err := Object(large, large); !errors.Is(err, ErrTooLarge) {
		t.Errorf("two of a MiB: %v", err)
	}
	if _, err := Object(Field{"value", nil}); !errors.Is(err, ErrDamaged) {
		t.Errorf("of nothing: %v", err)
	}
}

// Whatever can be read is written and read again to the same.
func FuzzDecode(f *testing.F) {
	for _, script := range []string{`[1, 2.5, 'x', "y", blob(2, 3), 1..2, 3..=4, (), true]`, `#{ a: #{ b: [] } }`} {
		b, err := Encode(run(f, script))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("\x01\x09\x02\x01b\x00\x01a\x03\x80\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := Decode(b, nil)
		if err != nil {
			return
		}
		again, err := Encode(v)
		if errors.Is(err, ErrTooLarge) || errors.Is(err, ErrTooDeep) { // as an Object can be
			return
		}
		if err != nil {
			t.Fatalf("%q was read but cannot be written: %v", b, err)
		}
		w, err := Decode(again, nil)
		if err != nil {
			t.Fatalf("%q was written but cannot be read: %v", again, err)
		}
		if third, err := Encode(w); err != nil || !bytes.Equal(third, again) {
			t.Fatalf("%q is written as %q, then as %q (%v)", b, again, third, err)
		}
	})
}
