package value

import (
	"strings"
	"testing"
)

func TestJSON(t *testing.T) {
	for script, want := range map[string]string{
		`()`: "null", `true`: "true", `-7`: "-7", `9223372036854775807`: "9223372036854775807", `1.0`: "1.0", `1e300`: "1e+300", `0.0/0.0`: `"NaN"`, `[1.0/0.0, -1.0/0.0]`: `["Infinity","-Infinity"]`,
		`'x'`: `"x"`, `"<a>\n"`: `"<a>\n"`, `blob(3, 255)`: `"////"`, `1..3`: `"1..3"`, `[1, [2.5], #{}]`: `[1,[2.5],{}]`, `#{ b: 1, a: () }`: `{"a":null,"b":1}`,
	} {
		if got := string(JSON(run(t, script))); got != want {
			t.Errorf("%s: got %s, want %s", script, got, want)
		}
	}
	for text, want := range map[string]string{
		`null`: "()", ` 7 `: "7", `7.0`: "7.0", `-9223372036854775808`: "-9223372036854775807 - 1", `9223372036854775808.0`: "9223372036854775808.0", `1e2`: "100.0", `"x"`: `"x"`, `[1,{"a":false}]`: `[1, #{"a": false}]`,
	} {
		v, err := FromJSON([]byte(text))
		if err != nil || v.DebugString() != run(t, want).DebugString() {
			t.Errorf("%s: got %s, want %s (%v)", text, v.DebugString(), want, err)
		}
	}
	for text, want := range map[string]string{
		``: "not JSON", `{`: "not JSON", `1 2`: "something follows", `1e999`: "the number 1e999 is too large", `[9223372036854775808]`: "the integer 9223372036854775808 does not fit 64 bits", `-99999999999999999999`: "does not fit", strings.Repeat("9", 4000): "9… does not fit", "\"a\xff\"": "not UTF-8", `{"\ud800":1}`: `\ud800 is half a surrogate pair`, strings.Repeat("[", 300) + strings.Repeat("]", 300): "deeper",
	} {
		if v, err := FromJSON([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %s, %v, want %s", text, v.Repr(), err, want)
		}
	}
}
