package scripts

import (
	"context"
	"errors"
	"fmt"

	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/rhai"
)

// Warning is something in a script that compiles and will not work as it is.
type Warning struct {
	Message string `json:"message"`
	Line    int    `json:"line,omitempty" doc:"Where, from 1"`
	Column  int    `json:"column,omitempty" doc:"Where, from 1, in characters"`
}

// maxWarnings bounds the warnings of a deploy.
const maxWarnings = 20

// warnings says what a script imports and its app does not hold, and what is certain to fail when it is reached. That is no
// error: what imports one another has to be deployed in some order, and what is never reached does no harm.
func (s *service) warnings(ctx context.Context, app store.App, name, source string, program *rhai.Program) ([]Warning, error) {
	out := mistakes(s.Engine, source)
	known := map[string]bool{}
	for _, i := range program.Imports() {
		if known[i.Path] {
			continue
		}
		known[i.Path] = true
		message := fmt.Sprintf("it imports itself, %.100q: each call will fail", i.Path)
		if i.Path != name {
			if store.CheckScriptName(i.Path) == nil {
				_, err := s.Store.Script(ctx, app.ID, i.Path)
				if err == nil {
					continue
				}
				if !errors.Is(err, store.ErrNotFound) {
					return nil, err
				}
			}
			message = fmt.Sprintf("it imports %.100q, and %s has no script of that name: what needs it fails until it is deployed", i.Path, app.Slug)
		}
		if out = append(out, Warning{Message: message, Line: int(i.Position.Line), Column: int(i.Position.Col)}); len(out) == maxWarnings {
			break
		}
	}
	return out, nil
}

// mistakes is what the engine warns of, with what may help; half of the room at most.
func mistakes(engine *rhai.Engine, source string) []Warning {
	var out []Warning
	for _, w := range engine.Warnings(source) {
		message := w.Message
		if w.Hint != "" {
			message += ": " + w.Hint
		}
		if out = append(out, Warning{Message: message, Line: int(w.Position.Line), Column: int(w.Position.Col)}); len(out) == maxWarnings/2 {
			break
		}
	}
	return out
}
