package executor

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/picloud/picloud/rhai"
)

// mask is what a run knows of secrets: those that it has read, by name. It hides
// them in everything that is recorded of the run.
type mask struct {
	values map[string]string
	bytes  int
	pieces *pieces // of the values; nil: to be made
}

// The bounds of a mask: what hiding may cost is bounded by them, whatever the
// secrets and the texts are.
const (
	maxMasked = 256 << 10 // bytes of the secrets that a run reads
	// minMasked is the length of the shortest text that is hidden, in bytes: hiding
	// shorter ones would tear holes into any text, and tell what they are by that.
	minMasked = 4
	// Longer texts are hidden in pieces of so many bytes, the last one up to twice
	// as long. So also a part of a long secret is recognised.
	pieceMasked = 64
	// maxAllForms is the length up to which a secret is hidden in every form, in bytes.
	maxAllForms = 8 << 10
	// minLine and maxLines say which lines of a longer secret are hidden each by itself.
	minLine  = 8
	maxLines = 1000
)

// add makes the mask hide a secret.
func (m *mask) add(name, value string) {
	if m.values == nil {
		m.values = map[string]string{}
	}
	m.values[name] = value
	m.bytes += len(value)
	m.pieces = nil
}

// hide returns text with [secret:NAME] in the place of each secret, as it is or
// in one of the forms in which it usually travels. Where secrets overlap in text,
// nothing of either is left. A nil mask hides nothing.
func (m *mask) hide(text string) string {
	if m == nil || len(m.values) == 0 || len(text) < minMasked {
		return text
	}
	if m.pieces == nil {
		m.pieces = m.newPieces()
	}
	return m.pieces.hide(text)
}

// hideWithin is hide for a text of which no more than the first limit bytes are
// kept: what is longer is cut before, at little more than that.
func (m *mask) hideWithin(text string, limit int) string {
	const longest = 2 * pieceMasked
	if m == nil || len(text) <= limit+longest {
		return m.hide(text)
	}
	hidden := m.hide(cut(text, limit+longest))
	// At its end may be the first part of a piece, which is not recognised, and
	// when much was hidden before it that is not beyond the limit any more.
	return cut(hidden, max(0, len(hidden)-longest))
}

// mark is what stands in the place of a secret.
func mark(name string) string { return "[secret:" + name + "]" }

// newPieces cuts the forms of the secrets into what is looked for.
func (m *mask) newPieces() *pieces {
	shown := map[string]string{} // the mark, by the piece that is hidden
	for _, name := range slices.Sorted(maps.Keys(m.values)) {
		for _, form := range forms(m.values[name]) {
			for len(form) >= minMasked {
				piece := form
				if len(form) >= 2*pieceMasked {
					piece = form[:pieceMasked]
				}
				form = form[len(piece):]
				if _, ok := shown[piece]; !ok {
					shown[piece] = mark(name)
				}
			}
		}
	}
	return index(shown)
}

// forms returns the forms in which a secret is recognised.
func forms(value string) []string {
	if len(value) < minMasked {
		return nil
	}
	plain := []string{value}
	if t := strings.TrimSpace(value); t != value && len(t) >= minMasked {
		plain = append(plain, t)
	}
	list := slices.Clone(plain)
	for _, p := range plain {
		list = append(list, quoted(p), base64.RawStdEncoding.EncodeToString([]byte(p)))
		if len(p) > maxAllForms {
			continue
		}
		list = append(list,
			strings.Trim(rhai.String(p).Repr(), `"`), escapeHTML(p), encodeURL(p), url.QueryEscape(p), url.PathEscape(p),
			hex.EncodeToString([]byte(p)), strings.ToUpper(hex.EncodeToString([]byte(p))), base64.RawURLEncoding.EncodeToString([]byte(p)))
		for before := range 3 {
			list = append(list, inBase64(base64.RawStdEncoding, p, before), inBase64(base64.RawURLEncoding, p, before))
		}
	}
	if strings.Contains(value, "\n") {
		lines := 0
		for line := range strings.Lines(value) {
			if line = strings.TrimSpace(line); len(line) >= minLine && lines < maxLines {
				list = append(list, line)
				lines++
			}
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
