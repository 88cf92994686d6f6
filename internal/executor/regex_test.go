package executor

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"testing"

	"github.com/picloud/picloud/internal/invoke"
)

// The functions of regex find what Go's regexp finds, also where a match
// depends on what stands before it.
func TestRegexAgainstGo(t *testing.T) {
	b := newBench(t, New(Config{}))
	patterns := []string{
		`a`, `a*`, `a+`, `a|b`, `^a`, `(?m)^a`, `a$`, `(?m)a$`, `\ba`, `a\b`, `\Ba`, `\B`, `\b`, ``, `.`, `(?s).`, `x*`, `[^a]`, `é`, `(a)(b)?`, `(?i)A`,
		`^`, `$`, `(?m)^`, `(?m)$`, `\w+`, `\s*`, `(?P<n>a+)(?P<m>b*)`, `aa|a`, `a*?`, `(a|ab)(c|bcd)?`, `\z`, `\A`, `\pL`,
	}
	texts := []string{"", "a", "aa", "ba", "ab", "aab", "a b a", "xaxbx", "éaéa", "a\na\nb", "\na", "日本a語", "abcd abcd", "  a  "}
	src := `let b = request.json(); let p = b.p; let s = b.s;
		[regex::is_match(p, s), regex::find_all(p, s), regex::replace(p, s, "<$0>"), regex::split(p, s), regex::captures_all(p, s).map(|m| m.text)]`
	for _, p := range patterns {
		re := regexp.MustCompile(p)
		for _, s := range texts {
			body, _ := json.Marshal(map[string]string{"p": p, "s": s})
			res := b.run(src, func(st *invoke.Start) { st.Request.Body = body })
			var got []any
			if err := json.Unmarshal(res.Response.Body, &got); err != nil || len(got) != 5 {
				t.Fatalf("%q in %q: %s (%s)", p, s, answer(res), res.Error)
			}
			all := re.FindAllString(s, -1)
			want := []any{re.MatchString(s), all, re.ReplaceAllString(s, "<$0>"), re.Split(s, -1), all}
			for i := range want {
				if i == 3 && p == "" && s == "" {
					continue // Go splits nothing into no parts, here it is one
				}
				if g, w := fmt.Sprintf("%q", got[i]), fmt.Sprintf("%q", want[i]); g != w {
					t.Errorf("%q in %q, part %d: got %s, want %s", p, s, i, g, w)
				}
			}
		}
	}
}

func TestPatternsAreKept(t *testing.T) {
	ps := newPatterns()
	for i := range 2 * maxPatterns {
		p, err := compilePattern(fmt.Sprint("a", i))
		if err != nil {
			t.Fatal(err)
		}
		ps.keep(p)
	}
	if ps.order.Len() != maxPatterns || len(ps.byKey) != maxPatterns {
		t.Errorf("%d patterns are kept", ps.order.Len())
	}
	if ps.kept("a0") != nil || ps.kept(fmt.Sprint("a", 2*maxPatterns-1)) == nil {
		t.Error("the wrong ones are kept")
	}
	for _, bad := range []string{`(`, `[a`, `(?<x`, `a{2,1}`, `\1`, `(?=a)`} {
		if _, err := compilePattern(bad); err == nil {
			t.Errorf("%q compiles", bad)
		}
	}
	// The same work is charged whether a pattern was kept or not.
	b := newBench(t, New(Config{}))
	var counts []int64
	for range 3 {
		counts = append(counts, b.run("regex::is_match(`[0-9]+`, \"a1\")", nil).Operations)
	}
	if len(slices.Compact(counts)) != 1 {
		t.Errorf("operations: %v", counts)
	}
}
