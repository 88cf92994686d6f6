package syntax

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
)

func TestHints(t *testing.T) {
	for src, want := range map[string]string{
		// brackets
		"fn f() {\n  if a {\n    b;\n}\nf();": "the { at line 1, position 8 is not closed; by the indentation, it is the one at line 2, position 8 that lacks its }",
		"fn f() {\n  a;\n":                    "the { at line 1, position 8 is not closed",
		"if a { 1 } else { 2":                 "the { at line 1, position 17 is not closed",
		"let a = [1, 2":                       "the [ at line 1, position 9 is not closed",
		"let m = #{ a: 1":                     "the #{ at line 1, position 9 is not closed",
		"f(\"a\"":                             "the ( at line 1, position 2 is not closed",
		"f(1, 2\nlet b = 3;":                  "the ( at line 1, position 2 is still open here",
		"let a = [1, 2;":                      "the [ at line 1, position 9 is still open here",
		"f([1, 2);":                           "the [ at line 1, position 3 is still open here",
		"let s = `a${ f(1 }`;":                "the ( at line 1, position 15 is still open here",
		"a; }":                                "nothing is open here: this } is one too many",
		"f(a));":                              "nothing is open here: this ) is one too many",
		"fn f() {\n/* a\n}":                   "the comment that begins in line 2 does not end",
		// words
		"if a == 1 and b { }":               "&&, || and !",
		"let a = b or c;":                   "&&, || and !",
		"if not a { }":                      "&&, || and !",
		"function f(a) { a }":               "fn name(a, b)",
		"def f(a): a":                       "fn name(a, b)",
		"func f() { 1 }":                    "fn name(a, b)",
		"fn f { 1 }":                        "fn f() {",
		"pub fn f() { }":                    "leave out pub",
		"static fn f() { }":                 "leave out static",
		"export fn f() { }":                 "leave out export",
		"fn f(a: int) { a }":                "no type annotations",
		"fn f(a) -> int { a }":              "no type of their result",
		"fn f(a = 1) { a }":                 "no default values",
		"fn f() { fn g() { } }":             "top level",
		"let f = function(a) { a };":        "closures are written",
		"let f = fn(a) { a };":              "a closure: |x| x + 1",
		"let f = a => a;":                   "closures are written",
		"b.map(a => a * 2)":                 "closures are written",
		"let f = lambda x: x;":              "closures are written",
		"var a = 1;":                        "with let",
		"int a = 1;":                        "with let",
		"let mut a = 1;":                    "leave out mut",
		"let a: int = 1;":                   "no type annotations",
		"let (a, b) = c;":                   "one variable",
		"const [a] = c;":                    "one variable",
		"let match = 1;":                    "choose another name",
		"let in = 1;":                       "choose another name",
		"fn f(default) { }":                 "choose another name",
		"let a = null;":                     "written ()",
		"if a == nil { }":                   "written ()",
		"async fn f() { }":                  "leave out async",
		"new Date()":                        "no constructors",
		"throw new Error(\"a\");":           "any value can be thrown",
		"raise \"a\"":                       "with throw",
		"class A { }":                       "no classes",
		"if a { } elif b { }":               "else if",
		"if a { } elsif (b) { }":            "else if",
		"if a { } elseif b { }":             "else if",
		"if a then b":                       "without then",
		"a = 1 if b;":                       "the condition comes first",
		"unless a { }":                      "if !(a)",
		"if a return 1;":                    "braces",
		"if (a) print(1);":                  "braces",
		"while (a)\n  b += 1;":              "braces",
		"if a:\n  b":                        "braces",
		"while a do { }":                    "without do",
		"loop { } until a":                  "do { … } until",
		"for (let i = 0; i < 9; i++) { }":   "for i in 0..10",
		"for (var i = 0; i < 9; i++) { }":   "for i in 0..10",
		"for (i = 0; i < 9; i += 1) { }":    "for i in 0..10",
		"for i = 0; i < 9; i += 1 { }":      "for i in 0..10",
		"for (;;) { }":                      "loop { … }",
		"for (a in b) { }":                  "without parentheses",
		"for a of b { }":                    "for x in list",
		"for a, b in c { }":                 "two variables",
		"for a in 10 { }":                   "0..10",
		"foreach a in b { }":                "for x in list",
		"foreach (a in b) { }":              "for x in list",
		"switch a { case 1: b }":            "without case",
		"switch a { 1 => b, default => c }": "_ =>",
		"switch a { 1: b }":                 "1 => …",
		"match a { 1 => b }":                "switch x",
		"try { } catch e { }":               "catch (e)",
		"try { } except { }":                "with catch",
		"try { } finally { }":               "with catch",
		"try { } catch { } finally { }":     "no finally",
		"a.for_each(|b| { break; })":        "return ends",
		"import a from \"b\";":              "as name",
		"import { a } from \"b\";":          "as name",
		"import * as a from \"b\";":         "as name",
		"from b import a;":                  "as name",
		"use b;":                            "as name",
		"print \"a\";":                      "print is a function",
		"echo \"a\";":                       "print is a function",
		"a as float;":                       "no casts",
		"if a is b { }":                     "== compares",
		"let a = #{ default: 1 };":          "in quotes: #{ \"default\"",
		"let a = #{ b: 1, in: 2 };":         "in quotes: #{ \"in\"",
		"a.default = 1;":                    "x[\"default\"]",
		"let a = b.in;":                     "x[\"in\"]",
		"let a = { b: 1 };":                 "#{ a: 1 }",
		"let a = { \"b\": 1 };":             "#{ a: 1 }",
		"f({ b: 1 })":                       "#{ a: 1 }",
		"let a = #{ b = 1 };":               "#{ a: 1 }",
		"f(a: 1)":                           "no names",
		"f(a = 1)":                          "no names",
		// symbols
		"# a comment":            "begin with //",
		"let a = 1; # a comment": "begin with //",
		"#!/usr/bin/env rhai\na": "for a shell",
		"a++;":                   "x += 1",
		"--a;":                   "x -= 1",
		"a[0]++;":                "+= 1",
		"a ? b : c":              "no ?: operator",
		"if a = 1 { }":           "== compares",
		"while a = 1 { }":        "== compares",
		"if (a = 1) { }":         "== compares",
		"if a == 1 && b = 2 { }": "== compares",
		"5 = a;":                 "== compares",
		"const A = 1; A = 2;":    "let instead of const",
		"let a = b = 1;":         "has no value",
		"if a => b { }":          ">= compares",
		"a <> b":                 "!=",
		"a ??= b":                "x ?? y",
		"let a = .5;":            "0.5",
		"\"a\" . \"b\"":          "joined with +",
		"let a = [...b];":        "joined with +",
		"let $a = 1;":            "without $",
		"let a = f\"b {c}\";":    "`a ${b}`",
		"let a = $\"b {c}\";":    "`a ${b}`",
		// texts
		"print('hello');":       "double quotes",
		"let a = 'it is":        "double quotes",
		"let a = '';":           "written \"\"",
		"let a = \"b\nlet c":    "between backticks",
		"let a = \"\\d\";":      "backslash",
		"let a = “b”;":          "straight quotes",
		"let a\u00a0= 1;":       "U+00A0",
		"\ufefflet a = 1;":      "byte order mark",
		"a – b":                 "minus",
		"let größe = 1;":        "letters a to z",
		"let a = 1\nlet b = 2;": "semicolon",
		"let a = 1 let b = 2;":  "semicolon",
		"f(1)\ng(2)":            "semicolon",
		// where nothing is sure
		"let a = \"and\" 5;":                  "",
		"let a = 1 // function b\n+ ;":        "",
		"a b":                                 "",
		"let a = \"def\" + ;":                 "",
		"a ? b;":                              "",
		"let a = 1 +;":                        "",
		"break":                               "",
		"this.a = 1":                          "",
		"f(a b)":                              "",
		"[1 2]":                               "",
		"if a b { }":                          "",
		"-- a comment of many words":          "",
		"let function = 5 5":                  "",
		"let a = \"one\n\" + and":             "between backticks",
		"eval(\"let x = 'abc';\"); x.y(+); 1": "",
		"#[test]\nfn f() { }":                 "",
		"let s = `\nclass A {\n`; let t = ;":  "",
	} {
		_, err := Parse(src, Options{})
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%q parses", src)
			continue
		}
		if !strings.Contains(e.Hint(), want) || want == "" && e.Hint() != "" {
			t.Errorf("%q: %v: the hint is %q, want %q", src, e, e.Hint(), want)
		}
	}
}

// The cases of the reference that are no programs are wrong in ways that are no common habits, as a rule. What is said of
// them must be one line.
func TestHintsOfCases(t *testing.T) {
	file, err := os.Open("../testdata/conformance.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var c struct{ Script string }
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		for n := 0; n <= len(c.Script); n += 7 { // cut off anywhere
			_, err := Parse(strings.ToValidUTF8(c.Script[:n], ""), Options{})
			var e *Error
			if errors.As(err, &e) && (strings.Contains(e.Hint(), "\n") || strings.HasSuffix(e.Hint(), ".")) {
				t.Errorf("%q: %q", c.Script[:n], e.Hint())
			}
		}
	}
}
