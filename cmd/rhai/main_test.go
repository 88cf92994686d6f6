package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// call runs a command line and returns its status and outputs.
func call(t *testing.T, in string, args ...string) (status int, out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	status = command(context.Background(), args, strings.NewReader(in), &o, &e)
	return status, o.String(), e.String()
}

func file(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRun(t *testing.T) {
	dir := t.TempDir()
	file(t, dir, "lib.rhai", "fn twice(x) { 2 * x } export const ONE = 1;")
	main := file(t, dir, "main.rhai", `import "lib" as lib; print("hi"); debug([1]); lib::twice(21) + lib::ONE`)
	status, out, errOut := call(t, "", "run", main)
	if want := "hi\n[" + main + " 1:35] [1]\n43\n"; status != 0 || out != want && out != strings.Replace(want, main+" ", "", 1) {
		t.Errorf("status %d, %q, %q", status, out, errOut)
	}
	if status, out, errOut := call(t, "()", "run", "-"); status != 0 || out != "" || errOut != "" {
		t.Errorf("status %d, %q, %q", status, out, errOut)
	}
	status, _, errOut = call(t, "let x = 1;\nx.y.z()", "run", "-")
	if status != 1 || !strings.HasPrefix(errOut, "-: ") || !strings.Contains(errOut, "line 2") {
		t.Errorf("status %d, %q", status, errOut)
	}
}

func TestWrongUsage(t *testing.T) {
	for _, args := range [][]string{{}, {"run"}, {"nonsense"}, {"bench", "x"}, {"check"}, {"repl", "x"}} {
		if status, _, errOut := call(t, "", args...); status != 2 || !strings.Contains(errOut, "usage:") {
			t.Errorf("%v: status %d, %q", args, status, errOut)
		}
	}
	if _, _, errOut := call(t, "", "fmt", "-x", "-"); !strings.HasPrefix(errOut, "rhai fmt: unknown flag -x\nusage:") {
		t.Errorf("%q", errOut)
	}
	if status, out, _ := call(t, "", "fmt", "--help"); status != 0 || out != usage {
		t.Errorf("status %d, %q", status, out)
	}
	if status, _, errOut := call(t, "1", "bench", "-", "none"); status != 2 || !strings.Contains(errOut, "none") {
		t.Errorf("status %d, %q", status, errOut)
	}
}

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	good := file(t, dir, "good.rhai", "fn f() { 1 }")
	bad := file(t, dir, "bad.rhai", "let x =\n;")
	worse := file(t, dir, "worse.rhai", "fn")
	status, _, errOut := call(t, "", "check", good, bad, worse)
	want := bad + ": Syntax error: Unexpected ';' (line 2, position 1)\n   2 | ;\n     | ^\n" +
		worse + ": Syntax error: Expecting function name in function declaration (line 1, position 3)\n   1 | fn\n     |   ^\n"
	if status != 1 || errOut != want {
		t.Errorf("status %d, got\n%swant\n%s", status, errOut, want)
	}
	if status, out, errOut := call(t, "", "check", good); status != 0 || out+errOut != "" {
		t.Errorf("status %d, %q", status, out+errOut)
	}
}

func TestCheckWarns(t *testing.T) {
	in := "#!/usr/bin/env rhai\nlet f = |x| x;\nf(1);\n\tg();\nfn g(y) { y + f }"
	status, out, errOut := call(t, in, "check", "-")
	want := `-: warning: Function not found: f with 1 argument (line 3, position 1)
   3 | f(1);
     | ^
hint: f is a variable: a closure in a variable is called with f.call(…)
-: warning: Function not found: g with no arguments (line 4, position 2)
   4 | 	g();
     | 	^
hint: g has 1 parameter
-: warning: Variable not found: f (line 5, position 15)
   5 | fn g(y) { y + f }
     |               ^
hint: functions do not see the variables outside of them: pass f as an argument, or use a closure
`
	if status != 0 || out != want || errOut != "" {
		t.Errorf("status %d, got\n%s%s\nwant\n%s", status, out, errOut, want)
	}
	status, _, errOut = call(t, in, "run", "-")
	if status != 1 || !strings.HasSuffix(errOut, "(line 3, position 1)\n   3 | f(1);\n     | ^\nhint: f is a variable: a closure in a variable is called with f.call(…)\n") {
		t.Errorf("status %d, %q", status, errOut)
	}
}

