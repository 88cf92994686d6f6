package syntax

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// dump writes a tree as nested lists, without positions.
func dump(n any) string {
	list := func(head string, items ...any) string {
		var b strings.Builder
		b.WriteString("(" + head)
		for _, item := range items {
			b.WriteString(" " + dump(item))
		}
		return b.String() + ")"
	}
	names := func(names []Name) string {
		var s []string
		for _, n := range names {
			s = append(s, n.Name)
		}
		return strings.Join(s, ",")
	}
	exprs := func(xs []Expr) (items []any) {
		for _, x := range xs {
			items = append(items, x)
		}
		return items
	}
	opt := func(x Expr) any {
		if x == nil {
			return "-"
		}
		return x
	}
	switch n := n.(type) {
	case string:
		return n
	case *UnitLit:
		return "()"
	case *BoolLit:
		return fmt.Sprint(n.Value)
	case *IntLit:
		return fmt.Sprint(n.Value)
	case *FloatLit:
		return fmt.Sprintf("%gf", n.Value)
	case *CharLit:
		return fmt.Sprintf("%q", n.Value)
	case *StringLit:
		return fmt.Sprintf("%q", n.Value)
	case *Interpolation:
		return list("text", exprs(n.Segments)...)
	case *ArrayLit:
		return list("array", exprs(n.Items)...)
	case *MapLit:
		var items []any
		for _, e := range n.Entries {
			items = append(items, e.Key.Name+":", e.Value)
		}
		return list("map", items...)
	case *Variable:
		if len(n.Namespace) > 0 {
			return names(n.Namespace) + "::" + n.Name
		}
		return n.Name
	case *This:
		return "this"
	case *Call:
		head := "call " + n.Name
		if n.CallerScope {
			head += "!"
		}
		if len(n.Namespace) > 0 {
			head = "call " + names(n.Namespace) + "::" + n.Name
		}
		return list(head, exprs(n.Args)...)
	case *Unary:
		return list(n.Op.String(), n.X)
	case *Binary:
		return list(n.Op.String(), n.X, n.Y)
	case *Logical:
		return list(n.Op.String(), n.X, n.Y)
	case *Chain:
		items := []any{n.Root}
		for _, l := range n.Links {
			s := ""
			if l.Optional {
				s = "?"
			}
			switch l.Kind {
			case LinkIndex:
				s += "[" + dump(l.Index) + "]"
			case LinkProperty:
				s += "." + l.Name
			case LinkMethod:
				s += "." + list(l.Name, exprs(l.Args)...)
			}
			items = append(items, s)
		}
		return list("chain", items...)
	case *Closure:
		return list("fn |"+names(n.Fn.Params)+"| captures "+names(n.Captures), n.Fn.Body)
	case *StmtExpr:
		return dump(n.Stmt)
	case *Block:
		var items []any
		for _, s := range n.Stmts {
			items = append(items, s)
		}
		return list("block", items...)
	case *ExprStmt:
		return dump(n.X)
	case *VarStmt:
		head := "let "
		if n.Const {
			head = "const "
		}
		if n.Export {
			head = "export " + head
		}
		return list(head+n.Name.Name, opt(n.Value))
	case *AssignStmt:
		return list(n.Op.String(), n.Target, n.Value)
	case *IfStmt:
		if n.Else == nil {
			return list("if", n.Cond, n.Then)
		}
		return list("if", n.Cond, n.Then, n.Else)
	case *WhileStmt:
		if n.Cond == nil {
			return list("loop", n.Body)
		}
		return list("while", n.Cond, n.Body)
	case *DoStmt:
		if n.Until {
			return list("do-until", n.Body, n.Cond)
		}
		return list("do-while", n.Body, n.Cond)
	case *ForStmt:
		v := n.Var.Name
		if n.Counter != nil {
			v += "," + n.Counter.Name
		}
		return list("for "+v, n.Iter, n.Body)
	case *SwitchStmt:
		items := []any{n.X}
		for i, a := range n.Arms {
			var values []any
			for _, c := range n.Cases {
				if c.Arm == i {
					values = append(values, c.Value)
				}
			}
			for _, r := range n.Ranges {
				if r.Arm == i {
					values = append(values, fmt.Sprintf("%d:%d:%v", r.Low, r.High, r.Inclusive))
				}
			}
			if i == n.Default {
				values = append(values, "default")
			}
			values = append(values, "if", opt(a.Cond), "=>", a.Body)
			items = append(items, list("case", values...))
		}
		return list("switch", items...)
	case *BreakStmt:
		return list("break", opt(n.Value))
	case *ContinueStmt:
		return "(continue)"
	case *ReturnStmt:
		return list("return", opt(n.Value))
	case *ThrowStmt:
		return list("throw", opt(n.Value))
	case *TryStmt:
		v := "-"
		if n.Var != nil {
			v = n.Var.Name
		}
		return list("try", n.Body, v, n.Catch)
	case *ImportStmt:
		if n.Alias == nil {
			return list("import", n.Path)
		}
		return list("import", n.Path, n.Alias.Name)
	case *ExportStmt:
		if n.Alias == nil {
			return list("export", n.Name.Name)
		}
		return list("export", n.Name.Name, n.Alias.Name)
	}
	return fmt.Sprintf("?%T", n)
}

