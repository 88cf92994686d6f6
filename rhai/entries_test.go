package rhai

import (
	"fmt"
	"testing"
)

func TestMapOf(t *testing.T) {
	for _, n := range []int{0, 1, 3, 4, 5, 13, chunkMax, chunkMax + 1, 1000} {
		entries := make([]Entry, 0, n+1)
		for i := range n {
			entries = append(entries, Entry{fmt.Sprintf("k%04d", (i*7919)%max(n, 1)), Int(int64(i))})
		}
		if n > 0 {
			entries = append(entries, Entry{entries[0].Key, Array([]Value{Int(-1)})})
		}
		want := map[string]Value{}
		for _, e := range entries {
			want[e.Key] = e.Value
		}
		got := MapOf(entries)
		if got.Repr() != Map(want).Repr() {
			t.Errorf("of %d entries: %s, want %s", n, got.Repr(), Map(want).Repr())
		}
		if n > 0 && got.mp().depth != 2 {
			t.Errorf("of %d entries: depth %d", n, got.mp().depth)
		}
		vm := &machine{budget: unlimited, maxMemory: unlimited}
		if err := vm.setKey(got.mp(), "k00005", Unit()); err != nil || got.Len() != len(want)+1 {
			t.Errorf("of %d entries: one more key gives %d, %v", n, got.Len(), err)
		}
	}
}

// RunInputs leaves the scope alone, and scripts see what they see without it.
func TestRunInputs(t *testing.T) {
	prog, err := NewEngine().Compile("", `
		fn add(a, x) { a.push(x); a }
		let list = given; list = add(list, 4); const k = 5; given = "other"; list.len + k`)
	if err != nil {
		t.Fatal(err)
	}
	for _, inputs := range []bool{false, true} {
		var opts []RunOption
		want := `3 variables, given="other"`
		if inputs {
			opts, want = append(opts, RunInputs()), `1 variables, given=[1, 2, 3]`
		}
		for range 2 { // the second time on a machine that has been used
			s := NewScope().Push("given", Array([]Value{Int(1), Int(2), Int(3)}))
			v, err := prog.Run(t.Context(), s, opts...)
			if err != nil || v.Repr() != "9" {
				t.Fatalf("inputs %v: %s, %v", inputs, v.Repr(), err)
			}
			g, _ := s.Get("given")
			if got := fmt.Sprintf("%d variables, given=%s", s.Len(), g.Repr()); got != want {
				t.Errorf("inputs %v: %s, want %s", inputs, got, want)
			}
		}
	}
}
