package rhai

import (
	"strings"
	"unicode/utf8"
)

var stringBuiltins = []builtin{
	{
		"len|get$len(text: string) -> i64", "Returns the length in characters.", `"héllo".len // 5`, 0,
		func(c *Call) (Value, error) {
			if err := c.chargeScan(0); err != nil {
				return Value{}, err
			}
			return Int(int64(c.Arg(0).charLen())), nil
		},
	},
	{
		"bytes|get$bytes(text: string) -> i64", "Returns the length in bytes of UTF-8.", `"héllo".bytes // 6`, 0,
		func(c *Call) (Value, error) { return Int(int64(c.Arg(0).strLen())), nil },
	},
	{
		"is_empty|get$is_empty(text: string) -> bool", "Tells whether the text is empty.", `"".is_empty // true`, 0,
		func(c *Call) (Value, error) { return Bool(c.Arg(0).strLen() == 0), nil },
	},
	{
		"to_string(value: any) -> string", "Converts the value to text, as print writes it.", `[1, "a"].to_string() // "[1, \"a\"]"`, Stores,
		func(c *Call) (Value, error) {
			if v := c.Arg(0); v.isString() {
				return v, nil
			}
			return c.formatted(formDisplay)
		},
	},
	{
		"to_debug(value: any) -> string", "Converts the value to text, as debug writes it.", `"a\n".to_debug() // "\"a\\n\""`, 0,
		func(c *Call) (Value, error) { return c.formatted(formDebug) },
	},
	{
		"append(mut text: string, item: any) -> ()", "Appends the item to the text; a blob is read as UTF-8.", `let s = "abc"; s.append(5); s // "abc5"`, 0,
		func(c *Call) (Value, error) { return Value{}, assignOp(c.vm, binAdd, c.slot(), c.Arg(1)) },
	},
	{"to_blob(text: string) -> blob", "Returns the text as a blob of UTF-8.", `"é".to_blob() // [c3a9]`, 0, libToBlob},
	{
		"remove(mut text: string, what: string|char) -> ()", "Removes every occurrence from the text.", `let s = "hello"; s.remove("l"); s // "heo"`, 0,
		func(c *Call) (Value, error) {
			if c.pattern(1) == "" {
				return Value{}, nil
			}
			return c.setText(c.vm.replaceAll(*c.slot(), c.pattern(1), ""))
		},
	},
	{
		"clear(mut text: string) -> ()", "Makes the text empty.", `let s = "abc"; s.clear(); s // ""`, 0,
		func(c *Call) (Value, error) { *c.slot() = String(""); return Value{}, nil },
	},
	{"truncate(mut text: string, len: i64) -> ()", "Cuts the text off after a number of characters.", `let s = "hello"; s.truncate(3); s // "hel"`, 0, libTruncateText},
	{
		"trim(mut text: string) -> ()", "Removes white space from both ends.", `let s = "  hi "; s.trim(); s // "hi"`, 0,
		func(c *Call) (Value, error) {
			if err := c.chargeScan(0); err != nil {
				return Value{}, err
			}
			return c.setPart(strings.TrimSpace(c.text(0)))
		},
	},
	{"pop(mut text: string) -> char|()", "Removes the last character and returns it; () if there is none.", `let s = "hello"; s.pop() // 'o'`, 0, libPopChar},
	{"pop(mut text: string, len: i64) -> string", "Removes a number of characters from the end and returns them.", `let s = "hello"; s.pop(3) // "llo"`, 0, libPopText},
	{"to_upper(text: string) -> string", "Returns the text in upper case.", `"straße".to_upper() // "STRASSE"`, 0, textCase(upperCase)},
	{"to_lower(text: string) -> string", "Returns the text in lower case.", `"ABC".to_lower() // "abc"`, 0, textCase(lowerCase)},
	{"make_upper(mut text: string) -> ()", "Turns the text into upper case.", `let s = "abc"; s.make_upper(); s // "ABC"`, 0, makeCase(upperCase)},
	{"make_lower(mut text: string) -> ()", "Turns the text into lower case.", `let s = "ABC"; s.make_lower(); s // "abc"`, 0, makeCase(lowerCase)},
	{
		"to_upper(char: char) -> char", "Returns the character in upper case.", `'a'.to_upper() // 'A'`, 0,
		func(c *Call) (Value, error) { return Char(upperChar(c.Arg(0).char())), nil },
	},
	{
		"to_lower(char: char) -> char", "Returns the character in lower case.", `'A'.to_lower() // 'a'`, 0,
		func(c *Call) (Value, error) { return Char(lowerChar(c.Arg(0).char())), nil },
	},
	{
		"make_upper(mut char: char) -> ()", "Turns the character into upper case.", `let c = 'a'; c.make_upper(); c // 'A'`, 0,
		func(c *Call) (Value, error) { *c.slot() = Char(upperChar(c.slot().char())); return Value{}, nil },
	},
	{
		"make_lower(mut char: char) -> ()", "Turns the character into lower case.", `let c = 'A'; c.make_lower(); c // 'a'`, 0,
		func(c *Call) (Value, error) { *c.slot() = Char(lowerChar(c.slot().char())); return Value{}, nil },
	},
	{"contains(text: string, find: string|char) -> bool", "Tells whether the text contains another.", `"hello".contains("ell") // true`, 0, textTest(strings.Contains)},
	{
		"starts_with(text: string, find: string|char) -> bool", "Tells whether the text starts with another.", `"hello".starts_with("he") // true`, 0,
		textTest(strings.HasPrefix),
	},
	{
		"ends_with(text: string, find: string|char) -> bool", "Tells whether the text ends with another.", `"hello".ends_with('o') // true`, 0,
		textTest(strings.HasSuffix),
	},
	{
		"index_of(text: string, find: string|char) -> i64", "Returns where the first occurrence begins, in characters; -1 if there is none.", `"hello".index_of("l") // 2`, 0,
		libIndexOfText,
	},
	{
		"index_of(text: string, find: string|char, start: i64) -> i64",
		"Returns where the first occurrence at or after a start begins, in characters; -1 if there is none.", `"hello".index_of('l', 3) // 3`, 0, libIndexOfText,
	},
	{
		"get(text: string, index: i64) -> char|()", "Returns a character, counted from the end if the index is negative; () outside the text.", `"hello".get(-1) // 'o'`, 0,
		libGetChar,
	},
	{"set(mut text: string, index: i64, char: char) -> ()", "Replaces a character; nothing happens outside the text.", `let s = "abc"; s.set(1, 'x'); s // "axc"`, 0, libSetChar},
	{"sub_string(text: string, range: range) -> string", "Returns a part of the text.", `"hello".sub_string(1..3) // "el"`, 0, libSubString},
	{"sub_string(text: string, start: i64) -> string", "Returns the text from a character on.", `"hello".sub_string(-2) // "lo"`, 0, libSubString},
	{"sub_string(text: string, start: i64, len: i64) -> string", "Returns a number of characters from a start on.", `"hello".sub_string(1, 3) // "ell"`, 0, libSubString},
	{"crop(mut text: string, range: range) -> ()", "Cuts the text down to a part.", `let s = "hello"; s.crop(1..3); s // "el"`, 0, libCrop},
	{"crop(mut text: string, start: i64) -> ()", "Cuts off the text before a character.", `let s = "hello"; s.crop(2); s // "llo"`, 0, libCrop},
	{"crop(mut text: string, start: i64, len: i64) -> ()", "Cuts the text down to a number of characters.", `let s = "hello"; s.crop(1, 2); s // "el"`, 0, libCrop},
	{
		"replace(mut text: string, find: string|char, with: string|char) -> ()", "Replaces every occurrence.", `let s = "hello"; s.replace("l", "L"); s // "heLLo"`, 0,
		func(c *Call) (Value, error) {
			if c.slot().strLen() == 0 {
				return Value{}, nil
			}
			return c.setText(c.vm.replaceAll(*c.slot(), c.pattern(1), c.pattern(2)))
		},
	},
	{"pad(mut text: string, len: i64, with: string|char) -> ()", "Lengthens the text to a number of characters.", `let s = "hi"; s.pad(5, "ab"); s // "hiaba"`, 0, libPadText},
}

