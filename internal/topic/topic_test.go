package topic

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	for _, name := range []string{"orders", "orders.created", "home.kitchen.zigbee:0x1f", "A-1.b_2", strings.Repeat("a", 200)} {
		if err := Check(name); err != nil {
			t.Error(err)
		}
		if err := CheckPattern(name); err != nil {
			t.Error(err)
		}
	}
	for _, pattern := range []string{"*", ">", "orders.*", "orders.>", "*.created", "*.*.>"} {
		if err := CheckPattern(pattern); err != nil {
			t.Error(err)
		}
	}
	for name, want := range map[string]string{
		"": "the topic is empty", "a..b": "an empty token", ".a": "an empty token", "a.": "an empty token", ".": "an empty token",
		"a b": `contains ' '`, "a/b": `contains '/'`, "ä": `contains 'ä'`, "a\x00": `contains '\x00'`, "orders.*": "for subscriptions", "a>": "for subscriptions",
		strings.Repeat("a", 201): "201 bytes long",
	} {
		if err := Check(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", name, err, want)
		}
	}
	for pattern, want := range map[string]string{
		"": "the pattern is empty", "orders.>.x": `behind ">"`, "orders*": `'*' inside a token`, "a.b>": `'>' inside a token`, "**": "inside a token", "a..>": "an empty token",
		"a b.*": `contains ' '`,
	} {
		if err := CheckPattern(pattern); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", pattern, err, want)
		}
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern string
		takes   string
		leaves  string
	}{
		{"orders", "orders", "order orders.created Orders"},
		{"orders.created", "orders.created", "orders orders.created.eu created.orders"},
		{"orders.*", "orders.created orders.x", "orders orders.created.eu other.created"},
		{"*", "orders", "orders.created"},
		{"*.created", "orders.created users.created", "created a.b.created orders.deleted"},
		{"orders.*.eu", "orders.created.eu", "orders.eu orders.created.us orders.created.eu.de"},
		{"orders.>", "orders.created orders.created.eu", "orders users.created"},
		{"*.>", "orders.created a.b.c", "orders"},
		{">", "orders orders.created a.b.c", ""},
	} {
		for name := range strings.FieldsSeq(c.takes) {
			if !Match(c.pattern, name) {
				t.Errorf("%s does not take in %s", c.pattern, name)
			}
		}
		for name := range strings.FieldsSeq(c.leaves) {
			if Match(c.pattern, name) {
				t.Errorf("%s takes in %s", c.pattern, name)
			}
		}
	}
}

func TestIndex(t *testing.T) {
	var x Index
	if got := x.Match("orders.created"); got != nil {
		t.Errorf("an empty index found %v", got)
	}
	for i, p := range []string{"orders.created", "orders.*", "orders.>", "*.created", ">", "orders.created", "users.>"} {
		x.Add(fmt.Sprintf("s%d", i), p)
	}
	for name, want := range map[string]string{
		"orders.created": "[s0 s1 s2 s3 s4 s5]", "orders.created.eu": "[s2 s4]", "orders": "[s4]", "users.created": "[s3 s4 s6]", "x.y": "[s4]",
	} {
		if got := fmt.Sprint(x.Match(name)); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	if x.Len() != 7 {
		t.Errorf("%d subscriptions", x.Len())
	}
}

// reference says by a regular expression what a pattern takes in.
func reference(pattern string) *regexp.Regexp {
	var b strings.Builder
	for i, token := range strings.Split(pattern, ".") {
		if i > 0 {
			b.WriteString(`\.`)
		}
		switch token {
		case "*":
			b.WriteString(`[^.]+`)
		case ">":
			b.WriteString(`.+`)
		default:
			b.WriteString(regexp.QuoteMeta(token))
		}
	}
	return regexp.MustCompile("^(?:" + b.String() + ")$")
}

// Whatever is checked: a pattern matches as its regular expression does, alone
// and beside another in an index.
func FuzzMatch(f *testing.F) {
	for _, s := range [][3]string{
		{"orders.*", ">", "orders.created"}, {"a.>", "*.b", "a.b"}, {"*.*", "a", "a.b.c"}, {"a.b", "a.b", "a.b"}, {"a..b", "*x", "a.b"}, {"", ">", "."},
	} {
		f.Add(s[0], s[1], s[2])
	}
	f.Fuzz(func(t *testing.T, one, two, name string) {
		if Check(name) != nil {
			return
		}
		if err := CheckPattern(name); err != nil {
			t.Fatalf("a topic that is no pattern: %v", err)
		}
		var x Index
		var want []string
		for i, p := range []string{one, two} {
			if CheckPattern(p) != nil {
				continue
			}
			subscription := fmt.Sprint(i)
			x.Add(subscription, p)
			takes := reference(p).MatchString(name)
			if takes {
				want = append(want, subscription)
			}
			if Match(p, name) != takes {
				t.Fatalf("Match(%q, %q) is %v", p, name, !takes)
			}
		}
		if got := x.Match(name); !slices.Equal(got, want) {
			t.Fatalf("%q, %q of %q: got %v, want %v", one, two, name, got, want)
		}
	})
}

// What a publication costs beside 1,000 subscriptions that it does not concern.
func BenchmarkIndex(b *testing.B) {
	var x Index
	for i := range 1000 {
		x.Add(fmt.Sprintf("s%d", i), fmt.Sprintf("app.noun%d.*", i))
	}
	x.Add("wanted", "app.*.created")
	b.ReportAllocs()
	for b.Loop() {
		if got := x.Match("app.noun7.created"); len(got) != 2 {
			b.Fatal(got)
		}
	}
}