func TestCheckWarnsOfImports(t *testing.T) {
	dir := t.TempDir()
	file(t, dir, "lib.rhai", "fn f() { 1 }")
	main := file(t, dir, "main.rhai", "import \"lib\" as lib;\nimport \"gone\" as gone;\nlib::f() + gone::f() + other::f() + nothing;\nlet name = \"x\"; import name as x;")
	status, out, errOut := call(t, "", "check", main)
	if status != 0 || errOut != "" {
		t.Errorf("status %d, %s", status, errOut)
	}
	for _, want := range []string{
		"Module not found: gone (line 2, position 1)\n   2 | import \"gone\" as gone;\n     | ^\nhint: there is no file " + filepath.Join(dir, "gone.rhai"),
		"Module not found: other (line 3, position 24)", "Variable not found: nothing (line 3, position 37)",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	if n := strings.Count(out, "warning:"); n != 3 {
		t.Errorf("%d warnings in\n%s", n, out)
	}
}

// In the reference the errors of arithmetic have no position; who runs a script wants one.
func TestRunShowsWhereArithmeticFailed(t *testing.T) {
	for in, want := range map[string]string{
		"let x = 9223372036854775807;\nx + 1":     "-: Addition overflow: 9223372036854775807 + 1 (line 2, position 3)\n   2 | x + 1\n     |   ^\n",
		"let x = 0;\nx -= 1;\nx %= 0;":            "-: Modulo division by zero or overflow: -1 % 0 (line 3, position 3)\n   3 | x %= 0;\n     |   ^\n",
		"fn f(x) {\n  1 / x\n}\nlet y = f(0);\ny": "-: Division by zero: 1 / 0 (line 2, position 5)\nin call to function 'f' (line 4, position 9)\n   2 |   1 / x\n     |     ^\n",
		"let x = -9223372036854775807 - 1;\n-x":   "-: Negation overflow: --9223372036854775808 (line 2, position 1)\n   2 | -x\n     | ^\n",
		"1 / 0":                                   "-: Division by zero: 1 / 0 (line 1, position 3)\n   1 | 1 / 0\n     |   ^\n",
	} {
		if status, _, errOut := call(t, in, "run", "-"); status != 1 || errOut != want {
			t.Errorf("%q: status %d, got\n%swant\n%s", in, status, errOut, want)
		}
	}
	status, out, _ := call(t, `{"id": "a", "script": "1 / 0"}`, "batch")
	if status != 0 || !strings.Contains(out, `"error":"Division by zero: 1 / 0","kind":"ErrorArithmetic","stdout"`) {
		t.Errorf("batch keeps the reference's text: %s", out)
	}
}

func TestFmt(t *testing.T) {
	dir := t.TempDir()
	ugly := file(t, dir, "ugly.rhai", "#!/usr/bin/env rhai\nlet  x=1 ;x")
	fine := file(t, dir, "fine.rhai", "let x = 1;\n")
	bad := file(t, dir, "bad.rhai", "let")
	const want = "#!/usr/bin/env rhai\nlet x = 1;\nx\n"

	if status, out, errOut := call(t, "", "fmt", ugly, fine); status != 0 || out != want+"let x = 1;\n" {
		t.Errorf("status %d, %q %q", status, out, errOut)
	}
	if status, out, _ := call(t, "", "fmt", "-l", ugly, fine); status != 1 || out != ugly+"\n" {
		t.Errorf("-l: status %d, %q", status, out)
	}
	if status, out, errOut := call(t, "", "fmt", "-w", ugly, fine, bad); status != 1 || out != "" || !strings.HasPrefix(errOut, bad+": ") {
		t.Errorf("-w: status %d, %q %q", status, out, errOut)
	}
	text, err := os.ReadFile(ugly)
	if err != nil || string(text) != want {
		t.Errorf("%v, %q", err, text)
	}
	if status, out, errOut := call(t, "", "fmt", "-l", ugly, fine); status != 0 || out+errOut != "" {
		t.Errorf("-l after -w: status %d, %q %q", status, out, errOut)
	}
	if status, out, _ := call(t, "1+1", "fmt", "-w", "-"); status != 0 || out != "1 + 1\n" {
		t.Errorf("standard input: status %d, %q", status, out)
	}
	for _, args := range [][]string{{"fmt"}, {"fmt", "-x", "a"}} {
		if status, _, _ := call(t, "", args...); status != 2 {
			t.Errorf("%v: status %d", args, status)
		}
	}
}

func TestFmtOfFirstLines(t *testing.T) {
	for in, want := range map[string]string{
		"#!/usr/bin/env rhai\r\n\r\nlet  x=1;\r\n":   "#!/usr/bin/env rhai\nlet x = 1;\n",
		"\ufeff#!/usr/bin/env rhai\n// a\nlet  x=1;": "#!/usr/bin/env rhai\n// a\nlet x = 1;\n",
		"\ufefflet  x=1;":     "let x = 1;\n",
		"#!/usr/bin/env rhai": "#!/usr/bin/env rhai\n",
	} {
		status, out, errOut := call(t, in, "fmt", "-")
		if status != 0 || out != want {
			t.Errorf("%q: status %d, %q %s", in, status, out, errOut)
		}
		if _, again, _ := call(t, out, "fmt", "-"); again != out {
			t.Errorf("%q: the second time %q", in, again)
		}
	}
}

// What fmt refuses is shown as check shows it.
func TestFmtExplains(t *testing.T) {
	for _, in := range []string{"let x = ;", "#!/usr/bin/env rhai\nlet a = 1;\nlet x = null;", "\ufefflet é = 1; x++"} {
		status, _, errOut := call(t, in, "fmt", "-")
		_, _, want := call(t, in, "check", "-")
		if status != 1 || errOut != want || !strings.Contains(errOut, "^") {
			t.Errorf("%q: status %d, got\n%swant\n%s", in, status, errOut, want)
		}
	}
}

func TestBench(t *testing.T) {
	status, out, errOut := call(t, "let s = 0; for i in 0..100 { s += i; } print(s);", "bench", "-", "5")
	if status != 0 || !regexp.MustCompile(`^\d+ \d+\n$`).MatchString(out) {
		t.Errorf("status %d, %q, %q", status, out, errOut)
	}
}

func TestDisasm(t *testing.T) {
	status, out, errOut := call(t, "fn add(a, b) { a + b } add(1, 2)", "disasm", "-")
	if status != 0 || !strings.Contains(out, "    1 | fn add(a, b) { a + b } add(1, 2)\n          0  ") {
		t.Errorf("status %d, %q, %q", status, out, errOut)
	}
}

func TestBatch(t *testing.T) {
	in := `{"id":"a","script":"print(1); [1, \"<\"]"}
{"id":"b","script":"fn f() { throw 5 } f()"}
{"id":"c","script":"let x = ;"}

{"id":"d","script":"()"}
`
	status, out, errOut := call(t, in, "batch")
	want := []string{
		`{"id":"a","ok":true,"type":"array","repr":"[1, \"<\"]","to_string":"[1, \"<\"]","stdout":["1"],"debug":[]}`,
		`{"id":"b","ok":false,"error":"Runtime error: 5 (line 1, position 10)\nin call to function 'f' (line 1, position 20)","kind":"ErrorInFunctionCall","line":1,"pos":20,"stdout":[],"debug":[]}`,
		`{"id":"c","ok":false,"error":"Syntax error: Unexpected ';' (line 1, position 9)","kind":"ErrorParsing","line":1,"pos":9,"stdout":[],"debug":[]}`,
		`{"id":"d","ok":true,"type":"()","repr":"()","to_string":"","stdout":[],"debug":[]}`,
	}
	if got := strings.Split(strings.TrimSpace(out), "\n"); status != 0 || strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("status %d %s, got\n%s\nwant\n%s", status, errOut, out, strings.Join(want, "\n"))
	}
	for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %s", line)
		}
	}
	// A line that is no question has an answer, too, and those after it are answered.
	in = "nonsense\n" + `{"id": "x", "script": 5}` + "\n" + `{"id": "y", "script": "6 * 7"}` + "\n"
	status, out, errOut = call(t, in, "batch")
	want = []string{
		`{"id":"","ok":false,"error":"line 1 is no question such as {\"id\":\"1\",\"script\":\"40 + 2\"}: invalid character 'o' in literal null (expecting 'u')","stdout":[],"debug":[]}`,
		`{"id":"x","ok":false,"error":"line 2 is no question such as {\"id\":\"1\",\"script\":\"40 + 2\"}: json: cannot unmarshal number into Go struct field question.script of type string","stdout":[],"debug":[]}`,
		`{"id":"y","ok":true,"type":"i64","repr":"42","to_string":"42","stdout":[],"debug":[]}`,
	}
	if got := strings.Split(strings.TrimSpace(out), "\n"); status != 0 || strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("status %d %s, got\n%s\nwant\n%s", status, errOut, out, strings.Join(want, "\n"))
	}
}

func TestRepl(t *testing.T) {
	in := `let x = 40;
fn add(a) {
  a + 2 // é
}
add(x)
fn add(a) { a * 2 }
add(x)
x = "a";
x
let = 5
(1 +

`
	status, out, errOut := call(t, in, "repl")
	want := "> > | | > 42\n> > 80\n> > \"a\"\n> Expecting name of a variable (line 1, position 5)\n" +
		"> | Script is incomplete (line 3, position 1)\n> \n"
	if status != 0 || out != want {
		t.Errorf("status %d %s, got\n%s\nwant\n%s", status, errOut, out, want)
	}
}
