package executor

import (
	"fmt"

	"github.com/picloud/picloud/rhai"
)

// entries are what a map that a script gives may hold.
type entries struct {
	of   string // what the map is
	noun string // what an entry is called
	all  []field
}

type field struct{ name, is string }

// wrong says what is wrong with an entry that could not be read: nobody knows its
// name, or its value is none that it may have.
func (e *entries) wrong(name string, v rhai.Value) string {
	var names []string
	for _, x := range e.all {
		if x.name == name {
			return fmt.Sprintf("the %s %s of %s is %s, not %s", e.noun, name, e.of, x.is, cut(printed(v), oneLine))
		}
		names = append(names, x.name)
	}
	last := len(names) - 1
	list := names[last]
	for i := last - 1; i >= 0; i-- {
		separator := ", "
		if i == last-1 {
			separator = " and "
		}
		list = names[i] + separator + list
	}
	there := "there are "
	if last == 0 {
		there = "there is "
	}
	return fmt.Sprintf("%s has no %s %q: %s%s", e.of, e.noun, name, there, list)
}

var (
	listEntries = entries{"kv::list", "option", []field{
		{"limit", "a whole number from 1 to 1000"},
		{"cursor", "that of the page before, or ()"},
	}}
	cookieEntries = entries{"a cookie", "option", []field{
		{"max_age", "a whole number of seconds"},
		{"path", "a text"},
		{"domain", "a text"},
		{"secure", "true or false"},
		{"http_only", "true or false"},
		{"same_site", `"strict", "lax" or "none"`},
	}}
	eventEntries = entries{"an event", "field", []field{
		{"payload", "anything but a function"},
		{"kind", "a text"},
		{"source", "a text"},
		{"id", "a text that is not empty"},
		{"attempt", "a whole number from 1 up"},
		{"time", "a number of milliseconds since 1970 or a text"},
	}}
	stubEntries = entries{"the answer", "field", []field{
		{"status", "a whole number from 200 to 599"},
		{"headers", "a map"},
		{"json", "anything but a function"},
		{"body", "a text or a blob"},
		{"error", "a text"},
	}}
)
