package executor

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/picloud/picloud/rhai"
)

// mask is what a run knows of secrets: those that it has read, by name. It hides
// them in everything that is recorded of the run.
type mask struct {
	values   map[string]string
	replacer *strings.Replacer // of the values; nil: to be made
}

// minMasked is the length of the shortest text that is hidden, in bytes: hiding
// shorter ones would tear holes into any text, and tell what they are by that.
const minMasked = 4

// add makes the mask hide a secret.
func (m *mask) add(name, value string) {
	if m.values == nil {
		m.values = map[string]string{}
	}
	m.values[name] = value
	m.replacer = nil
}

// hide returns text with [secret:NAME] in the place of each secret, as it is or
// in one of the forms in which it usually travels. A nil mask hides nothing.
func (m *mask) hide(text string) string {
	if m == nil || len(m.values) == 0 || len(text) < minMasked {
		return text
	}
	if m.replacer == nil {
		m.replacer = m.newReplacer()
	}
	return m.replacer.Replace(text)
}

func (m *mask) newReplacer() *strings.Replacer {
	shown := map[string]string{} // what stands in its place, by what is hidden
	var hidden []string
	for name, value := range m.values {
		for _, form := range forms(value) {
			if _, ok := shown[form]; !ok && len(form) >= minMasked {
				hidden = append(hidden, form)
				shown[form] = "[secret:" + name + "]"
			}
		}
	}
	// The longest first, so that nothing of it is left by a part of it.
	slices.SortFunc(hidden, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	pairs := make([]string, 0, 2*len(hidden))
	for _, form := range hidden {
		pairs = append(pairs, form, shown[form])
	}
	return strings.NewReplacer(pairs...)
}

// minLine is the length of the shortest line of a longer secret that is hidden by
// itself, in bytes.
const minLine = 8

// forms returns the forms in which a secret is recognised.
func forms(value string) []string {
	if len(value) < minMasked {
		return nil
	}
	plain := []string{value}
	if t := strings.TrimSpace(value); t != value && len(t) >= minMasked {
		plain = append(plain, t)
	}
	if strings.Contains(value, "\n") {
		for line := range strings.Lines(value) {
			if line = strings.TrimSpace(line); len(line) >= minLine {
				plain = append(plain, line)
			}
		}
	}
	list := slices.Clone(plain)
	for _, p := range plain {
		list = append(list,
			quoted(p), strings.Trim(rhai.String(p).Repr(), `"`), escapeHTML(p),
			encodeURL(p), url.QueryEscape(p), url.PathEscape(p),
			hex.EncodeToString([]byte(p)), strings.ToUpper(hex.EncodeToString([]byte(p))))
		list = append(list, base64.RawStdEncoding.EncodeToString([]byte(p)), base64.RawURLEncoding.EncodeToString([]byte(p)))
		for before := range 3 {
			list = append(list, inBase64(base64.RawStdEncoding, p, before), inBase64(base64.RawURLEncoding, p, before))
		}
	}
	return list
}

// quoted is the text inside a JSON string.
func quoted(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string: cannot fail
	return strings.Trim(strings.TrimSuffix(b.String(), "\n"), `"`)
}

// inBase64 is what of s can be seen in the encoding of a longer text with so many
// bytes, modulo 3, before s: "name:password" in an Authorization header, say. The
// characters that depend on what stands beside it are left out.
func inBase64(e *base64.Encoding, s string, before int) string {
	text := e.EncodeToString(append(make([]byte, before), s...))
	end := (before + len(s)) * 8 / 6
	return text[min((before*8+5)/6, end):end]
}