func TestTrees(t *testing.T) {
	tests := []struct{ src, want string }{
		{"-2**2 + -x", "(+ (** -2 2) (- x))"},
		{"2**3**2", "(** 2 (** 3 2))"},
		{"1 - 2 - 3 * 4", "(- (- 1 2) (* 3 4))"},
		{"5 & 3 == 1", "(& 5 (== 3 1))"},
		{"a || b && c ?? d", "(|| a (&& b (?? c d)))"},
		{"!a in b", "(in (! a) b)"},
		{"a !in b", "(!in a b)"},
		{"!invert", "(! invert)"},
		{"1..", ""},
		{"f(1.., ..=2)", "(call f (.. 1 ()) (..= 0 2))"},
		{"- 9223372036854775808", "-9.223372036854776e+18f"},
		{"-9223372036854775808", "-9223372036854775808"},
		{"9223372036854775808", "9.223372036854776e+18f"},
		{"0xffff_ffff_ffff_ffff", "-1"},
		{"[0b101, 0o17, 1_000, 5.0, 5., 1e3, 1.5e-3]", "(array 5 15 1000 5f 5f 1000f 0.0015f)"},
		{"5.abs()", "(chain 5 .(abs))"},
		{`"a""b\x41\u00e9\U0001F600\"\n"`, `"a\"bAé😀\"\n"`},
		{"\"a\\\n   b\"", `"a  b"`},
		{"'\\''", `'\''`},
		{"`\na\\n\\${b}`", `"a\\n${b}"`},
		{"`a${b}c${1; d}`", `(text "a" (block b) "c" (block 1 d))`},
		{"`${`${x}`}`", "(text (block (text (block x))))"},
		{`#"a"b"#`, `"a\"b"`},
		{`##"a"#b"##`, `"a\"#b"`},
		{"a.b[1].c(2)?.d?[3]", "(chain a .b [1] .(c 2) ?.d ?[3])"},
		{"(a.b).c[0][1]", "(chain a .b .c [0] [1])"},
		{"(a)(1)", "(call a 1)"},
		{"ns::sub::f(x) + global::X", "(+ (call ns,sub::f x) global::X)"},
		{"f!(1, 2,)", "(call f! 1 2)"},
		{"print(x).call(y)", "(chain (call print x) .(call y))"},
		{"#{a: 1, \"b c\": #{}, }", "(map a: 1 b c: (map))"},
		{"let a; const b = 1; export let c = 2; export a as d; export b", "(let a -) (const b 1) (export let c 2) (export a d) (export b)"},
		{"a.b[0] **= 1; a <<= 2", "(**= (chain a .b [0]) 1) (<<= a 2)"},
		{"if a { 1 } else if b { 2 } else { 3 } + 4", "(if a (block 1) (if b (block 2) (block 3))) 4"},
		{"let x = if a { 1 } else { 2 };", "(let x (if a (block 1) (block 2)))"},
		{"while a { break 1; } loop { continue } do { } until b", "(while a (block (break 1))) (loop (block (continue))) (do-until (block) b)"},
		{"for (x, i) in 0..5 { }", "(for x,i (.. 0 5) (block))"},
		{"switch x { _ => ; }", "(switch x (case default if - => (block)))"},
		{
			"switch x { 1 | 'a' if y => 1, 1..5 => { 2 } 7..7 => 3, -1..=-1 => 4, _ => 5 }",
			"(switch x (case 1 'a' if y => 1) (case (.. 1 5) 1:5:false if - => (block 2)) (case (.. 7 7) if - => 3) (case (..= -1 -1) -1:-1:true if - => 4) (case default if - => 5))",
		},
		{"try { f() } catch (e) { throw; }", "(try (block (call f)) e (block (throw -)))"},
		{`import "a" + b as c; import "d"`, `(import (+ "a" b) c) (import "d")`},
		{"a ?? return 1; a ?? throw", "(?? a (return 1)) (?? a (throw -))"},
		{"|x, y| x + y + z", "(fn |x,y| captures z (block (+ (+ x y) z)))"},
		{"|| |a| { let b = a + c; b + d.e + f(g) }", "(fn || captures c,d,g (block (fn |a| captures c,d,g (block (let b (+ a c)) (+ (+ b (chain d .e)) (call f g))))))"},
		{"fn f() { } || f", "(fn || captures  (block f))"},
		{"{ 1; } 2", "(block 1) 2"},
		{"{1}", "(block 1)"},
		{"_a + __b1", "(+ _a __b1)"},
		{"// c\n/* a /* b */ c */ 1 /// d", "1"},
	}
	for _, test := range tests {
		s, err := Parse(test.src, Options{})
		if test.want == "" {
			if err == nil {
				t.Errorf("%s: no error", test.src)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", test.src, err)
			continue
		}
		var got []string
		for _, stmt := range s.Body {
			got = append(got, dump(stmt))
		}
		if g := strings.Join(got, " "); g != test.want {
			t.Errorf("%s\n got %s\nwant %s", test.src, g, test.want)
		}
	}
}

func TestFunctions(t *testing.T) {
	s, err := Parse(`//! About
//! this.
/// Adds.
/// Twice.
private fn add(a, b) { a + b }
/**
 * Of ints.
 */
fn int.twice() { this * 2 }
/// lost
let x = 1;
fn "my type".f(x) { }
`, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range s.Functions {
		got = append(got, fmt.Sprintf("%v %q.%s%d %q %v", f.Private, f.ThisType, f.Name, len(f.Params), f.Doc, f.Pos))
	}
	want := []string{
		`true "".add2 "/// Adds.\n/// Twice." line 5, position 9`,
		`false "i64".twice0 "/**\n * Of ints.\n */" line 9, position 1`,
		`false "my type".f1 "" line 12, position 1`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if s.Doc != "//! About\n//! this." {
		t.Errorf("doc %q", s.Doc)
	}
}

// Positions count characters, not bytes, and survive what a string swallows.
func TestPositions(t *testing.T) {
	tests := []struct{ src, want string }{
		{"\"é😀\" $", "line 1, position 6"},
		{"/* é */ $", "line 1, position 9"},
		{"let s = `é\né${1}é`; $", "line 2, position 10"},
		{"1; // é", ""},
		{"(1 // é", "line 1, position 8"},
		{"\r\n\t$", "line 2, position 2"},
		{"// a\r$", "line 2, position 1"},
		{"#\"é\né\"# $", "line 2, position 5"},
	}
	for _, test := range tests {
		_, err := Parse(test.src, Options{})
		got := ""
		var e *Error
		if errors.As(err, &e) {
			got = e.Pos.String()
		}
		if got != test.want {
			t.Errorf("%q: got %q, want %q (%v)", test.src, got, test.want, err)
		}
	}
}

func TestJSON(t *testing.T) {
	tests := []struct{ src, want string }{
		{`{"a": [1, -2.5, null, true], /* c */ "b": {"c": "d"},}`, `(map a: (array 1 -2.5f () true) b: (map c: "d"))`},
		{`{"a":}`, "Unexpected '}' (line 1, position 6)"},
		{`{a:1}`, "Expecting name of a property (line 1, position 2)"},
		{`{'a':1}`, "Expecting '}' to end this object map literal (line 1, position 2)"},
		{`#{"a":1}`, "Invalid symbol encountered: '#{' (line 1, position 1)"},
		{"{\"a\": `${1}`}", "Invalid symbol encountered: 'interpolated string' (line 1, position 7)"},
		{`{} 5`, "Unexpected '5' (line 1, position 4)"},
	}
	for _, test := range tests {
		s, err := ParseJSON(test.src, Options{})
		var got string
		if err != nil {
			got = err.Error()
		} else {
			got = dump(s.Body[0])
		}
		if got != test.want {
			t.Errorf("%s\n got %s\nwant %s", test.src, got, test.want)
		}
	}
	if _, err := ParseExpr("loop { }", Options{}); err == nil {
		t.Error("a loop is no expression")
	}
}

func FuzzParse(f *testing.F) {
	for _, c := range conformance(f) {
		f.Add(c.Script)
	}
	corpus, err := os.ReadFile("../testdata/corpus.jsonl") // what earlier fuzzing found interesting
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(corpus)) {
		var script string
		if err := json.Unmarshal([]byte(line), &script); err != nil {
			f.Fatal(err)
		}
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, src string) {
		check := func(s *Script, err error) {
			if err == nil {
				for _, stmt := range s.Body {
					dump(stmt)
					stmt.Pos()
				}
				return
			}
			var e *Error
			if !errors.As(err, &e) || e.Kind == 0 || e.Msg == "" {
				t.Errorf("error %#v", err)
			}
		}
		check(Parse(src, Options{}))
		check(Parse(src, Options{MaxExprDepth: -1, MaxFnExprDepth: -1, MaxFunctions: 3, MaxArrayLen: 3, MaxMapLen: 3, MaxStringLen: 9}))
		check(ParseExpr(src, Options{}))
		check(ParseJSON(src, Options{}))
	})
}

func BenchmarkParse(b *testing.B) {
	files, err := filepath.Glob("../testdata/bench/*.rhai")
	if err != nil || len(files) == 0 {
		b.Fatal("no scripts", err)
	}
	var src strings.Builder
	for i := 0; strings.Count(src.String(), "\n") < 1000; i++ {
		text, err := os.ReadFile(files[i%len(files)])
		if err != nil {
			b.Fatal(err)
		}
		// Functions may not be defined twice: number their names.
		src.WriteString(strings.ReplaceAll(string(text), "fn ", fmt.Sprintf("fn f%d_", i)))
		src.WriteString("\n;\n")
	}
	b.SetBytes(int64(src.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(src.String(), Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
