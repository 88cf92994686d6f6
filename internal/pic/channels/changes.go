package channels

import (
	"fmt"
	"strings"

	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/output"
)

// Before is how one was before it was set: what is not given anew becomes the
// default, and who only wanted to change one setting has to see that.
type Before[T any] struct {
	was   T
	known bool
}

// Remember reads one that is about to be set. That there is none, or that it may
// not be read, is not in the way.
func Remember[T any](was T, err error) Before[T] { return Before[T]{was, err == nil} }

// Note says which settings of the one with a name have changed, and how it goes on
// when it is paused.
func (b Before[T]) Note(env *cli.Env, n Noun, app, name string, settings []output.Column[T], is T, paused bool) {
	var changed []string
	for _, c := range settings {
		if was, is := c.Value(b.was), c.Value(is); b.known && was != is {
			changed = append(changed, fmt.Sprintf("%s %s → %s", strings.ReplaceAll(c.Name, "_", "-"), told(was), told(is)))
		}
	}
	if len(changed) > 0 {
		env.Notef("%s", output.Printable(strings.Join(changed, ", ")))
	}
	if paused {
		env.Notef("It is paused: %s resume %s --app %s", n.Command, name, app)
	}
}

func told(value string) string {
	if value == "" {
		return `""`
	}
	return value
}

// Made shows whoever reads JSON the one that was set; others have read a sentence.
func Made[T any](w *output.Writer, is T) error {
	if w.Format != output.JSON {
		return nil
	}
	return w.JSON(is)
}
