package rhai

import (
	"math/rand"
	"strings"
	"testing"
)

func TestEveryBuiltinIsDocumented(t *testing.T) {
	for _, n := range coreNatives() {
		if n.Doc == "" || !strings.HasSuffix(n.Doc, ".") {
			t.Errorf("%s: the documentation is no sentence: %q", n.Name, n.Doc)
		}
		if !strings.Contains(n.Example, " // ") {
			t.Errorf("%s: the example has no expected value", n.Name)
		}
		if n.Fn == nil || n.Returns == "" {
			t.Errorf("%s: incomplete", n.Name)
		}
	}
}

// Two functions with the same name and parameters would hide one another.
func TestNoBuiltinIsRegisteredTwice(t *testing.T) {
	seen := map[fnKey][]*Native{}
	for _, n := range coreNatives() {
		k := fnKey{n.Name, len(n.Params)}
		for _, other := range seen[k] {
			if sameParams(n, other) {
				t.Errorf("%s with %d parameters is registered twice", n.Name, len(n.Params))
			}
		}
		seen[k] = append(seen[k], n)
	}
}

// A length that no blob has is less than any.
func TestPadABlobToLessThanNothing(t *testing.T) {
	for _, n := range []string{"-1", "0", "-9223372036854775807 - 1"} {
		v, err := runLimited(t, Limits{}, "let b = blob(2, 7); b.pad("+n+", 1); b.len()", nil)
		if err != nil || v.String() != "2" {
			t.Errorf("pad to %s: %v, %v", n, v, err)
		}
	}
}

func TestSortIsStableAndSurvivesNonsense(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	for n := range 200 {
		elems := make([]Value, n)
		for i := range elems {
			elems[i] = Int(int64(rnd.Intn(10))<<32 | int64(i))
		}
		c := &Call{vm: testMachine()}
		a := Array(append([]Value(nil), elems...)).arr()
		err := c.mergeSort(a, func(x, y Value) (int, error) { return order(x.int()>>32, y.int()>>32), nil })
		if err != nil {
			t.Fatal(err)
		}
		for i := 1; i < n; i++ {
			if a.v[i-1].int() >= a.v[i].int() { // equal keys keep their order, which the low half tells
				t.Fatalf("%d elements: out of order at %d", n, i)
			}
		}
		// A comparison that contradicts itself must neither hang nor lose or double an element.
		b := Array(append([]Value(nil), elems...)).arr()
		if err := c.mergeSort(b, func(Value, Value) (int, error) { return rnd.Intn(3) - 1, nil }); err != nil {
			t.Fatal(err)
		}
		left := map[int64]bool{}
		for _, v := range elems {
			left[v.int()] = true
		}
		for _, v := range b.v {
			delete(left, v.int())
		}
		if len(left) != 0 || len(b.v) != n {
			t.Fatalf("%d elements: %d lost", n, len(left))
		}
	}
}

func TestClip(t *testing.T) {
	for _, c := range []struct {
		n             int
		start, length int64
		from, to      int
	}{
		{5, 1, 2, 1, 3},
		{5, -2, 9, 3, 5},
		{5, -9, 2, 0, 2},
		{5, 9, 2, 5, 5},
		{5, 2, -1, 2, 2},
		{5, 2, 1<<63 - 1, 2, 5},
		{0, 0, 1, 0, 0},
		{5, -1 << 63, 1, 0, 1},
	} {
		if from, to := clip(c.n, c.start, c.length); from != c.from || to != c.to {
			t.Errorf("clip(%d, %d, %d) = %d, %d, want %d, %d", c.n, c.start, c.length, from, to, c.from, c.to)
		}
	}
}
