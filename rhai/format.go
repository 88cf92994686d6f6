package rhai

import (
	"strconv"
	"unicode/utf8"
	"unsafe"
)

// A value has three texts. To display it is what print, to_string and interpolation do. The debug form is what
// debug and to_debug give, and what elements have in displayed containers; it differs for texts, floats and unit. The raw
// form is the debug form with characters in quotes and functions with their curried arguments; uncaught
// values and the value of a whole script show it.
type textForm uint8

const (
	formDisplay textForm = iota
	formDebug
	formRaw
)

// printer writes values as text. It stops at the machine's limits; without a machine there are none.
type printer struct {
	vm    *machine
	b     []byte
	paid  int   // bytes charged for
	held  int64 // memory charged for, alive until release
	err   error
	cells []*cellObj // shared variables being written, against cycles
	max   int        // without a machine: bytes after which no further part is written
}

// maxFree bounds texts that no machine pays for. A value that holds one part many
// times over has a text of any length and takes next to no memory itself.
const (
	maxFree  = 64 << 20
	maxError = 64 << 10 // in error messages
)

// display is to_string within the limits of the run.
func (vm *machine) display(v Value) (string, error) { return vm.format(v, formDisplay) }

// scalarText is the displayed text of a number or another small value, in the machine's scratch room: it is valid until that
// is reset. ok is false for other values.
func (vm *machine) scalarText(v Value) (text string, ok bool) {
	switch v.kind() {
	case KindBool, KindInt, KindFloat, KindChar, KindRange:
	default:
		return "", false
	}
	from := len(vm.scratch)
	vm.scratch = appendScalar(vm.scratch, v, formDisplay)
	return unsafe.String(&vm.scratch[from], len(vm.scratch)-from), true
}

// format writes v, charging work and memory as the text grows.
func (vm *machine) format(v Value, form textForm) (string, error) {
	if v = v.untag(); v.isString() && form == formDisplay {
		return v.str(), nil
	}
	var buf [firstRoom]byte
	p := printer{vm: vm, b: buf[:0]}
	p.value(v, form, 0)
	p.pay()
	p.release()
	return p.text(), p.err
}

// text is what has been written. Nothing may be written after it.
func (p *printer) text() string {
	if cap(p.b) <= firstRoom {
		return string(p.b) // on the stack of who writes
	}
	return unsafe.String(unsafe.SliceData(p.b), len(p.b))
}

// grow makes room for n bytes more, so that appending allocates nothing that is not charged.
func (p *printer) grow(n int) {
	if n <= cap(p.b)-len(p.b) || p.err != nil {
		return
	}
	size := max(2*cap(p.b), len(p.b)+n)
	if len(p.b)+n > maxString/2 {
		size = len(p.b) + n
	}
	old := p.held
	if p.err = p.hold(strBytes(size)); p.err != nil {
		return
	}
	p.b = append(make([]byte, 0, size), p.b...)
	p.held -= old
	p.vm.texts -= old
}

// firstRoom is the room for short texts, which need no allocation; between two looks at what has been written at most
// spareRoom bytes are added without being asked for.
const (
	firstRoom = 64
	spareRoom = 512
)

// hold charges for memory that stays in use while the text is written: a census must not forget it.
func (p *printer) hold(bytes int64) error {
	if err := p.vm.alloc(bytes); err != nil {
		return err
	}
	p.held += bytes
	p.vm.texts += bytes
	return nil
}

// release says that the text is finished.
func (p *printer) release() {
	if p.vm != nil {
		p.vm.texts -= p.held
		p.held = 0
	}
}

// toString is the text print writes.
func toString(v Value) string { return formatFree(v, formDisplay, maxFree) }

// debugString is the text debug writes.
func debugString(v Value) string { return formatFree(v, formDebug, maxFree) }

// reprString is the raw form, the reference's `{:?}`.
func reprString(v Value) string { return formatFree(v, formRaw, maxFree) }