// chargeScan charges for looking at every byte of argument i.
func (c *Call) chargeScan(i int) error { return c.Charge(c.Arg(i).strLen() >> 6) }

func (c *Call) formatted(form textForm) (Value, error) {
	s, err := c.vm.format(c.args[0], form)
	if err != nil {
		return Value{}, err
	}
	c.held += int64(len(s)) // until it has been copied
	return c.String(s)
}

// setText replaces the receiver.
func (c *Call) setText(v Value, err error) (Value, error) {
	if err == nil {
		*c.slot() = v
	}
	return Value{}, err
}

// setPart replaces the receiver by a part of itself.
func (c *Call) setPart(s string) (Value, error) {
	if len(s) == c.slot().strLen() {
		return Value{}, nil
	}
	return c.setText(c.String(s))
}

func libToBlob(c *Call) (Value, error) {
	o, err := c.vm.newBlob(c.Arg(0).strLen())
	if err != nil {
		return Value{}, err
	}
	copy(o.b, c.text(0))
	return o.value(), nil
}

// byteOffset is where character i begins; the text's length if it has fewer.
func byteOffset(v Value, i int) int {
	if v.isASCIIStr() {
		return min(i, v.strLen())
	}
	s := v.str()
	for off := range s {
		if i == 0 {
			return off
		}
		i--
	}
	return len(s)
}

