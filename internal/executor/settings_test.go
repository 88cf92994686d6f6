package executor

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/store"
)

func TestVariablesAndSecrets(t *testing.T) {
	onBoth(t, Config{}, func(t *testing.T, b *bench) {
		b.host.variables = map[string]string{"REGION": "eu", "EMPTY": ""}
		b.host.secrets = map[string]string{"KEY": "sesame"}
		for src, want := range map[string]string{
			`env::get("REGION")`:                          "200 text/plain; charset=utf-8 eu",
			`env::get("EMPTY", "x")`:                      "200 text/plain; charset=utf-8",
			`env::get("NONE")`:                            "204",
			`env::get("NONE", 5)`:                         "200 application/json 5",
			`env::get("KEY")`:                             "204",
			`secret::get("KEY")`:                          "200 text/plain; charset=utf-8 sesame",
			`secret::get("KEY").len()`:                    "200 application/json 6",
			`[secret::has("KEY"), secret::has("REGION")]`: "200 application/json [true,false]",
		} {
			if got := answer(b.run(src, nil)); got != want {
				t.Errorf("%s\n got %s\nwant %s", src, got, want)
			}
		}
		for src, want := range map[string]string{
			`secret::get("NONE")`: "the app has no secret NONE: set it with `pic secrets set NONE --app demo`",
			`env::get("A-B")`:     "the name contains a character that is not allowed: allowed are letters",
			`secret::get("")`:     "the name is empty",
		} {
			if res := b.run(src, nil); !strings.Contains(res.Error, want) || res.Response.Status != 500 {
				t.Errorf("%s: %d, %s", src, res.Response.Status, res.Error)
			}
		}
	})
}

// A run that asks again asks its host once: it sees one value as long as it lasts.
func TestSettingsAreAskedForOnce(t *testing.T) {
	b := newBench(t, New(Config{}))
	b.host.secrets = map[string]string{"KEY": "sesame"}
	for src, want := range map[string]int{
		`1`: 0, `for i in 0..5 { env::get("A"); env::get("B"); }`: 1, `for i in 0..5 { secret::get("KEY"); secret::has("KEY"); }`: 1,
	} {
		b.host.asked = 0
		if b.run(src, nil); b.host.asked != want {
			t.Errorf("%s: asked %d times, want %d", src, b.host.asked, want)
		}
	}
}

func TestSettingsThatCannotBeRead(t *testing.T) {
	onBoth(t, Config{}, func(t *testing.T, b *bench) {
		b.host.closed = errors.New("the key is lost")
		for _, src := range []string{`env::get("A")`, `secret::get("A")`, `try { secret::get("A") } catch { "went on" }`} {
			res := b.run(src, nil)
			if res.Status != store.StatusError || res.Response.Status != 503 || !strings.Contains(res.Error, "the key is lost") || strings.Contains(string(res.Response.Body), "lost") {
				t.Errorf("%s: %s, %q, %s", src, res.Status, res.Error, answer(res))
			}
		}
	})
}

// recorded is everything that is kept of a run.
func recorded(res *invoke.Result) string {
	var b strings.Builder
	b.WriteString(res.Error + "\n")
	for _, l := range res.Logs {
		b.WriteString(l.Message + "\n")
	}
	for _, c := range res.Calls {
		fmt.Fprintf(&b, "%+v\n", c)
	}
	return b.String()
}

