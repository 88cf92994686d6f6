package rhai_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/picloud/picloud/rhai"
)

func TestImports(t *testing.T) {
	p, err := rhai.NewEngine().Compile("test", `import "b" as b;
fn f() { import "a" as a; a::x() }
let g = || { import `+"`c`"+` as c; c::x() };
if false { import "d"; }
import "e" + "f" as e;
let name = "g"; import name as g;
import "b" as again;`)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, i := range p.Imports() {
		got = append(got, fmt.Sprintf("%s %d:%d", i.Path, i.Position.Line, i.Position.Col))
	}
	want := []string{"b 1:1", "a 2:10", "c 3:14", "d 4:12", "b 7:1"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
