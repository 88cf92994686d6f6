package main

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/picloud/picloud/rhai"
	"github.com/picloud/picloud/rhai/syntax"
)

// keywords that begin something.
var keywords = []string{
	"break", "catch", "const", "continue", "do", "else", "export", "false", "fn", "for", "if", "import", "in", "let", "loop",
	"private", "return", "switch", "this", "throw", "true", "try", "until", "while",
}

// complete adds to the name before pos, a byte of the line, what all names that begin so have in common.
// Choices are those names when nothing can be added.
func (s *session) complete(line string, pos int) (newLine string, newPos int, choices string) {
	start := pos
	for start > 0 && nameByte(line[start-1]) {
		start--
	}
	typed := line[start:pos]
	var names []string
	for name := range s.names(line[:start]) {
		if strings.HasPrefix(name, typed) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if len(names) == 0 || typed == "" && len(names) > 100 {
		return line, pos, ""
	}
	common := names[0]
	for _, n := range names {
		for !strings.HasPrefix(n, common) {
			_, w := utf8.DecodeLastRuneInString(common)
			common = common[:len(common)-w]
		}
	}
	if len(common) > len(typed) {
		return line[:start] + common + line[pos:], start + len(common), ""
	}
	if len(names) == 1 {
		return line, pos, ""
	}
	return line, pos, strings.Join(names, "  ")
}

func nameByte(b byte) bool {
	return b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}

// names are the names that can stand after the beginning of a line.
func (s *session) names(before string) map[string]bool {
	names := map[string]bool{}
	for _, f := range rhai.StandardFunctions() {
		name, property := strings.CutPrefix(f.Name, "get$")
		if syntax.IsIdentifier(name) && (!property || strings.HasSuffix(before, ".")) {
			names[name] = true
		}
	}
	for _, sig := range s.order {
		_, name, _ := strings.Cut(sig, ".")
		name, _, _ = strings.Cut(name, "/")
		names[name] = true
	}
	if owner, ok := strings.CutSuffix(before, "."); ok {
		start := len(owner)
		for start > 0 && nameByte(owner[start-1]) {
			start--
		}
		if v, ok := s.scope.Get(owner[start:]); ok {
			v.EachEntry(func(key string, _ rhai.Value) bool {
				if syntax.IsIdentifier(key) {
					names[key] = true
				}
				return true
			})
		}
		return names
	}
	for _, k := range keywords {
		names[k] = true
	}
	for _, f := range []string{"print", "debug", "eval", "type_of", "Fn", "curry", "call", "is_def_var", "is_def_fn", "is_shared"} {
		names[f] = true
	}
	s.scope.Each(func(name string, _ rhai.Value, _ bool) bool {
		names[name] = true
		return true
	})
	return names
}
