package fpmath

import (
	"math"
	"math/rand"
	"testing"
)

var unary = []struct {
	name     string
	ours     func(float64) float64
	std      func(float64) float64
	min, max float64
}{
	{"exp", Exp, math.Exp, -745, 709},
	{"log", Log, math.Log, 0, 1e9},
	{"log near 1", Log, math.Log, 0.9, 1.1},
	{"log10", Log10, math.Log10, 0, 1e9},
	{"sin", Sin, math.Sin, -1e5, 1e5},
	{"cos", Cos, math.Cos, -1e5, 1e5},
	{"tan", Tan, math.Tan, -100, 100},
	{"sinh", Sinh, math.Sinh, -700, 700},
	{"sinh small", Sinh, math.Sinh, -1, 1},
	{"cosh", Cosh, math.Cosh, -10, 10},
	{"tanh", Tanh, math.Tanh, -3, 3},
	{"asin", Asin, math.Asin, -1, 1},
	{"acos", Acos, math.Acos, -1, 1},
	{"atan", Atan, math.Atan, -50, 50},
	{"asinh", Asinh, math.Asinh, -10, 10},
	{"acosh", Acosh, math.Acosh, 1, 100},
	{"atanh", Atanh, math.Atanh, -0.9, 0.9},
}

// The standard library is good to a few units in the last place, which is enough to notice a wrong formula.
func TestAgreesWithStandardLibrary(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	for _, f := range unary {
		for range 2000 {
			x := f.min + rnd.Float64()*(f.max-f.min)
			got, want := f.ours(x), f.std(x)
			if diff := math.Abs(got - want); diff > 1e-14*math.Abs(want)+1e-15 {
				t.Fatalf("%s(%v) = %v, want about %v", f.name, x, got, want)
			}
		}
	}
	for range 2000 {
		x, y := rnd.NormFloat64()*100, rnd.NormFloat64()*100
		if got, want := Atan2(x, y), math.Atan2(x, y); math.Abs(got-want) > 1e-14 {
			t.Fatalf("atan2(%v, %v) = %v, want about %v", x, y, got, want)
		}
		if got, want := Hypot(x, y), math.Hypot(x, y); math.Abs(got-want) > 1e-15*want {
			t.Fatalf("hypot(%v, %v) = %v, want about %v", x, y, got, want)
		}
		if got, want := Pow(math.Abs(x), y/10), math.Pow(math.Abs(x), y/10); math.Abs(got-want) > 1e-12*want {
			t.Fatalf("pow(%v, %v) = %v, want about %v", x, y, got, want)
		}
	}
}

// Powers of small integers are exact in float64, so the result must be.
func TestPowIsExact(t *testing.T) {
	for base := 2; base <= 30; base++ {
		want := 1.0
		for n := 0; want < 1<<53; n++ {
			if got := Pow(float64(base), float64(n)); got != want {
				t.Errorf("pow(%d, %d) = %v, want %v", base, n, got, want)
			}
			want *= float64(base)
		}
	}
}

// Correctly rounded values, computed with 200 bits.
func TestHardValues(t *testing.T) {
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"sin 1e22", Sin(1e22), -0.8522008497671888},
		{"cos 1e22", Cos(1e22), 0.523214785395139},
		{"sin 2**1000", Sin(0x1p1000), -0.15920170308624243},
		{"sin pi", Sin(math.Pi), 1.2246467991473532e-16},
		{"tan pi/2", Tan(math.Pi / 2), 1.633123935319537e+16},
		{"exp 1", Exp(1), 2.718281828459045},
		{"exp -740", Exp(-740), 4.199557e-322},
		{"log 1+eps", Log(1 + 0x1p-52), 2.2204460492503128e-16},
		{"log 5e-324", Log(5e-324), -744.4400719213812},
		{"log10 1000", Log10(1000), 3},
		{"log10 1e-300", Log10(1e-300), -300},
		{"pow 2 -1074", Pow(2, -1074), 5e-324},
		{"pow 1.0000001 1e9", Pow(1.0000001, 1e9), 2.6881038582144647e+43},
		{"atan 1", Atan(1), math.Pi / 4},
		{"acos -1", Acos(-1), math.Pi},
		{"hypot 3e200 4e200", Hypot(3e200, 4e200), 4.9999999999999995e200},
		{"hypot tiny", Hypot(3e-320, 4e-320), 5e-320},
	} {
		if c.got != c.want {
			t.Errorf("%s = %v, want %v", c.name, c.got, c.want)
		}
	}
}

func TestSpecialCasesFollowIEEE(t *testing.T) {
	specials := []float64{0, math.Copysign(0, -1), 1, -1, 2, -2, 3, -3, 0.5, -0.5, math.Inf(1), math.Inf(-1), math.NaN(), 1e308, -1e308, 5e-324}
	same := func(a, b float64) bool {
		return a == b && math.Signbit(a) == math.Signbit(b) || math.IsNaN(a) && math.IsNaN(b) ||
			math.Abs(a-b) <= 1e-15*math.Abs(b)
	}
	for _, f := range unary {
		for _, x := range specials {
			if math.Abs(x) == 1e308 || x == 5e-324 {
				continue // the standard library's sine and amd64 logarithm lose precision there
			}
			if got, want := f.ours(x), f.std(x); !same(got, want) {
				t.Errorf("%s(%v) = %v, want %v", f.name, x, got, want)
			}
		}
	}
	for _, x := range specials {
		for _, y := range specials {
			if got, want := Pow(x, y), math.Pow(x, y); !same(got, want) {
				t.Errorf("pow(%v, %v) = %v, want %v", x, y, got, want)
			}
			if got, want := Atan2(x, y), math.Atan2(x, y); !same(got, want) {
				t.Errorf("atan2(%v, %v) = %v, want %v", x, y, got, want)
			}
			if got, want := Hypot(x, y), math.Hypot(x, y); !same(got, want) {
				t.Errorf("hypot(%v, %v) = %v, want %v", x, y, got, want)
			}
		}
	}
}

func TestModIsExact(t *testing.T) {
	rnd := rand.New(rand.NewSource(2))
	for range 20000 {
		x := math.Float64frombits(rnd.Uint64())
		y := math.Float64frombits(rnd.Uint64())
		got, want := Mod(x, y), math.Mod(x, y)
		if got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Fatalf("mod(%v, %v) = %v, want %v", x, y, got, want)
		}
	}
	for _, c := range [][3]float64{{-7, 3, -1}, {6, -3, 0}, {1e308, 5e-324, 0}, {5e-324 * 7, 5e-324 * 4, 5e-324 * 3}, {5, math.Inf(1), 5}} {
		if got := Mod(c[0], c[1]); got != c[2] {
			t.Errorf("mod(%v, %v) = %v, want %v", c[0], c[1], got, c[2])
		}
	}
}

func BenchmarkSin(b *testing.B) {
	for b.Loop() {
		Sin(1.25)
	}
}

func BenchmarkLog(b *testing.B) {
	for b.Loop() {
		Log(1.25)
	}
}
