package value

import (
	"encoding/json"
	"strings"
	"testing"
)

// What passes is what encoding/json reads without putting U+FFFD anywhere.
func TestCheckText(t *testing.T) {
	for text, ok := range map[string]bool{
		``: true, `"a"`: true, `"\\"`: true, `"\\ud800"`: true, `"\\\\ud800"`: true, `"\u0041"`: true, `"\uD83D\uDE00"`: true, `"x\ud83d\ude00y\ud83d\ude00"`: true,
		`"\\\ud800"`: false, `"\ud800"`: false, `"\uDFFF"`: false, `"\ude00\ud83d"`: false, `"\ud83d\ud83d\ude00"`: false, `"\ud83dx"`: false, `"\ud83d\u0041"`: false,
		`"\ud83d\n"`: false, `{"\udc00": 1}`: false, `["a", "\n\ud800"]`: false, "\"\xff\"": false, "\"\xed\xa0\x80\"": false,
		`"\ud83d\ude00\ude00"`: false, `"\n\n\\\n\ud83d"`: false,
	} {
		err := CheckText([]byte(text))
		if (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
		var v any
		if text != "" && json.Unmarshal([]byte(text), &v) != nil {
			t.Errorf("%s is no JSON", text)
		}
		if s, _ := json.Marshal(v); strings.Contains(string(s), "\ufffd") == ok {
			t.Errorf("%s is read as %s", text, s)
		}
	}
	for _, text := range []string{`\`, `"\`, `\u`, `"\ud80`, `"\ud800\`, `"\ud800\u`, `\uzzzz`} { // what is no JSON is somebody else's
		_ = CheckText([]byte(text))
	}
}
