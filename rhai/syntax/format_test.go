package syntax

import (
	"bufio"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFormat(t *testing.T) {
	for _, c := range []struct{ name, src, want string }{
		{"spaces", "let  x=1+2*-y;x", "let x = 1 + 2 * -y;\nx\n"},
		{"empty", "  \n\n", ""},
		{"only comments", "// a  \n\n\n/* b */", "// a\n\n/* b */\n"},
		{"functions", "fn f(a,b){a+b}\nprivate  fn int.g (){\nthis+1}", "fn f(a, b) { a + b }\nprivate fn int.g() {\n    this + 1\n}\n"},
		{"two statements", "if a{b;c}", "if a {\n    b;\n    c\n}\n"},
		{"branches alike", "if a{b}else if c{d;e}else{f}", "if a {\n    b\n} else if c {\n    d;\n    e\n} else {\n    f\n}\n"},
		{"else moves up", "if a { b }\nelse\n{ c }\ntry { d }\ncatch\n(e) { f }", "if a { b } else { c }\ntry { d } catch (e) { f }\n"},
		{"short block", "while a { b(); }", "while a { b(); }\n"},
		{"do", "do { x+=1; }\nwhile x<3;do { x } until x", "do { x += 1; } while x < 3;\ndo { x } until x\n"},
		{"loops", "for(a,b)in 0..=n-1{}loop{break 1}", "for (a, b) in 0..=n - 1 {}\nloop { break 1 }\n"},
		{"ranges", "switch x{1..5=>a,..=2=>b,_=>c} y[..]; y[1..]", "switch x { 1..5 => a, ..=2 => b, _ => c }\ny[..];\ny[1..]\n"},
		{"switch", "switch x{\n1|2 if a=>{b}\n3=>c,_=>{d;e}}", "switch x {\n    1 | 2 if a => { b }\n    3 => c,\n    _ => {\n        d;\n        e\n    }\n}\n"},
		{"map", "#{a:1,\"b c\":#{}}", "#{ a: 1, \"b c\": #{} }\n"},
		{"map in lines", "#{a:1,\nb:2}", "#{\n    a: 1,\n    b: 2\n}\n"},
		{"chain", "a\n.b()\n.c(|x|{\nx})\n.d;", "a\n    .b()\n    .c(|x| {\n        x\n    })\n    .d;\n"},
		{"closures", "f(||1,|a,b|a+b,| |2)", "f(|| 1, |a, b| a + b, | | 2)\n"},
		{"signs", "- 1 - -x + + +y - 5.abs() - - 5.abs()", "- 1 - -x + + +y - 5.abs() - - 5.abs()\n"},
		{"not", "!a&& !!b; c!in d; f!(1)", "!a && !!b;\nc !in d;\nf!(1)\n"},
		{"float before range", "1. ..x; 1. .b", "1. ..x;\n1. .b\n"},
		{"interpolation", "let s=`a${b+1}\n  ${ {c} }`;", "let s = `a${b+1}\n  ${ {c} }`;\n"},
		{"modules", "import\"m\"as m;export const A=m::B;m::c::d ()", "import \"m\" as m;\nexport const A = m::B;\nm::c::d()\n"},
		{"comments", "a;// one\n\n\n\n// two\nb /* three */+c;\n{\n\n// four\n\n}", "a; // one\n\n// two\nb /* three */ + c;\n{\n    // four\n}\n"},
		{"comment in an expression", "let a = b +// c\nd;", "let a = b + // c\n    d;\n"},
		{"block comment moves", "{{\n  /* a\n     b */\nx}}", "{\n    {\n        /* a\n           b */\n        x\n    }\n}\n"},
		{"condition in lines", "if a\n&&b\n{\nc}", "if a\n    && b {\n    c\n}\n"},
		{"arguments in lines", "f(\na,\n[1,\n2])", "f(\n    a,\n    [1,\n        2]\n)\n"},
		{"carriage returns", "a;\r\n\r\n// b \r\nc", "a;\n\n// b\nc\n"},
		{"carriage returns in texts", "let a = `b\r\nc`; // d\r\n/* e\r\n f */ \r\n", "let a = `b\r\nc`; // d\n/* e\n f */\n"},
		{"comments in brackets", "f( /* a */ b /* c */ , /* d */ [ /* e */ ] /* f */ ) /* g */ ;", "f(/* a */ b /* c */, /* d */ [/* e */] /* f */) /* g */;\n"},
		{"comments in a map", "#{ // a\nb: /* c */ 1, // d\n/* e */ }", "#{ // a\n    b: /* c */ 1, // d\n    /* e */\n}\n"},
		{"comments in a switch", "switch a { // b\n1 => /* c */ 2 /* d */ , // e\n// f\n_ /* g */ => 3 }", "switch a { // b\n    1 => /* c */ 2 /* d */, // e\n    // f\n    _ /* g */ => 3\n}\n"},
		{"comments in a chain", "a // b\n.c() // d\n// e\n.f();", "a // b\n    .c() // d\n    // e\n    .f();\n"},
		{"comments around branches", "if a { b } // c\n// d\nelse { e } // f", "if a { b } // c\n// d\nelse { e } // f\n"},
		{"comments of functions", "/// a\nfn f(b, /* c */ d) /* e */ { // g\n}\n\n\n//! h", "/// a\nfn f(b, /* c */ d) /* e */ { // g\n}\n\n//! h\n"},
		{"an open comment", "a; /* b\n  c", "a; /* b\n  c"},
		{"empty statements", "a;;fn f(){};b", "a;;\nfn f() {};\nb\n"},
		{"elvis", "a?.b ?[1]??return  5", "a?.b?[1] ?? return 5\n"},
	} {
		got, err := Format(c.src, Options{})
		if err != nil || got != c.want {
			t.Errorf("%s: %v, got\n%s\nwant\n%s", c.name, err, got, c.want)
		}
		if again, err := Format(got, Options{}); err != nil || again != got {
			t.Errorf("%s: a second time: %v\n%s", c.name, err, again)
		}
	}
	if _, err := Format("let = 1", Options{}); err == nil {
		t.Error("a syntax error was formatted")
	}
}

// corpus is every source of the tests that parses.
func corpus(tb testing.TB) []string {
	var list []string
	file, err := os.Open("../testdata/conformance.jsonl")
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var c struct{ Script string }
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			tb.Fatal(err)
		}
		list = append(list, c.Script)
	}
	files, err := filepath.Glob("../testdata/bench/*.rhai")
	if err != nil || len(files) == 0 {
		tb.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		list = append(list, string(text))
	}
	good := list[:0]
	for _, src := range list {
		if _, err := Parse(src, Options{}); err == nil {
			good = append(good, src)
		}
	}
	return good
}