// rawDisplay is how an error message shows a value: containers in raw form.
func rawDisplay(v Value) string {
	if shownRaw(v) {
		return formatFree(v, formRaw, maxError)
	}
	return toString(v)
}

// shownRaw tells whether the reference shows a value by Rust's own means, where it does not print it: containers and iterators.
func shownRaw(v Value) bool {
	v = v.untag()
	switch v.Kind() {
	case KindArray, KindMap, KindBlob:
		return true
	case KindHost:
		return v.host().typ == iteratorType
	}
	return false
}

func formatFree(v Value, form textForm, max int) string {
	p := printer{max: max}
	p.value(v, form, 0)
	return string(p.b)
}

// String returns the text that print writes for the value.
func (v Value) String() string { return toString(v) }

// pay charges for the bytes written since the last time.
func (p *printer) pay() {
	n := len(p.b) - p.paid
	if p.vm == nil || n <= 0 || p.err != nil {
		return
	}
	p.paid = len(p.b)
	if p.err = p.vm.checkString(len(p.b)); p.err != nil {
		return
	}
	p.err = p.vm.charge(int64(n)>>4 + 1)
	if p.err == nil && p.paid > firstRoom {
		p.grow(spareRoom)
	}
}

// reserve pays for a long piece before it is written.
func (p *printer) reserve(n int) {
	if n < 256 || p.vm == nil {
		return
	}
	p.pay()
	if p.err == nil {
		p.err = p.vm.checkString(len(p.b) + n)
	}
	p.grow(n + spareRoom)
}

func (p *printer) value(v Value, form textForm, depth int) {
	if len(p.b)-p.paid >= 256 {
		p.pay()
	}
	if p.err != nil {
		return
	}
	if p.vm == nil && len(p.b) > p.max {
		p.b = append(p.b, "…"...)
		p.err = newError(ErrDataTooLarge, "Length of string")
		return
	}
	switch v = v.untag(); v.kind() {
	case KindString:
		n := v.strLen()
		if form != formDisplay {
			n *= 2
		}
		p.reserve(n)
		if p.err != nil {
			return
		}
		if form == formDisplay {
			p.b = append(p.b, v.str()...)
		} else {
			p.quoted(v.str())
		}
	case KindArray:
		p.array(v.arr().v, form, depth)
	case KindMap:
		p.object(v.mp(), form, depth)
	case KindBlob:
		if p.reserve(3 * len(v.blob().b)); p.err != nil {
			return
		}
		p.b = appendBlob(p.b, v.blob().b)
	case KindFn:
		p.function(v.fn(), form, depth)
	case KindHost:
		p.host(v, form)
	case kindCell:
		p.cell(v.cell(), form, depth)
	default:
		p.b = appendScalar(p.b, v, form)
	}
}

// host writes a value of the host's.
func (p *printer) host(v Value, form textForm) {
	if p.vm == nil {
		p.b = append(p.b, hostText(v.host(), form)...)
		return
	}
	var text string
	if text, p.err = p.vm.hostText(v, form); p.err != nil {
		return
	}
	if p.reserve(len(text)); p.err == nil {
		p.b = append(p.b, text...)
	}
}

// quoted writes a text in quotes, a part at a time: it may be long.
func (p *printer) quoted(s string) {
	const part = 1 << 16
	p.b = append(p.b, '"')
	for len(s) > part {
		n := part
		for !utf8.RuneStart(s[n]) {
			n--
		}
		p.b = appendEscaped(p.b, s[:n])
		s = s[n:]
		if p.vm != nil {
			if p.err = p.vm.poll(); p.err != nil {
				return
			}
		}
	}
	p.b = append(appendEscaped(p.b, s), '"')
}

