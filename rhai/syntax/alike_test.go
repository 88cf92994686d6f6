package syntax

import (
	"math/rand/v2"
	"testing"
)

// The distance is that of the plain definition.
func TestEditDistance(t *testing.T) {
	var plain func(a, b string) int
	plain = func(a, b string) int {
		if a == "" || b == "" {
			return len(a) + len(b)
		}
		x, y := a[:len(a)-1], b[:len(b)-1]
		d := plain(x, y)
		if a[len(x)] != b[len(y)] {
			d = 1 + min(d, plain(x, b), plain(a, y))
		}
		if len(x) > 0 && len(y) > 0 && a[len(x)] == b[len(y)-1] && a[len(x)-1] == b[len(y)] {
			d = min(d, 1+plain(x[:len(x)-1], y[:len(y)-1]))
		}
		return d
	}
	r := rand.New(rand.NewPCG(1, 2))
	word := func() string {
		b := make([]byte, r.IntN(7))
		for i := range b {
			b[i] = "abc"[r.IntN(3)]
		}
		return string(b)
	}
	for range 20000 {
		a, b := word(), word()
		want := min(3, plain(a, b))
		if len(a)-len(b) > 2 || len(b)-len(a) > 2 {
			want = 3
		}
		if got := editDistance(a, b); got != want {
			t.Fatalf("%q and %q: %d, want %d", a, b, got, want)
		}
	}
}
