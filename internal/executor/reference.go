package executor

import (
	"fmt"
	"strings"

	"github.com/picloud/picloud/rhai"
)

// Reference is the documentation of everything scripts on PiCloud find beside
// the language and its library, in Markdown, from the registrations.
func (e *Executor) Reference() string {
	var b strings.Builder
	b.WriteString("# What scripts on PiCloud find\n\n" +
		"Written from the registrations by a test; do not edit. Beside all this there are the language and [its library](library.md).\n\n" +
		"The script's body is the handler and its value the answer: `()` answers 204, a string is text, a blob is bytes, a `Response` says all itself, " +
		"anything else is JSON. An error that nobody catches answers 500 and says nothing of the script; `throw http_error(…)` answers its status.\n")
	groups := []struct {
		title, doc string
		of         *rhai.HostType
	}{
		{"The request", requestType.HostType().Doc, requestType.HostType()},
		{"Events", eventType.HostType().Doc, eventType.HostType()},
		{"Responses", responseType.HostType().Doc, responseType.HostType()},
		{"Answers of other servers", httpResponseType.HostType().Doc, httpResponseType.HostType()},
		{"Errors", httpErrorType.HostType().Doc, httpErrorType.HostType()},
	}
	for _, g := range groups {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", g.title, g.doc)
		for _, f := range functions() {
			if f.Returns == g.of.Name && !isMethod(f) || isMethod(f) && f.Params[0].Host == g.of {
				entryOf(&b, "", f)
			}
		}
	}
	for _, m := range e.modules() {
		fmt.Fprintf(&b, "\n## `%s`\n\n%s\n", m.Name(), m.Doc())
		for _, f := range m.Functions() {
			entryOf(&b, m.Name()+"::", f)
		}
	}
	return b.String()
}

// TrialReference is the documentation of what tests find beside all that.
func (e *Executor) TrialReference() string {
	var b strings.Builder
	b.WriteString("# What tests find\n\n" +
		"Written from the registrations by a test; do not edit. Beside this, tests find everything that [scripts find](modules.md). " +
		"[The guide](../testing.md) shows how tests are written. In the examples here, the app answers everything with 200.\n\n## Assertions\n")
	t := &trialScripts{}
	for _, f := range t.asserts() {
		entryOf(&b, "", f)
	}
	m := t.module()
	fmt.Fprintf(&b, "\n## `%s`\n\n%s\n", m.Name(), m.Doc())
	for _, f := range m.Functions() {
		entryOf(&b, m.Name()+"::", f)
	}
	return b.String()
}

// isMethod reports whether the function belongs to a value of a type of ours.
func isMethod(f *rhai.Native) bool { return len(f.Params) > 0 && f.Params[0].Host != nil }

func entryOf(b *strings.Builder, prefix string, f *rhai.Native) {
	name, receiver, args := f.Name, "", f.Params
	if isMethod(f) {
		receiver, args = f.Params[0].Name+".", f.Params[1:]
	}
	signature := prefix + receiver + name
	if property, ok := strings.CutPrefix(name, "get$"); ok {
		name = property
		signature = receiver + property
	} else {
		shown := *f
		shown.Name, shown.Params, shown.Returns = signature, args, ""
		signature = shown.Signature()
	}
	if f.Returns != "()" {
		signature += " -> " + f.Returns
	}
	fmt.Fprintf(b, "\n### `%s%s`\n\n`%s`\n\n%s\n", prefix, name, signature, f.Doc)
	code, result := example(f)
	fmt.Fprintf(b, "\n```rhai\n%s\n// %s\n```\n", code, result)
}

// example splits the example of a function into the script and what it gives,
// as JSON.
func example(f *rhai.Native) (code, result string) {
	i := strings.LastIndex(f.Example, " // ")
	if i < 0 {
		return f.Example, ""
	}
	return f.Example[:i], f.Example[i+4:]
}
