package syntax

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"testing"
)

// Nothing that nests or repeats may exhaust the stack or take more than linear time.
func TestHostileSources(t *testing.T) {
	// A parser that recurses for each level of the source needs more than 16 bytes of stack for each byte of it,
	// and ends the process here.
	const size = 1 << 20
	defer debug.SetMaxStack(debug.SetMaxStack(16 * size))
	rep := func(s string) string { return strings.Repeat(s, size/len(s)) }
	names := func(format string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	tests := []struct{ name, src, want string }{
		{"parentheses", rep("("), "maximum complexity"},
		{"arrays", rep("["), "maximum complexity"},
		{"maps", rep("#{a:"), "maximum complexity"},
		{"blocks", rep("{"), "maximum complexity"},
		{"if", rep("if true {"), "maximum complexity"},
		{"else if", "if a {}" + rep(" else if a {}"), "maximum complexity"},
		{"switch", rep("switch 1 { 1 => "), "maximum complexity"},
		{"loop", rep("loop {"), "maximum complexity"},
		{"loop value", rep("loop { break "), "Expecting ';'"},
		{"try", rep("try {"), "maximum complexity"},
		{"minus", rep("- "), "maximum complexity"},
		{"not", rep("!"), "maximum complexity"},
		{"operators", rep("1+"), "maximum complexity"},
		{"power", rep("2**"), "maximum complexity"},
		{"coalesce", rep("a??"), "maximum complexity"},
		{"coalesce return", rep("a??return "), "maximum complexity"},
		{"precedence", rep("a||b&&c==d in e<f??g..h+i*j**k<<"), "maximum complexity"},
		{"properties", "a" + rep(".b"), "maximum complexity"},
		{"methods", "a" + rep(".b()"), "maximum complexity"},
		{"indexes", "a" + rep("[0]"), "maximum complexity"},
		{"calls", rep("f("), "maximum complexity"},
		{"closures", rep("||"), "maximum complexity"},
		{"closures with parameters", rep("|a| "), "maximum complexity"},
		{"interpolations", rep("`${"), "maximum complexity"},
		{"assignments", rep("a="), "Expecting ';'"},
		{"throw", rep("throw "), "Expecting ';'"},
		{"namespaces", "a" + rep("::a"), ""},
		{"block comment", rep("/*"), ""},
		{"string", `"` + rep("a"), "not terminated"},
		{"escapes", `"` + rep(`\n`) + `"`, ""},
		{"quotes", `"` + rep(`""`) + `"`, ""},
		{"raw string", rep("#"), "not terminated"},
		{"number", rep("1"), ""},
		{"number separators", "1" + rep("_"), ""},
		{"name", rep("a"), ""},
		{"semicolons", rep(";"), ""},
		{"doc comments", rep("///\n"), ""},
		{"variables", names("let a%d=1;", 60_000), ""},
		{"one variable", rep("let a=a;"), ""},
		{"parameters", "fn f(" + names("a%d,", 60_000) + ") {}", ""},
		{"map keys", "#{" + names("a%d:1,", 60_000) + "}", ""},
		{"captures", "|| [" + names("a%d,", 60_000) + "]", ""},
		{"functions", names("fn f%d() {}", 60_000), ""},
		{"cases", "switch 1 {" + names("%d=>1,", 60_000) + "}", ""},
		{"returns", rep("return;"), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse(test.src, Options{})
			switch {
			case test.want == "" && err != nil:
				t.Errorf("failed: %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want %q", err, test.want)
			}
			// The largest depth that can be asked for must be safe as well.
			Parse(test.src, Options{MaxExprDepth: -1, MaxFnExprDepth: -1})
		})
	}
}

func TestSourceLimits(t *testing.T) {
	tests := []struct {
		src  string
		opts Options
		kind ErrorKind
		want string
	}{
		{"let a = 1;", Options{MaxSourceSize: 9}, SourceTooLarge, "Source of 10 bytes exceeds the maximum limit (9)"},
		{"1;\n é\xff", Options{}, BadInput, "Source is not valid UTF-8 (line 2, position 3)"},
		{`let a = "123456"`, Options{MaxStringLen: 5}, LiteralTooLarge, "Length of string exceeds the maximum limit (5) (line 1, position 9)"},
		{"[1, 2, 3]", Options{MaxArrayLen: 2}, LiteralTooLarge, "Size of array literal exceeds the maximum limit (2) (line 1, position 8)"},
		{"#{a: 1, b: 2}", Options{MaxMapLen: 1}, LiteralTooLarge, "Number of properties in object map literal exceeds the maximum limit (1) (line 1, position 12)"},
		{"fn f() {}\n|| 1", Options{MaxFunctions: 1}, TooManyFunctions, "Number of functions defined exceeds maximum limit (line 2, position 1)"},
		{"((1))", Options{MaxExprDepth: 3}, ExprTooDeep, "Expression exceeds maximum complexity (line 1, position 2)"},
	}
	for _, test := range tests {
		_, err := Parse(test.src, test.opts)
		var e *Error
		if !errors.As(err, &e) || e.Kind != test.kind || e.Error() != test.want {
			t.Errorf("%q: got %v, want %s: %s", test.src, err, test.kind, test.want)
		}
	}
}