func appendScalar(b []byte, v Value, form textForm) []byte {
	switch v.kind() {
	case KindUnit:
		if form != formDisplay {
			b = append(b, "()"...)
		}
	case KindBool:
		b = strconv.AppendBool(b, v.bool())
	case KindInt:
		b = strconv.AppendInt(b, v.int(), 10)
	case KindFloat:
		if form == formDisplay {
			return appendFloat(b, v.float())
		}
		return appendFloatDebug(b, v.float())
	case KindChar:
		if form == formRaw {
			return appendQuotedChar(b, v.char())
		}
		b = utf8.AppendRune(b, v.char())
	case KindTimestamp:
		b = append(b, "<timestamp>"...)
	case KindRange:
		r := v.rng()
		b = strconv.AppendInt(b, r.from, 10)
		b = append(b, ".."...)
		if r.inclusive {
			b = append(b, '=')
		}
		if r.to != 1<<63-1 { // open ranges end at the largest integer
			b = strconv.AppendInt(b, r.to, 10)
		}
	}
	return b
}

// inner is the form of a container's elements.
func inner(form textForm) textForm {
	if form == formDisplay {
		return formDebug
	}
	return form
}

func (p *printer) array(elems []Value, form textForm, depth int) {
	if depth > maxDepth {
		p.b = append(p.b, "[…]"...)
		return
	}
	p.b = append(p.b, '[')
	for i, e := range elems {
		if i > 0 {
			p.b = append(p.b, ", "...)
		}
		if p.value(e, inner(form), depth+1); p.err != nil {
			return
		}
	}
	p.b = append(p.b, ']')
}

func (p *printer) object(m *mapObj, form textForm, depth int) {
	if depth > maxDepth {
		p.b = append(p.b, "#{…}"...)
		return
	}
	p.b = append(p.b, "#{"...)
	sep := ""
	for it := m.iter(); ; {
		k, v, ok := it.next()
		if !ok || p.err != nil {
			break
		}
		if p.reserve(2 * len(k)); p.err != nil {
			break
		}
		p.b = append(p.b, sep...)
		p.b = appendQuoted(p.b, k)
		p.b = append(p.b, ": "...)
		p.value(*v, inner(form), depth+1)
		sep = ", "
	}
	p.b = append(p.b, '}')
}

// appendBlob writes hexadecimal digits in groups of eight bytes.
func appendBlob(b, data []byte) []byte {
	const digits = "0123456789abcdef"
	b = append(b, '[')
	for i, c := range data {
		if i > 0 && i%8 == 0 {
			b = append(b, ' ')
		}
		b = append(b, digits[c>>4], digits[c&15])
	}
	return append(b, ']')
}

func (p *printer) function(f *fnObj, form textForm, depth int) {
	if p.reserve(2 * len(f.name)); p.err != nil {
		return
	}
	if form != formRaw {
		p.b = append(p.b, "Fn("...)
		p.b = append(p.b, f.name...)
		p.b = append(p.b, ')')
		return
	}
	p.b = append(p.b, "Fn"...)
	if f.proto != nil { // linked to a script function
		p.b = append(p.b, '*')
		if len(p.cells) == 0 { // and to its module, which the reference does not say within a shared variable
			p.b = append(p.b, '+')
		}
	}
	p.b = append(p.b, '(')
	p.b = appendQuoted(p.b, f.name)
	for _, c := range f.curry {
		p.b = append(p.b, ", "...)
		if depth > maxDepth {
			p.b = append(p.b, "…"...)
			break
		}
		p.value(c, form, depth+1)
	}
	p.b = append(p.b, ')')
}

// cell writes a variable that closures share; a function may capture the variable that holds it.
func (p *printer) cell(c *cellObj, form textForm, depth int) {
	for _, open := range p.cells {
		if open == c {
			p.b = append(p.b, "<shared>"...)
			return
		}
	}
	p.cells = append(p.cells, c)
	p.value(c.v, form, depth+1)
	p.cells = p.cells[:len(p.cells)-1]
	p.b = append(p.b, " (shared)"...)
}

func hostText(h *hostObj, form textForm) string {
	switch t := h.typ; {
	case t == nil:
		return "?"
	case form == formRaw && t.raw != nil:
		return t.raw(h.v)
	case form != formDisplay && t.debug != nil:
		return t.debug(h.v)
	case t.print != nil:
		return t.print(h.v)
	default:
		return t.Name
	}
}