func libTruncateText(c *Call) (Value, error) {
	if err := c.chargeScan(0); err != nil {
		return Value{}, err
	}
	n := int(min(max(c.int(1), 0), maxString))
	v := *c.slot()
	return c.setPart(v.str()[:byteOffset(v, n)])
}

func libPopChar(c *Call) (Value, error) {
	s := c.slot().str()
	if s == "" {
		return Value{}, nil
	}
	r, size := utf8.DecodeLastRuneInString(s)
	*c.slot() = c.slot().prefix(len(s) - size)
	return Char(r), nil
}

// prefix is the first n bytes of a string, sharing its storage.
func (v Value) prefix(n int) Value {
	if n == 0 {
		return String("")
	}
	v.n = uint64(n)<<1 | v.n&1
	return v
}

func libPopText(c *Call) (Value, error) {
	v := *c.slot()
	n := c.int(1)
	if v.strLen() == 0 || n <= 0 {
		return String(""), nil
	}
	if err := c.chargeScan(0); err != nil {
		return Value{}, err
	}
	count := v.charLen()
	if n >= int64(count) {
		*c.slot() = String("")
		return v, nil
	}
	cut := byteOffset(v, count-int(n))
	tail, err := c.String(v.str()[cut:])
	if err != nil {
		return Value{}, err
	}
	*c.slot() = v.prefix(cut)
	return tail, nil
}

// caseMapping is upperCase or lowerCase.
type caseMapping = func(s string, poll func() error) (string, error)

func (c *Call) cased(f caseMapping) (Value, error) {
	n := c.Arg(0).strLen()
	if err := c.Charge(n >> 3); err != nil {
		return Value{}, err
	}
	if err := c.Alloc(n + n/2); err != nil {
		return Value{}, err
	}
	s, err := f(c.text(0), c.vm.poll)
	if err != nil {
		return Value{}, err
	}
	return c.String(s)
}

func textCase(f caseMapping) func(*Call) (Value, error) {
	return func(c *Call) (Value, error) { return c.cased(f) }
}

func makeCase(f caseMapping) func(*Call) (Value, error) {
	return func(c *Call) (Value, error) { return c.setText(c.cased(f)) }
}

func textTest(f func(s, find string) bool) func(*Call) (Value, error) {
	return func(c *Call) (Value, error) {
		if err := c.chargeScan(0); err != nil {
			return Value{}, err
		}
		return Bool(f(c.text(0), c.pattern(1))), nil
	}
}

