package executor

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/picloud/picloud/rhai"
)

// maxJSONDepth is the deepest nesting of JSON that is read.
const maxJSONDepth = 500

// jsonError is malformed JSON.
type jsonError struct {
	message      string
	line, column int
}

func (e *jsonError) Error() string {
	return fmt.Sprintf("%s (line %d, column %d of the JSON)", e.message, e.line, e.column)
}

// parseJSON reads one JSON text by RFC 8259, strictly, and refuses what I-JSON (RFC
// 7493) does: what is not UTF-8, and half surrogate pairs. Whole numbers become
// integers if they fit, all others floats; of keys that occur twice the last
// counts. Work and memory are charged to c before they are used. A malformed
// text is a *jsonError.
func parseJSON(c *rhai.Call, s string) (rhai.Value, error) {
	if err := c.Charge(1 + len(s)/8); err != nil {
		return rhai.Value{}, err
	}
	p := &jsonParser{c: c, s: s}
	if !utf8.ValidString(s) {
		return rhai.Value{}, &jsonError{"the text is not valid UTF-8", 1, 1}
	}
	p.space()
	v, err := p.value(0)
	if err != nil {
		return rhai.Value{}, err
	}
	p.space()
	if p.i < len(s) {
		return rhai.Value{}, p.fail("something follows the value")
	}
	return v, nil
}

type jsonParser struct {
	c   *rhai.Call
	s   string
	i   int
	buf []byte // for strings with escapes

	entries []rhai.Entry // of the objects that are being read, the inner behind the outer
}

func (p *jsonParser) fail(format string, args ...any) error {
	e := &jsonError{message: fmt.Sprintf(format, args...), line: 1, column: 1}
	for _, r := range p.s[:min(p.i, len(p.s))] {
		if e.column++; r == '\n' {
			e.line, e.column = e.line+1, 1
		}
	}
	return e
}

func (p *jsonParser) space() {
	for p.i < len(p.s) {
		switch p.s[p.i] {
		case ' ', '\t', '\n', '\r':
			p.i++
		default:
			return
		}
	}
}

func (p *jsonParser) value(depth int) (rhai.Value, error) {
	if depth > maxJSONDepth {
		return rhai.Value{}, p.fail("nested deeper than %d levels", maxJSONDepth)
	}
	if p.i >= len(p.s) {
		return rhai.Value{}, p.fail("the text ends where a value is expected")
	}
	switch ch := p.s[p.i]; ch {
	case '{':
		return p.object(depth)
	case '[':
		return p.array(depth)
	case '"':
		s, err := p.string()
		if err != nil {
			return rhai.Value{}, err
		}
		return p.c.String(s)
	case 't':
		return rhai.Bool(true), p.word("true")
	case 'f':
		return rhai.Bool(false), p.word("false")
	case 'n':
		return rhai.Unit(), p.word("null")
	default:
		if ch == '-' || (ch >= '0' && ch <= '9') {
			return p.number()
		}
		r, _ := utf8.DecodeRuneInString(p.s[p.i:])
		return rhai.Value{}, p.fail("unexpected %q where a value is expected", r)
	}
}

func (p *jsonParser) word(w string) error {
	if len(p.s)-p.i < len(w) || p.s[p.i:p.i+len(w)] != w {
		return p.fail("expected %s", w)
	}
	p.i += len(w)
	return nil
}

