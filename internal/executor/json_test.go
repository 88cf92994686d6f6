package executor

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/store"
)

var jsonTexts = []string{
	`null`, `true`, `false`, `0`, `-0`, `1`, `-1`, `1.5`, `1e3`, `1E+3`, `1e-3`, `0.0`, `-0.0`, `1.0`, `123456789012345678901234567890`,
	`9223372036854775807`, `9223372036854775808`, `-9223372036854775808`, `1e400`, `-1e400`, `1e-400`,
	`""`, `"a"`, `"\""`, `"\\"`, `"\/"`, `"\b\f\n\r\t"`, `"\u0041"`, `"\u00e9"`, `"\uD83D\uDE00"`, `"\ud83d"`, `"\ude00\ud83d"`, `"\ud83dx"`, `"\ud83d\u0041"`,
	`"é"`, `"😀"`, `"\u0000"`, `"\u001f"`, `" "`, `"a b"`, `"/"`,
	`[]`, `[1]`, `[1,2]`, `[[],[[]]]`, `[1,"a",null,true]`, `{}`, `{"a":1}`, `{"b":1,"a":2}`, `{"a":1,"a":2}`, `{"":0}`, `{"a":{"b":{"c":[]}}}`,
	" \t\r\n[ \t\r\n1 \t\r\n, \t\r\n2 \t\r\n] \t\r\n", ` { "a" : 1 } `,
	// not JSON
	``, ` `, `nul`, `nulll`, `True`, `+1`, `01`, `-`, `-01`, `1.`, `.5`, `1e`, `1e+`, `0x1`, `1_000`, `NaN`, `Infinity`, `-Infinity`, `--1`,
	`"`, `"a`, `'a'`, `"\x41"`, `"\u12"`, `"\u12G4"`, `"\u+123"`, `"\`, `"\u`, "\"\n\"", "\"\t\"", "\"\x00\"", "\"\x1f\"", "\"\xff\"", "\xef\xbb\xbf1",
	`[`, `]`, `[,]`, `[1,]`, `[,1]`, `[1 2]`, `[1,,2]`, `{`, `}`, `{,}`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{a:1}`, `{'a':1}`, `{1:1}`, `{"a" 1}`, `{"a":1 "b":2}`,
	`1 2`, `[] []`, `null,`, `// c`, `/* c */ 1`, `[1] // c`, "1\x00", "\v1", "\u00a01", `{"a":1]`, `[1}`, `"a" "b"`, `tru e`, `nan`, `1.e5`, `1.5.5`, `-a`, `1a`,
}

// json::parse accepts and refuses what Go's encoding/json does, except that it
// refuses what that would change, and writing what it read gives the same value.
func TestJSONAgainstGo(t *testing.T) {
	b := newBench(t, New(Config{}))
	for _, text := range jsonTexts {
		res := b.run(`json::stringify(request.json())`, func(s *invoke.Start) { s.Request.Body = []byte(text) })
		var want any
		err := json.Unmarshal([]byte(text), &want)
		if err == nil && strings.Contains(fmt.Sprint(want), "\ufffd") {
			err = errors.New("not what it was")
		}
		if (err == nil) != (res.Response.Status == 200) {
			t.Errorf("%q: Go says %v, here the answer is %s", text, err, answer(res))
			continue
		}
		if err != nil {
			if res.Response.Status != 400 || !strings.Contains(answer(res), "not valid JSON") {
				t.Errorf("%q: %s", text, answer(res))
			}
			continue
		}
		var got any
		if err := json.Unmarshal(res.Response.Body, &got); err != nil {
			t.Errorf("%q was written as %s: %v", text, res.Response.Body, err)
			continue
		}
		if text == "-0" {
			want = 0.0 // an integer has no sign of zero
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}

// What a value is survives JSON, as far as JSON can say it.
func TestJSONKeepsTypes(t *testing.T) {
	b := newBench(t, New(Config{}))
	for _, src := range []string{`1`, `1.0`, `-0.5`, `1e21`, `1e-7`, `123456.789`, `9223372036854775807`, `"a\"\\\n\t\u0001é😀"`, `true`, `()`, `[1, [2.0], #{ a: () }]`} {
		res := b.run("let v = "+src+"; let w = json::parse(json::stringify(v)); v == w && type_of(v) == type_of(w)", nil)
		if answer(res) != "200 application/json true" {
			t.Errorf("%s: %s (%s)", src, answer(res), res.Error)
		}
	}
}

func TestJSONErrorsSayWhere(t *testing.T) {
	b := newBench(t, New(Config{}))
	res := b.run(`request.json()`, func(s *invoke.Start) { s.Request.Body = []byte("{\n  \"é\": 1,\n  \"b\": tru\n}") })
	if !strings.Contains(answer(res), "expected true (line 3, column 8 of the JSON)") || res.Status != store.StatusOK {
		t.Error(answer(res))
	}
	res = b.run(`request.json()`, func(s *invoke.Start) { s.Request.Body = []byte(`["\ud83d\ude00", "a\ud83d"]`) })
	if !strings.Contains(answer(res), `400`) || !strings.Contains(answer(res), `is half a surrogate pair, and no character without the other half (line 1, column 20 of the JSON)`) {
		t.Error(answer(res))
	}
}
