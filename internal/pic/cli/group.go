package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/picloud/picloud/internal/pic/exit"
)

// Group is a command that only holds others: pic NOUN.
func Group(use, short string, verbs ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{
		Use:   use,
		Short: short,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return unknown(cmd, args[0])
		},
		Args: cobra.ArbitraryArgs,
	}
	g.AddCommand(verbs...)
	return g
}

// Explained is a group's, with what to say of commands that it deliberately has
// not: words that people try, and the hint for each.
func Explained(g *cobra.Command, hint string, words ...string) *cobra.Command {
	if g.Annotations == nil {
		g.Annotations = map[string]string{}
	}
	for _, w := range words {
		g.Annotations["no "+w] = hint
	}
	return g
}

// UnknownCommand returns the error of args naming no command, or nil if they name
// one. A flag of the command that was meant is none of the group's: what is said
// of it would lead astray.
func UnknownCommand(root *cobra.Command, args []string) error {
	cmd, rest, err := root.Find(args)
	if err != nil || !cmd.HasSubCommands() {
		return nil
	}
	for i := 0; i < len(rest); i++ {
		switch {
		case rest[i] == "--output":
			i++
		case !strings.HasPrefix(rest[i], "-"):
			return unknown(cmd, rest[i])
		case !strings.HasPrefix(rest[i], "--output="):
			return nil
		}
	}
	return nil
}

func unknown(cmd *cobra.Command, word string) error {
	e := &exit.Error{Code: exit.Usage, Err: exit.Usagef("%q is no command of %s", word, cmd.CommandPath())}
	if hint, ok := cmd.Annotations["no "+word]; ok {
		e.Hint = hint
	} else if meant := meant(cmd, word); meant != nil {
		e.Hint = "did you mean: " + meant.CommandPath()
	}
	return e
}

// alike are verbs that other programs have for what pic calls by one of them.
var alike = [][]string{
	{"rm", "delete", "remove", "del", "unset", "revoke", "destroy", "erase", "unsubscribe", "release"},
	{"ls", "list", "all"},
	{"set", "put", "update", "write", "edit", "change"},
	{"show", "get", "describe", "info", "view", "read", "cat", "inspect"},
	{"create", "add", "new", "mint", "make", "deploy", "subscribe", "consume", "invite"},
	{"send", "push", "enqueue", "publish", "emit"},
	{"redrive", "retry", "replay"},
	{"purge", "clear", "empty", "flush"},
	{"run", "invoke", "call", "trigger", "start"},
	{"activate", "rollback", "revert"},
	{"peek", "messages"},
	{"release", "unconsume"},
	{"pause", "stop", "disable"},
	{"resume", "unpause", "enable"},
}

// meant is the command that somebody has meant by a word, or nil.
func meant(cmd *cobra.Command, word string) *cobra.Command {
	verbs := map[string]*cobra.Command{}
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			verbs[c.Name()] = c
		}
	}
	for _, words := range alike {
		if !slices.Contains(words, word) {
			continue
		}
		for _, w := range words {
			if c := verbs[w]; c != nil {
				return c
			}
		}
	}
	cmd.SuggestionsMinimumDistance = 2
	if s := cmd.SuggestionsFor(word); len(s) > 0 {
		return verbs[s[0]]
	}
	// A verb without its noun, if only one noun has it.
	var found []*cobra.Command
	for _, noun := range verbs {
		for _, c := range noun.Commands() {
			if !cmd.HasParent() && c.Name() == word {
				found = append(found, c)
			}
		}
	}
	if len(found) == 1 {
		return found[0]
	}
	return nil
}