func (p *jsonParser) object(depth int) (rhai.Value, error) {
	p.i++
	p.space()
	if p.i < len(p.s) && p.s[p.i] == '}' {
		p.i++
		return newMap(p.c)
	}
	from := len(p.entries)
	for {
		if p.i >= len(p.s) || p.s[p.i] != '"' {
			return rhai.Value{}, p.fail("expected a key in double quotes")
		}
		key, err := p.string()
		if err != nil {
			return rhai.Value{}, err
		}
		p.space()
		if p.i >= len(p.s) || p.s[p.i] != ':' {
			return rhai.Value{}, p.fail("expected ':' after the key %q", cut(key, 40))
		}
		p.i++
		p.space()
		v, err := p.value(depth + 1)
		if err != nil {
			return rhai.Value{}, err
		}
		if err := p.c.Alloc(64 + len(key)); err != nil {
			return rhai.Value{}, err
		}
		p.entries = append(p.entries, rhai.Entry{Key: strings.Clone(key), Value: v})
		p.space()
		if p.i < len(p.s) && p.s[p.i] == ',' {
			p.i++
			p.space()
			continue
		}
		if p.i < len(p.s) && p.s[p.i] == '}' {
			p.i++
			m, err := newMap(p.c, p.entries[from:]...)
			clear(p.entries[from:])
			p.entries = p.entries[:from]
			return m, err
		}
		return rhai.Value{}, p.fail("expected ',' or '}' in an object")
	}
}

func (p *jsonParser) array(depth int) (rhai.Value, error) {
	p.i++
	var elems []rhai.Value
	p.space()
	if p.i < len(p.s) && p.s[p.i] == ']' {
		p.i++
		return rhai.Array(nil), p.c.Alloc(32)
	}
	for {
		v, err := p.value(depth + 1)
		if err != nil {
			return rhai.Value{}, err
		}
		if len(elems) == cap(elems) {
			grown := max(4, 2*cap(elems))
			if err := p.c.Alloc(16 * grown); err != nil {
				return rhai.Value{}, err
			}
			elems = append(make([]rhai.Value, 0, grown), elems...)
		}
		elems = append(elems, v)
		p.space()
		if p.i < len(p.s) && p.s[p.i] == ',' {
			p.i++
			p.space()
			continue
		}
		if p.i < len(p.s) && p.s[p.i] == ']' {
			p.i++
			return rhai.Array(elems), p.c.Alloc(32)
		}
		return rhai.Value{}, p.fail("expected ',' or ']' in an array")
	}
}

// string reads a string. The result may alias the text or the buffer.
func (p *jsonParser) string() (string, error) {
	start := p.i + 1
	for i := start; i < len(p.s); i++ {
		switch ch := p.s[i]; {
		case ch == '"':
			p.i = i + 1
			return p.s[start:i], nil
		case ch == '\\':
			return p.escaped(start, i)
		case ch < ' ':
			p.i = i
			return "", p.fail("a control character in a string must be escaped")
		}
	}
	p.i = len(p.s)
	return "", p.fail("the text ends inside a string")
}

func (p *jsonParser) escaped(start, i int) (string, error) {
	b := append(p.buf[:0], p.s[start:i]...)
	for i < len(p.s) {
		ch := p.s[i]
		switch {
		case ch == '"':
			p.i, p.buf = i+1, b
			return string(b), nil
		case ch < ' ':
			p.i = i
			return "", p.fail("a control character in a string must be escaped")
		case ch != '\\':
			b = append(b, ch)
			i++
			continue
		}
		if i+1 >= len(p.s) {
			break
		}
		switch e := p.s[i+1]; e {
		case '"', '\\', '/':
			b = append(b, e)
		case 'b':
			b = append(b, '\b')
		case 'f':
			b = append(b, '\f')
		case 'n':
			b = append(b, '\n')
		case 'r':
			b = append(b, '\r')
		case 't':
			b = append(b, '\t')
		case 'u':
			start := i
			r, ok := hex4(p.s[i+2:])
			if !ok {
				p.i = i
				return "", p.fail(`\u needs four hexadecimal digits`)
			}
			i += 4
			if utf16.IsSurrogate(r) {
				low, ok := rune(0), false
				if i+3 < len(p.s) && p.s[i+2] == '\\' && p.s[i+3] == 'u' {
					low, ok = hex4(p.s[i+4:])
				}
				if pair := utf16.DecodeRune(r, low); ok && pair != utf8.RuneError {
					r = pair
					i += 6
				} else {
					p.i = start
					return "", p.fail("%s is half a surrogate pair, and no character without the other half", p.s[start:start+6])
				}
			}
			b = utf8.AppendRune(b, r)
		default:
			p.i = i
			return "", p.fail("unknown escape \\%c in a string", e)
		}
		i += 2
	}
	p.i = len(p.s)
	return "", p.fail("the text ends inside a string")
}

