package executor

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is right gets no warning: the scripts of the examples and of the documentation, the pages about tests excepted,
// whose functions only pic test has.
func TestNoWarningsOfExamples(t *testing.T) {
	engine := New(Config{}).Engine()
	scripts := 0
	check := func(path, source string) {
		scripts++
		if warnings := engine.Warnings(source); len(warnings) > 0 && !strings.Contains(source, "test::") && !strings.Contains(source, "assert") && !strings.Contains(source, "fail(") {
			t.Errorf("%s: %q: %+v", path, source, warnings)
		}
	}
	for _, root := range []string{"../../docs", "../../examples"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			switch filepath.Ext(path) {
			case ".rhai":
				check(path, string(text))
			case ".md":
				for _, part := range strings.Split(string(text), "```rhai")[1:] {
					source, _, _ := strings.Cut(part, "```")
					check(path, source)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if scripts < 50 {
		t.Errorf("only %d scripts were found", scripts)
	}
}

// The variables that a run finds, and the modules, are known; what is misspelt is not.
func TestWarnings(t *testing.T) {
	engine := New(Config{}).Engine()
	for source, want := range map[string]string{
		"request.path + event.source + events.len()": "",
		"json(#{}).status(201)":                      "",
		"reqest.path":                                "did you mean request?",
		"request.pth":                                "did you mean path?",
		"request.jsn()":                              "did you mean json?",
		"kv::gett(`a`)":                              "did you mean kv::get?",
		"quee::send(`a`, 1)":                         "did you mean queue?",
		"fn f() { request.path } f()":                "pass request as an argument",
		"total":                                      "",
	} {
		warnings := engine.Warnings(source)
		hint := ""
		if len(warnings) > 0 {
			hint = warnings[0].Hint
		}
		if hint == "" && want != "" || !strings.Contains(hint, want) || len(warnings) == 0 && (want != "" || source == "total") {
			t.Errorf("%s: %+v, want %q", source, warnings, want)
		}
	}
}
