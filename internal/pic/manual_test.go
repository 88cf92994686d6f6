package pic_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/picloud/picloud/internal/pic"
	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/manual"
	"github.com/picloud/picloud/internal/pic/terminal"
)

func tree() *cobra.Command { return pic.Command(cli.New(terminal.System(), "test"), pic.Offline{}) }

// TestManual keeps docs/cli.md equal to the help texts.
func TestManual(t *testing.T) {
	const page = "../../docs/cli.md"
	got := manual.Markdown(tree())
	if os.Getenv("BLESS") != "" {
		if err := os.WriteFile(page, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("docs/cli.md is not what the help texts say (make generate rewrites it):\n%s", d)
	}
}

// TestHelpIsComplete holds every command to a short text in one style, an
// example, and a word about each flag.
func TestHelpIsComplete(t *testing.T) {
	var check func(c *cobra.Command)
	check = func(c *cobra.Command) {
		if c.Name() == "completion" || c.Name() == "help" {
			return
		}
		path := c.CommandPath()
		if c.Short == "" || strings.HasSuffix(c.Short, ".") || c.Short[:1] != strings.ToUpper(c.Short[:1]) {
			t.Errorf("%s: the short text %q is no sentence without its full stop", path, c.Short)
		}
		if !c.HasSubCommands() && !strings.Contains(c.Example, path) {
			t.Errorf("%s: the example does not use it:\n%s", path, c.Example)
		}
		if c.RunE == nil {
			t.Errorf("%s: has nothing to run", path)
		}
		for _, sub := range c.Commands() {
			check(sub)
		}
	}
	check(tree())
}

// TestExamplesInHelpParse holds the examples of every command to what the
// commands accept.
func TestExamplesInHelpParse(t *testing.T) {
	var check func(c *cobra.Command)
	check = func(c *cobra.Command) {
		for line := range strings.Lines(c.Example) {
			for _, words := range commandsIn(line) {
				if len(words) == 0 || words[0] != "pic" {
					continue
				}
				if err := parses(words[1:]); err != nil {
					t.Errorf("%s: the example %q: %v", c.CommandPath(), strings.TrimSpace(line), err)
				}
			}
		}
		for _, sub := range c.Commands() {
			check(sub)
		}
	}
	check(tree())
}

func parses(args []string) error {
	c, rest, err := tree().Find(args)
	if err != nil {
		return err
	}
	if c.HasSubCommands() && len(rest) > 0 {
		return fmt.Errorf("%q is no command", rest[0])
	}
	if err := c.ParseFlags(rest); err != nil {
		return err
	}
	if err := c.ValidateFlagGroups(); err != nil {
		return err
	}
	return c.ValidateArgs(c.Flags().Args())
}

// commandsIn splits a line as a shell does, as far as the examples need it:
// single quotes, pipes, redirections.
func commandsIn(line string) [][]string {
	var commands [][]string
	for _, part := range strings.Split(strings.TrimSpace(line), " | ") {
		var words []string
		for part = strings.TrimSpace(part); part != ""; part = strings.TrimLeft(part, " ") {
			var word string
			if rest, ok := strings.CutPrefix(part, "'"); ok {
				word, part, _ = strings.Cut(rest, "'")
			} else {
				word, part, _ = strings.Cut(part, " ")
			}
			if word == "<" || word == ">" {
				break
			}
			words = append(words, word)
		}
		commands = append(commands, words)
	}
	return commands
}