func hex4(s string) (rune, bool) {
	if len(s) < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(s[:4], 16, 32)
	return rune(n), err == nil && s[0] != '+' && s[0] != '_'
}

func (p *jsonParser) number() (rhai.Value, error) {
	start, float := p.i, false
	digits := func() bool {
		from := p.i
		for p.i < len(p.s) && p.s[p.i] >= '0' && p.s[p.i] <= '9' {
			p.i++
		}
		return p.i > from
	}
	if p.s[p.i] == '-' {
		p.i++
	}
	if p.i < len(p.s) && p.s[p.i] == '0' {
		p.i++
		if p.i < len(p.s) && p.s[p.i] >= '0' && p.s[p.i] <= '9' {
			return rhai.Value{}, p.fail("a number must not start with 0")
		}
	} else if !digits() {
		return rhai.Value{}, p.fail("expected a digit")
	}
	if p.i < len(p.s) && p.s[p.i] == '.' {
		float = true
		p.i++
		if !digits() {
			return rhai.Value{}, p.fail("expected a digit after the decimal point")
		}
	}
	if p.i < len(p.s) && (p.s[p.i] == 'e' || p.s[p.i] == 'E') {
		float = true
		p.i++
		if p.i < len(p.s) && (p.s[p.i] == '+' || p.s[p.i] == '-') {
			p.i++
		}
		if !digits() {
			return rhai.Value{}, p.fail("expected a digit in the exponent")
		}
	}
	if !float {
		if n, err := strconv.ParseInt(p.s[start:p.i], 10, 64); err == nil {
			return rhai.Int(n), nil
		}
	}
	f, err := strconv.ParseFloat(p.s[start:p.i], 64)
	if err != nil {
		p.i = start
		return rhai.Value{}, p.fail("the number is too large")
	}
	return rhai.Float(f), nil
}

// jsonWriter writes values as JSON, at most max bytes. A value can hold the
// same part many times over at no cost to the script, so the text is what has
// to be bounded.
type jsonWriter struct {
	b      []byte
	max    int
	indent int // spaces of a level; 0: one line
}

// errTooLong says that the text passed max.
var errTooLong = &limitError{"the size limit of a text"}

// writeJSON returns v as JSON. An error is *limitError, or says what cannot be
// JSON.
func writeJSON(v rhai.Value, maxBytes, indent int) ([]byte, error) {
	w := &jsonWriter{max: maxBytes, indent: indent}
	if err := w.value(v, 0); err != nil {
		return nil, err
	}
	return w.b, nil
}

func (w *jsonWriter) value(v rhai.Value, depth int) error {
	if len(w.b) > w.max {
		return errTooLong
	}
	switch v.Kind() {
	case rhai.KindUnit:
		w.b = append(w.b, "null"...)
	case rhai.KindBool:
		b, _ := v.AsBool()
		w.b = strconv.AppendBool(w.b, b)
	case rhai.KindInt:
		n, _ := v.AsInt()
		w.b = strconv.AppendInt(w.b, n, 10)
	case rhai.KindFloat:
		f, _ := v.AsFloat()
		return w.float(f)
	case rhai.KindChar:
		r, _ := v.AsChar()
		w.string(string(r))
	case rhai.KindString:
		s, _ := v.AsString()
		if len(w.b)+len(s) > w.max {
			return errTooLong
		}
		w.string(s)
	case rhai.KindBlob:
		b, _ := v.AsBlob()
		if len(w.b)+len(b)/3*4 > w.max {
			return errTooLong
		}
		w.b = append(w.b, '"')
		w.b = base64.StdEncoding.AppendEncode(w.b, b)
		w.b = append(w.b, '"')
	case rhai.KindArray:
		return w.array(v, depth)
	case rhai.KindMap:
		return w.object(v, depth)
	default:
		return fmt.Errorf("a %s cannot be written as JSON", typeName(v))
	}
	return nil
}

