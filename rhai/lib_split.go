package rhai

import (
	"strings"
	"unicode/utf8"
)

var splitBuiltins = []builtin{
	{"split(text: string) -> array", "Splits the text at white space.", `"a b  c".split() // ["a", "b", "c"]`, 0, libSplitSpace},
	{"split(text: string, index: i64) -> array", "Splits the text in two at a character.", `"hello".split(2) // ["he", "llo"]`, 0, libSplitAt},
	{
		"split(text: string, delimiter: string|char) -> array", "Splits the text at each delimiter.", `"a,b,,c".split(",") // ["a", "b", "", "c"]`, Stores,
		func(c *Call) (Value, error) { return c.split(false) },
	},
	{
		"split(text: string, delimiter: string|char, segments: i64) -> array", "Splits the text into a number of segments at most.", `"a,b,c".split(",", 2) // ["a", "b,c"]`,
		Stores, func(c *Call) (Value, error) { return c.split(false) },
	},
	{
		"split_rev(text: string, delimiter: string|char) -> array", "Splits the text at each delimiter, the last segment first.", `"a,b,c".split_rev(",") // ["c", "b", "a"]`, Stores,
		func(c *Call) (Value, error) { return c.split(true) },
	},
	{
		"split_rev(text: string, delimiter: string|char, segments: i64) -> array", "Splits the text from its end into a number of segments at most.",
		`"a,b,c".split_rev(",", 2) // ["c", "a,b"]`, Stores, func(c *Call) (Value, error) { return c.split(true) },
	},
	{"to_chars(text: string) -> array", "Returns the characters.", `"abc".to_chars() // ['a', 'b', 'c']`, 0, libToChars},
}

// texts collects strings into an array, each charged before it is made.
type texts struct {
	c   *Call
	arr *arrayObj
	err error
}

func (c *Call) newTexts(n int) *texts {
	arr, err := c.vm.newArray(n)
	return &texts{c: c, arr: arr, err: err}
}

func (t *texts) add(s string) {
	if t.err != nil {
		return
	}
	if t.err = t.c.Charge(1); t.err != nil {
		return
	}
	v, err := t.c.String(s)
	if err == nil {
		err = t.c.vm.push(t.arr, v)
	}
	t.err = err
}

func (t *texts) done() (Value, error) {
	if t.err != nil {
		return Value{}, t.err
	}
	return t.arr.value(), nil
}

func libSplitSpace(c *Call) (Value, error) {
	s := c.text(0)
	if err := c.Charge(len(s) >> 4); err != nil {
		return Value{}, err
	}
	t := c.newTexts(0)
	if s == "" {
		t.add("")
	}
	for word := range strings.FieldsSeq(s) {
		t.add(word)
	}
	return t.done()
}

func libSplitAt(c *Call) (Value, error) {
	v := c.Arg(0)
	if err := c.chargeScan(0); err != nil {
		return Value{}, err
	}
	n := v.charLen()
	at := 0
	switch i := c.int(1); {
	case i > 0:
		at = byteOffset(v, int(min(i, maxString)))
	case -int64(n) <= i: // zero counts from the end, too
		at = byteOffset(v, n+int(i))
	}
	t := c.newTexts(2)
	t.add(v.str()[:at])
	t.add(v.str()[at:])
	return t.done()
}

// split splits at each delimiter. A text without one comes back whole.
func (c *Call) split(reverse bool) (Value, error) {
	v, delimiter := c.Arg(0), c.pattern(1)
	s := v.str()
	if err := c.Charge(len(s) >> 4); err != nil {
		return Value{}, err
	}
	segments := maxString
	if c.Len() > 2 {
		segments = int(min(c.int(2), maxString))
	}
	if segments <= 1 || s == "" || !strings.Contains(s, delimiter) {
		arr, err := c.vm.newArray(1)
		if err != nil {
			return Value{}, err
		}
		return arr.value(), c.vm.push(arr, v)
	}
	t := c.newTexts(0)
	next := cutForward
	if reverse {
		next = cutBackward
	}
	if delimiter == "" {
		return c.splitEverywhere(t, s, segments, reverse)
	}
	for n := 1; n < segments && t.err == nil; n++ {
		segment, rest, ok := next(s, delimiter)
		if !ok {
			break
		}
		t.add(segment)
		s = rest
	}
	t.add(s)
	return t.done()
}

func cutForward(s, delimiter string) (segment, rest string, ok bool) {
	return strings.Cut(s, delimiter)
}

func cutBackward(s, delimiter string) (segment, rest string, ok bool) {
	i := strings.LastIndex(s, delimiter)
	if i < 0 {
		return "", s, false
	}
	return s[i+len(delimiter):], s[:i], true
}

// splitEverywhere splits at the empty delimiter, which occurs before, between and after all characters.
func (c *Call) splitEverywhere(t *texts, s string, segments int, reverse bool) (Value, error) {
	t.add("")
	n := 2
	for ; n < segments && s != "" && t.err == nil; n++ {
		if reverse {
			_, size := utf8.DecodeLastRuneInString(s)
			t.add(s[len(s)-size:])
			s = s[:len(s)-size]
		} else {
			_, size := utf8.DecodeRuneInString(s)
			t.add(s[:size])
			s = s[size:]
		}
	}
	t.add(s)
	return t.done()
}

func libToChars(c *Call) (Value, error) {
	v := c.Arg(0)
	n := v.charLen()
	if err := c.Charge(n>>2 + 1); err != nil {
		return Value{}, err
	}
	arr, err := c.vm.newArray(n)
	if err != nil {
		return Value{}, err
	}
	for _, r := range v.str() {
		arr.v = append(arr.v, Char(r))
	}
	return arr.value(), nil
}