func libIndexOfText(c *Call) (Value, error) {
	v := c.Arg(0)
	if v.strLen() == 0 {
		return Int(-1), nil
	}
	if err := c.Charge(v.strLen() >> 5); err != nil {
		return Value{}, err
	}
	from := 0
	if c.Len() > 2 {
		start := c.int(2)
		if start != 0 {
			n := v.charLen()
			if start >= int64(n) {
				return Int(-1), nil
			}
			i, _ := clip(n, start, 0)
			from = byteOffset(v, i)
		}
	}
	s := v.str()
	i := strings.Index(s[from:], c.pattern(1))
	if i < 0 {
		return Int(-1), nil
	}
	if v.isASCIIStr() {
		return Int(int64(from + i)), nil
	}
	return Int(int64(utf8.RuneCountInString(s[:from+i]))), nil
}

func libGetChar(c *Call) (Value, error) {
	v := c.Arg(0)
	if err := c.chargeScan(0); err != nil {
		return Value{}, err
	}
	i, ok := element(v.charLen(), c.int(1))
	if !ok {
		return Value{}, nil
	}
	r, _ := utf8.DecodeRuneInString(v.str()[byteOffset(v, i):])
	return Char(r), nil
}

func libSetChar(c *Call) (Value, error) {
	v := *c.slot()
	if err := c.chargeScan(0); err != nil {
		return Value{}, err
	}
	i, ok := element(v.charLen(), c.int(1))
	if !ok {
		return Value{}, nil
	}
	s := v.str()
	at := byteOffset(v, i)
	_, size := utf8.DecodeRuneInString(s[at:])
	head, err := c.vm.concat(s[:at], c.pattern(2))
	if err != nil {
		return Value{}, err
	}
	return c.setText(c.vm.appendString(head, s[at+size:]))
}

// part is the text that a range, or a start and a length, in characters selects.
func (c *Call) part() (string, error) {
	v := c.Arg(0)
	if err := c.Charge(v.strLen() >> 5); err != nil {
		return "", err
	}
	start, length := c.startLen(1)
	from, to := clip(v.charLen(), start, length)
	a := byteOffset(v, from)
	if v.isASCIIStr() {
		return v.str()[a:to], nil
	}
	rest := v.str()[a:]
	n := to - from
	for i := range rest {
		if n == 0 {
			return rest[:i], nil
		}
		n--
	}
	return rest, nil
}

func libSubString(c *Call) (Value, error) {
	s, err := c.part()
	if err != nil {
		return Value{}, err
	}
	return c.String(s)
}

func libCrop(c *Call) (Value, error) {
	s, err := c.part()
	if err != nil {
		return Value{}, err
	}
	return c.setPart(s)
}

func libPadText(c *Call) (Value, error) {
	want := c.int(1)
	if want <= 0 {
		return Value{}, nil
	}
	if want > maxString || c.vm.limits.MaxStringSize > 0 && want > int64(c.vm.limits.MaxStringSize) {
		return Value{}, newError(ErrDataTooLarge, "Length of string")
	}
	v := *c.slot()
	if err := c.Charge((v.strLen() + int(want)) >> 5); err != nil {
		return Value{}, err
	}
	missing := int(want) - v.charLen()
	pad := c.pattern(2)
	if missing <= 0 || pad == "" {
		return Value{}, nil
	}
	if err := c.Charge(len(pad) >> 5); err != nil {
		return Value{}, err
	}
	unit := utf8.RuneCountInString(pad)
	whole := missing / unit
	tail := pad[:byteOffset(String(pad), missing%unit)]
	size := whole*len(pad) + len(tail)
	if err := c.vm.checkString(v.strLen() + size); err != nil {
		return Value{}, err
	}
	n := v.strLen() + size
	if err := c.vm.alloc(strBytes(n)); err != nil {
		return Value{}, err
	}
	o := newStrObj(n)
	room := o.room()[:n]
	at := copy(room, v.str())
	for ; whole > 0; whole-- {
		at += copy(room[at:], pad)
	}
	copy(room[at:], tail)
	o.len = uint32(n)
	return c.setText(strValue(o, n, v.isASCIIStr() && isASCII(pad)), nil)
}