// TestFormatKeepsPrograms formats every source of the tests as it is and with its white space and comments changed
// at random: the tokens and comments stay, and a second time changes nothing.
func TestFormatKeepsPrograms(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, src := range corpus(t) {
		checkFormat(t, src)
		for range 3 {
			checkFormat(t, scramble(src, rnd))
		}
	}
}

func checkFormat(t *testing.T, src string) {
	t.Helper()
	if _, err := Parse(src, Options{}); err != nil {
		return // scrambling may break a program
	}
	once, err := Format(src, Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, src)
	}
	twice, err := Format(once, Options{})
	if err != nil || twice != once {
		t.Fatalf("not stable: %v\n%s\n--- once\n%s\n--- twice\n%s", err, src, once, twice)
	}
	if a, b := essence(src), essence(once); a != b {
		t.Fatalf("changed\n%s\n--- to\n%s\n--- tokens\n%s\n--- and\n%s", src, once, a, b)
	}
	if l := len(strings.Split(once, "\n")); l > 0 && strings.HasSuffix(once, "\n\n") {
		t.Fatalf("empty lines at the end:\n%q", once)
	}
}

// What has been written on one line, or within many brackets, is laid out in time that grows with its length.
func TestFormatLongLines(t *testing.T) {
	const n = 20000
	for name, src := range map[string]string{
		"statements": strings.Repeat("a;", n),
		"comments":   strings.Repeat("/**/", n),
		"operands":   "x = [" + strings.Repeat("a, /* b */ ", n) + "]",
		"text":       "a(`" + strings.Repeat("b ${c} ", n) + "`)",
		"white":      strings.Repeat(" ", n) + "/* a */" + strings.Repeat("\n", n) + "b",
		"blocks":     strings.Repeat("if a {", 60) + strings.Repeat("}", 60),
	} {
		once, err := Format(src, Options{MaxExprDepth: -1})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if twice, err := Format(once, Options{MaxExprDepth: -1}); err != nil || twice != once {
			t.Errorf("%s: not stable: %v", name, err)
		}
		if essence(src) != essence(once) {
			t.Errorf("%s: changed", name)
		}
	}
}

// essence is the tokens and comments of a source.
func essence(src string) string {
	var b strings.Builder
	for _, l := range lexemes(src, nil, nil) {
		for _, c := range l.comments {
			for _, line := range strings.Split(c.text, "\n") {
				b.WriteString(strings.TrimSpace(line) + "\n")
			}
		}
		b.WriteString(l.kind.String() + " " + l.text + "\n")
	}
	return b.String()
}

// scramble writes the tokens of a source with other white space and comments.
func scramble(src string, rnd *rand.Rand) string {
	gaps := []string{" ", " ", " ", " ", "\n", "\n\n\n", "\t", "  ", " // c \n", "\n// d\n", " /* e */ ", "\n  /* f\n   g */\n"}
	var b strings.Builder
	for _, l := range lexemes(src, nil, nil) {
		b.WriteString(gaps[rnd.IntN(len(gaps))])
		b.WriteString(l.text)
	}
	return b.String()
}

func FuzzFormat(f *testing.F) {
	for i, src := range corpus(f) {
		if i%40 == 0 {
			f.Add(src)
		}
	}
	f.Add("a(/* b */); // c\r\n/* d\r\n e */ #{f: `g\r\n${/* h */ 1}`}")
	f.Fuzz(func(t *testing.T, src string) {
		if len(src) < 1<<12 {
			checkFormat(t, src)
		}
	})
}

// However many comments a line has, what it begins with is looked at once: else this takes a minute.
func TestFormatOfCommentsOnOneLine(t *testing.T) {
	for _, src := range []string{
		strings.Repeat(" ", 500_000) + strings.Repeat("/*x*/", 100_000) + "a",
		strings.Repeat(" ", 500_000) + strings.Repeat("a/*x*/;", 70_000),
	} {
		out, err := Format(src, Options{})
		if err != nil || strings.HasPrefix(out, "  ") {
			t.Error(err)
		}
	}
}