// Whatever a script logs or throws, a secret that it has read is not recorded.
func TestSecretsAreNotRecorded(t *testing.T) {
	const value = `Tr0ub4dor&3 "quoted" <b> ünicode/+?%`
	onBoth(t, Config{}, func(t *testing.T, b *bench) {
		b.host.secrets = map[string]string{"KEY": value, "OTHER": "0ther-s3cret"}
		b.host.add(`fn leak(x) { throw x }`)
		for _, src := range []string{
			`print(k)`, `debug(k)`, `log::error(k)`, `log::warn("it is " + k + "!")`, `log::info("x", #{ a: [k] })`, `log::info([k])`,
			"print(`a ${k} b ${k}`)", `print(to_debug(k))`, `print([k])`, `print(#{ k: k })`, `log::info(k.to_blob())`,
			`print(base64::encode(k))`, `print(base64::encode_url(k))`, `print("Basic " + base64::encode("ada:" + k))`, `print(base64::encode("x" + k + "yz"))`,
			`print(base64::encode("xy" + k + "yz"))`, `print(hex::encode(k))`, `print(hex::encode(k).to_upper())`, `print(url::encode(k))`, `print(html::escape(k))`, `print(json::stringify(k))`,
			`throw k`, `throw "it is " + k`, `throw #{ a: k }`, `throw http_error(500, k)`, `throw http_error(404, k)`, `k.nope()`, `k.nope`, `nope(k)`, `let a = #{}; a[k].b.c`, `json::parse(k)`, `parse_int(k)`,
			`fn f(x) { throw x } f(k)`, `kv::add(k, 1); kv::set("a", "b"); kv::add("a", 1)`, `json(|| k)`, `topic::publish(k, 1)`, `secret::get(k)`, `env::get(k)`,
			`try { throw k } catch (e) { log::error(e) }`, `let s = k; for i in 0..20 { s += k; log::info(s); }`, `print(k + secret::get("OTHER") + k)`,
			`kv::set("stolen", k); log::info(kv::get("stolen"))`, `regex::find(k, "(")`, `http::get(k)`, `http::get("http://" + url::encode(k) + ".invalid/")`, `http::request(k, "http://127.0.0.1/")`, `let x = k; x += 1; x / 2`,
		} {
			res := b.run(`let k = secret::get("KEY"); `+src, nil)
			text := recorded(res)
			for _, form := range append(forms(value), forms("0ther-s3cret")...) {
				if strings.Contains(text, form) {
					t.Errorf("%s is recorded as\n%.500s", src, text)
					break
				}
			}
			// Nor is what could be put together from it: no eight bytes of it stand there.
			for i := 0; i+8 <= len(value); i++ {
				if strings.Contains(text, value[i:i+8]) {
					t.Errorf("%s: %q is recorded in\n%.500s", src, value[i:i+8], text)
					break
				}
			}
		}
		res := b.run(`let k = secret::get("KEY"); print("key: " + k); throw k`, nil)
		if res.Logs[0].Message != "key: [secret:KEY]" || !strings.HasPrefix(res.Error, "Runtime error: [secret:KEY]") {
			t.Errorf("recorded: %q", recorded(res))
		}
		// What the script answers is its own affair.
		if got := answer(b.run(`secret::get("KEY")`, nil)); !strings.Contains(got, value) {
			t.Errorf("answered: %s", got)
		}
	})
}

// A secret is hidden before a long text is cut: no half of it stays.
func TestSecretsAreHiddenBeforeTheCut(t *testing.T) {
	b := newBench(t, New(Config{}))
	value := strings.Repeat("s3cr3t-", 10)
	b.host.secrets = map[string]string{"KEY": value}
	for n := 0; n < 80; n += 7 {
		res := b.run(fmt.Sprintf(`let k = secret::get("KEY"); let fill = "x"; fill.pad(%d, 'x'); log::info(fill + k); fill.pad(%d, 'x'); throw fill + k`, 200-n, 4090-n), func(s *invoke.Start) { s.Limits.LogBytes = 200 })
		if strings.Contains(recorded(res), "s3cr3t") {
			t.Errorf("%d before the end: %s", n, recorded(res))
		}
	}
}

