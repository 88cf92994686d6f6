package rhai_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/picloud/picloud/rhai"
)

// What a run adds to its scope is in order of definition, whoever defines it, and a name that is defined again in the
// same place has one entry: the next script on the scope finds what this one ended with.
func TestScopeAfterRedefinitions(t *testing.T) {
	for script, want := range map[string]string{
		`let a = 1; let a = 2;`:                                            "a=2",
		`let a = 1; let b = 2; const a = 3;`:                               "const a=3 b=2",
		`const a = 1; let a = 2; a = 3;`:                                   "a=3",
		`let a = 1; { let a = 2; } let a = 3;`:                             "a=3",
		`let a = 1; let f = || a; let a = 2; let r = f.call(); f = 0;`:     "a=2 f=0 r=1",
		`eval("let q = 1"); let q = 2;`:                                    "q=1 q=2",
		`let q = 2; eval("let q = 1; let q = 5");`:                         "q=2 q=5",
		`eval("let a = 1"); let b = 2; eval("let c = 3"); let d = 4;`:      "a=1 b=2 c=3 d=4",
		`let a = 1; eval("let b = 2"); let c = b; return; let d = 4;`:      "a=1 b=2 c=2",
		`eval("let w = 3"); let y = eval("let v = 4");`:                    "w=3 v=4 y=",
		`let y = 1; { eval("let q = 1"); exit(2); }`:                       "y=1",
		`let y = 1; if true { eval("eval(\"let q = 1\")"); return; }`:      "y=1",
		`let y = 1; eval("let q = 1; { eval(\"let r = 1\"); exit(3); }");`: "y=1 q=1",
		`eval("eval(\"let q = 1\")"); let y = 1; return;`:                  "q=1 y=1",
		`let x = 1;`: "x=1",
	} {
		scope := rhai.NewScope()
		p, err := rhai.NewEngine().CompileScope(scope, "", script)
		if err != nil {
			t.Fatal(script, err)
		}
		if _, err := p.Run(t.Context(), scope); err != nil {
			t.Fatal(script, err)
		}
		var got []string
		scope.Each(func(name string, v rhai.Value, constant bool) bool {
			s := fmt.Sprintf("%s=%s", name, v)
			if constant {
				s = "const " + s
			}
			got = append(got, s)
			return true
		})
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %q, want %q", script, got, want)
		}
	}
}
