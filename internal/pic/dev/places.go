package dev

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// places are the lines of a TOML text's keys, by their dotted paths.
type places map[string]int

func placesOf(text []byte) places {
	lines := places{}
	var p unstable.Parser
	p.Reset(text)
	table := ""
	for p.NextExpression() {
		x := p.Expression()
		path := table
		if x.Kind != unstable.KeyValue {
			path = ""
		}
		for keys := x.Key(); keys.Next(); {
			path = strings.TrimPrefix(path+"."+string(keys.Node().Data), ".")
			if _, known := lines[path]; !known {
				lines[path] = p.Shape(keys.Node().Raw).Start.Line
			}
		}
		if x.Kind != unstable.KeyValue {
			table = path
		}
	}
	return lines
}

// problem is what is wrong with a key of the file.
type problem struct {
	line int
	text string
}

func (p problem) String() string { return fmt.Sprintf("%s:%d: %s", TriggersFile, p.line, p.text) }

// problem says what is wrong at a path: at its line, or at that of what holds it.
func (l places) problem(path, format string, args ...any) problem {
	at := path
	for at != "" && l[at] == 0 {
		at = at[:max(0, strings.LastIndexByte(at, '.'))]
	}
	return problem{max(1, l[at]), path + ": " + fmt.Sprintf(format, args...)}
}

// misshapen returns what the file holds that does not belong there.
func (l places) misshapen(table map[string]any) (found []problem) {
	groups := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[triggers]()) {
		groups[f.Tag.Get("json")] = f.Type.Elem()
	}
	for group, v := range table {
		kind, known := groups[group]
		named, isTable := v.(map[string]any)
		switch {
		case !known:
			found = append(found, l.problem(group, "there is no such key: it is one of %s", listed(groups)))
			continue
		case !isTable:
			found = append(found, l.problem(group, "it is a table: [%s.NAME]", group))
			continue
		}
		keys := map[string]reflect.Type{}
		for _, f := range reflect.VisibleFields(kind) {
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
				keys[name] = f.Type
			}
		}
		for name, v := range named {
			path := group + "." + name
			settings, isTable := v.(map[string]any)
			if !isTable {
				found = append(found, l.problem(path, "it is a table: [%s]", path))
			}
			for key, v := range settings {
				if text := misfit(keys, key, v); text != "" {
					found = append(found, l.problem(path+"."+key, "%s", text))
				}
			}
		}
	}
	return found
}

// misfit says what is wrong with a setting, "" if nothing is.
func misfit(keys map[string]reflect.Type, key string, v any) string {
	kind, known := keys[key]
	n, isInt := v.(int64)
	_, isText := v.(string)
	switch {
	case !known:
		return "there is no such key: it is one of " + listed(keys)
	case kind.Kind() == reflect.String && !isText:
		return "it is a text in quotes"
	case kind.Kind() == reflect.Int64 && !isInt:
		return "it is a whole number"
	case isInt && n == 0 && key != "jitter_ms":
		return "it is at least 1; without the key it has its default"
	}
	return ""
}

func listed(keys map[string]reflect.Type) string {
	var names []string
	for name := range keys {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// inOrder writes problems by their lines, each on one of its own.
func inOrder(list []problem) string {
	slices.SortFunc(list, func(a, b problem) int {
		if a.line != b.line {
			return a.line - b.line
		}
		return strings.Compare(a.text, b.text)
	})
	var lines []string
	for _, p := range list {
		lines = append(lines, p.String())
	}
	return strings.Join(lines, "\n")
}
