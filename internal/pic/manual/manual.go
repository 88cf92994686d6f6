// Package manual writes the reference of the command line, docs/cli.md, from
// the commands' own help texts.
package manual

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Markdown returns the page for a command and all below it.
func Markdown(root *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# The command line: %s\n\n", root.Name())
	b.WriteString("<!-- Written by `make generate` from the commands' help texts; change those. -->\n\n")
	fmt.Fprintf(&b, "%s\n\n", root.Long)
	b.WriteString("| command | does |\n|---|---|\n")
	for _, c := range commands(root) {
		if c != root {
			fmt.Fprintf(&b, "| [%s](#%s) | %s |\n", c.CommandPath(), anchor(c.CommandPath()), c.Short)
		}
	}
	b.WriteString("\nEvery command takes:\n\n")
	writeFlags(&b, root.PersistentFlags())
	b.WriteString("\nAn example session:\n")
	writeExample(&b, root)
	for _, c := range commands(root) {
		if c != root {
			writeCommand(&b, c)
		}
	}
	b.WriteString(environment)
	return b.String()
}

const environment = `
## Output

| ` + "`--output`" + ` | gives |
|---|---|
| ` + "`table`" + ` | columns for a person; long texts are cut to the terminal's width, lines that scripts logged to 400 columns, and control characters shown escaped. What is a terminal gets this |
| ` + "`tsv`" + ` | a header line, then one record a line; backslash, tab, line feed and carriage return in a value are written ` + "`\\\\ \\t \\n \\r`" + `. What is no terminal gets this |
| ` + "`json`" + ` | the API's own objects with its field names: an array for a list, an object otherwise; ` + "`logs --follow`" + ` writes one object a line |

Times are RFC 3339 in UTC. Answers go to standard output, everything else to standard error. Colours appear
on a terminal unless ` + "`NO_COLOR`" + ` is set; how far a long list has been read, on one only.

## Environment

| variable | means |
|---|---|
| ` + "`PICLOUD_URL`" + ` | the server, before the credentials file. The file's token is only ever sent to the file's server |
| ` + "`PICLOUD_TOKEN`" + ` | the token, before the credentials file |
| ` + "`PICLOUD_CONFIG_DIR`" + ` | where the credentials file lies, in place of ` + "`picloud`" + ` in your configuration directory (on Linux ` + "`~/.config`" + `) |
| ` + "`NO_COLOR`" + ` | no colours |
| ` + "`COLUMNS`" + ` | how wide a table may be |

The credentials file holds a token; it has mode 0600, and pic refuses one that others can read.

## Exit codes

| code | means |
|---|---|
| 0 | done |
| 1 | an error that has no code of its own |
| 2 | the command line is wrong |
| 3 | not signed in (HTTP 401) |
| 4 | not allowed (HTTP 403) |
| 5 | not found (HTTP 404) |
| 22 | the invoked endpoint answered something other than 2xx |
| 130 | interrupted |
`

func writeCommand(b *strings.Builder, c *cobra.Command) {
	fmt.Fprintf(b, "\n## %s\n\n", c.CommandPath())
	text := c.Long
	if text == "" {
		text = c.Short + "."
	}
	fmt.Fprintf(b, "%s\n", text)
	if c.HasSubCommands() {
		return
	}
	fmt.Fprintf(b, "\n```\n%s\n```\n", c.UseLine())
	if c.Example != "" {
		b.WriteString("\nFor example:\n")
		writeExample(b, c)
	}
	if c.NonInheritedFlags().HasAvailableFlags() {
		b.WriteByte('\n')
		writeFlags(b, c.NonInheritedFlags())
	}
}

func writeExample(b *strings.Builder, c *cobra.Command) {
	lines := strings.Split(c.Example, "\n")
	for i := range lines {
		lines[i] = strings.TrimPrefix(lines[i], "  ")
	}
	fmt.Fprintf(b, "\n```sh\n%s\n```\n", strings.Join(lines, "\n"))
}

func writeFlags(b *strings.Builder, flags *pflag.FlagSet) {
	b.WriteString("| flag | means |\n|---|---|\n")
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		name, usage := pflag.UnquoteUsage(f)
		spelling := "--" + f.Name
		if name != "" {
			spelling += " " + name
		}
		if f.Shorthand != "" {
			spelling = "-" + f.Shorthand + ", " + spelling
		}
		fmt.Fprintf(b, "| `%s` | %s%s |\n", spelling, strings.ReplaceAll(usage, "|", `\|`), defaultOf(f))
	})
}

func defaultOf(f *pflag.Flag) string {
	switch f.DefValue {
	case "", "false", "[]", "0":
		return ""
	}
	return " (default " + f.DefValue + ")"
}

// commands returns a command and what is below it, in the order of help.
func commands(c *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{c}
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() && sub.Name() != "help" {
			if sub.Name() == "completion" {
				all = append(all, sub) // its shells are explained by its own help
				continue
			}
			all = append(all, commands(sub)...)
		}
	}
	return all
}

func anchor(heading string) string { return strings.ReplaceAll(heading, " ", "-") }