func TestMaskForms(t *testing.T) {
	m := &mask{}
	m.add("SHORT", "abc")
	m.add("KEY", "hunter2!")
	m.add("LONGER", "hunter2!hunter3!")
	m.add("PEM", "-----BEGIN-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQ\n-----END-----\n")
	b64 := base64.StdEncoding.EncodeToString
	for text, want := range map[string]string{
		"abc":                                  "abc", // too short to hide
		"hunter2":                              "hunter2",
		"hunter2!":                             "[secret:KEY]",
		"a hunter2!hunter3! b hunter2!":        "a [secret:LONGER] b [secret:KEY]",
		b64([]byte("hunter2!")):                "[secret:KEY]=",
		hex.EncodeToString([]byte("hunter2!")): "[secret:KEY]",
		"hunter2%21":                           "[secret:KEY]",
		"line MIIEvQIBADANBg end":              "line [secret:PEM] end",
	} {
		if got := m.hide(text); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
	for _, text := range []string{"ada:hunter2!", "xhunter2!x", "xxhunter2!xx", "hunter2!x"} {
		if got := m.hide(b64([]byte(text))); !strings.Contains(got, "[secret:KEY]") {
			t.Errorf("base64 of %s: %s", text, got)
		}
	}
	var none *mask
	if none.hide("hunter2!") != "hunter2!" {
		t.Error("a run without secrets hides something")
	}
}

// Of secrets that overlap in a text, and of one that overlaps itself, nothing is left.
func TestMaskOfOverlappingSecrets(t *testing.T) {
	m := &mask{}
	m.add("A", "abcdefgh")
	m.add("B", "efghijkl")
	m.add("INNER", "cdef")
	m.add("SAME", "xyxyxy")
	for text, want := range map[string]string{
		"- abcdefghijkl -":       "- [secret:A][secret:B] -",
		"efghijklabcdefgh":       "[secret:B][secret:A]",
		"- abcdefgh -":           "- [secret:A] -",
		"abcdef":                 "ab[secret:INNER]",
		"abcdefghabcdefgh":       "[secret:A]",
		"abcdefgh abcdefgh":      "[secret:A] [secret:A]",
		"1xyxyxyxyxyx2":          "1[secret:SAME]x2",
		"1xyxyxyxy2":             "1[secret:SAME]2",
		"abcdefghijklcdefghijkl": "[secret:A][secret:B][secret:INNER][secret:B]",
	} {
		if got := m.hide(text); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

// What is hidden is every byte of every piece, as found by trying each at each place.
func TestPiecesAgreeWithASearch(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	random := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = "ab\xff"[r.IntN(3)]
		}
		return string(b)
	}
	for range 2000 {
		marks := map[string]string{}
		for range 1 + r.IntN(8) {
			marks[random(1+r.IntN(6))] = "#"
		}
		text := random(r.IntN(30))
		hidden := make([]bool, len(text))
		for i := range text {
			for piece := range marks {
				if strings.HasPrefix(text[i:], piece) {
					for k := range len(piece) {
						hidden[i+k] = true
					}
				}
			}
		}
		want := ""
		for i, h := range hidden {
			if !h {
				want += text[i : i+1]
			} else if i == 0 || !hidden[i-1] {
				want += "#"
			}
		}
		if got := index(marks).hide(text); got != want {
			t.Fatalf("%q in %q: got %q, want %q", slices.Sorted(maps.Keys(marks)), text, got, want)
		}
	}
}

// However a text is made of secrets and cut, no piece of one of them is left.
func TestMaskWithin(t *testing.T) {
	long := ""
	for i := range 40 {
		long += fmt.Sprintf("%02d-abcdefg", i)
	}
	m := &mask{}
	m.add("LONG", long)
	m.add("SHORT", "hunter2!hunter2?")
	for _, text := range []string{
		strings.Repeat(long, 20), "x" + strings.Repeat("hunter2!hunter2?", 100), strings.Repeat("x"+long+"hunter2!hunter2?", 10),
		strings.Repeat("x", 150) + long, base64.StdEncoding.EncodeToString([]byte(strings.Repeat(long, 5))),
	} {
		for limit := 0; limit < 700; limit += 13 {
			got := cut(m.hideWithin(text, limit), limit)
			for i := 0; i+8 <= len(long); i++ {
				if strings.Contains(got, long[i:i+8]) {
					t.Fatalf("the first %d bytes of %.40s…: %s", limit, text, got)
				}
			}
			if strings.Contains(got, "hunter2!") {
				t.Fatalf("the first %d bytes of %.40s…: %s", limit, text, got)
			}
		}
	}
	if got := m.hide("a " + long + " b"); got != "a [secret:LONG] b" {
		t.Errorf("a long secret is hidden as %s", got)
	}
	if got := m.hide("a " + long[:100] + " b"); !strings.HasPrefix(got, "a [secret:LONG]") {
		t.Errorf("a part of it is hidden as %s", got)
	}
}

// Secrets made to be expensive to look for do not hold up an execution beyond its
// limits, nor take the executor's memory.
func TestCostlySecrets(t *testing.T) {
	b := newBench(t, New(Config{}))
	b.host.secrets = map[string]string{"A": strings.Repeat("a", 64<<10), "LINES": strings.Repeat("aaaaaaaa\n", 7000)}
	for i := range 40 {
		b.host.secrets[fmt.Sprint("S", i)] = strings.Repeat("a", 8000) + fmt.Sprint(i)
	}
	res := b.run(`let s = secret::get("A"); let l = secret::get("LINES"); for i in 0..10 { s += "b"; log::info(s + s + s); }`, func(s *invoke.Start) { s.Limits.LogBytes = 256 << 10 })
	if res.Status != store.StatusOK || strings.Contains(recorded(res), "aaaaaaaa") {
		t.Errorf("%s, %s", res.Status, res.Error)
	}
	res = b.run(`for i in 0..40 { secret::get("S" + i); }`, nil)
	if res.Status != store.StatusLimit || !strings.Contains(res.Error, "256 KiB of secrets") {
		t.Errorf("%s, %s", res.Status, res.Error)
	}
}
