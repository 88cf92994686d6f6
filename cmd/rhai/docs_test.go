package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/picloud/picloud/internal/exchange"
)

// TestMain lets the test's program be rhai, for the commands of the page.
func TestMain(m *testing.M) {
	if os.Getenv("RHAI_COMMAND") != "" {
		main()
	}
	os.Exit(m.Run())
}

// TestPage runs what docs/rhai/command.md shows.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/rhai/command.md")
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(self, filepath.Join(dir, "rhai")); err != nil {
		t.Fatal(err)
	}
	ran := 0
	// Every other part is inside of a block.
	for i, block := range strings.Split(string(page), "```") {
		info, text, _ := strings.Cut(block, "\n")
		kind, name, _ := strings.Cut(info, " ")
		switch {
		case i%2 == 0:
		case kind == "rhai":
			file(t, dir, name, text)
		case kind == "console":
			for _, part := range strings.Split("\n"+text, "\n$ ")[1:] {
				line, want, _ := strings.Cut(part, "\n")
				cmd := exec.CommandContext(t.Context(), "bash", "-c", line)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "RHAI_COMMAND=1", "PATH="+dir+":"+os.Getenv("PATH"))
				out, _ := cmd.CombinedOutput() // some are shown failing
				if err := exchange.MatchText(want, string(out)); err != nil {
					t.Errorf("%s: %v", line, err)
				}
				ran++
			}
		}
	}
	if ran < 5 {
		t.Errorf("the page shows only %d commands", ran)
	}
}