// float writes f so that reading it gives a float again: 1.0 stays 1.0.
func (w *jsonWriter) float(f float64) error {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return fmt.Errorf("%v cannot be written as JSON", f)
	}
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		w.b = strconv.AppendFloat(w.b, f, 'e', -1, 64)
		return nil
	}
	start := len(w.b)
	w.b = strconv.AppendFloat(w.b, f, 'f', -1, 64)
	for _, ch := range w.b[start:] {
		if ch == '.' {
			return nil
		}
	}
	w.b = append(w.b, ".0"...)
	return nil
}

func (w *jsonWriter) array(v rhai.Value, depth int) error {
	elems, _ := v.AsArray()
	w.b = append(w.b, '[')
	for i, e := range elems {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.newline(depth + 1)
		if err := w.value(e, depth+1); err != nil {
			return err
		}
	}
	if len(elems) > 0 {
		w.newline(depth)
	}
	w.b = append(w.b, ']')
	return nil
}

func (w *jsonWriter) object(v rhai.Value, depth int) error {
	w.b = append(w.b, '{')
	first := true
	var err error
	v.EachEntry(func(key string, e rhai.Value) bool {
		if !first {
			w.b = append(w.b, ',')
		}
		first = false
		w.newline(depth + 1)
		w.string(key)
		w.b = append(w.b, ':')
		if w.indent > 0 {
			w.b = append(w.b, ' ')
		}
		err = w.value(e, depth+1)
		return err == nil
	})
	if err != nil {
		return err
	}
	if !first {
		w.newline(depth)
	}
	w.b = append(w.b, '}')
	return nil
}

func (w *jsonWriter) newline(depth int) {
	if w.indent == 0 {
		return
	}
	w.b = append(w.b, '\n')
	for range depth * w.indent {
		w.b = append(w.b, ' ')
	}
}

const hexDigits = "0123456789abcdef"

func (w *jsonWriter) string(s string) {
	w.b = append(w.b, '"')
	start := 0
	for i := 0; i < len(s); {
		ch := s[i]
		if ch >= ' ' && ch != '"' && ch != '\\' && ch < utf8.RuneSelf {
			i++
			continue
		}
		if ch >= utf8.RuneSelf {
			if r, n := utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || n > 1 {
				i += n
				continue
			}
		}
		w.b = append(w.b, s[start:i]...)
		switch ch {
		case '"', '\\':
			w.b = append(w.b, '\\', ch)
		case '\n':
			w.b = append(w.b, `\n`...)
		case '\r':
			w.b = append(w.b, `\r`...)
		case '\t':
			w.b = append(w.b, `\t`...)
		default:
			if ch >= utf8.RuneSelf {
				w.b = append(w.b, "\uFFFD"...)
			} else {
				w.b = append(w.b, `\u00`...)
				w.b = append(w.b, hexDigits[ch>>4], hexDigits[ch&15])
			}
		}
		i++
		start = i
	}
	w.b = append(w.b, s[start:]...)
	w.b = append(w.b, '"')
}

// typeName is what type_of says of a value.
func typeName(v rhai.Value) string {
	switch v.Kind() {
	case rhai.KindFn:
		return "function pointer"
	case rhai.KindTimestamp:
		return "timestamp"
	case rhai.KindRange:
		return "range"
	case rhai.KindHost:
		if _, t, ok := v.AsHost(); ok && t != nil {
			return t.Name
		}
	}
	return "value"
}
