package rhai

import "unicode/utf8"

// cursor remembers a place in a string that is not all ASCII, so that indexing it
// in order takes time by the distance and not by the length.
type cursor struct {
	p     *hdr // the string: its storage
	n     uint64
	chars int // its length in characters
	char  int // a character
	off   int // where it begins
}

// seek moves the cursor to character i of the string, charging the way. A negative i counts from
// the end. It fails when there is no such character; the length in characters is given in any case.
func (vm *machine) seek(s Value, i int64) (chars int, ok bool, err error) {
	c := &vm.cursor
	text := s.str()
	if c.p != s.p || c.n != s.n {
		if err := vm.charge(int64(len(text)) >> 3); err != nil {
			return 0, false, err
		}
		*c = cursor{p: s.p, n: s.n, chars: utf8.RuneCountInString(text)}
	}
	if i < 0 {
		i += int64(c.chars)
	}
	if i < 0 || i >= int64(c.chars) {
		return c.chars, false, nil
	}
	to := int(i)
	if to < c.char/2 { // nearer to the start
		c.char, c.off = 0, 0
	}
	if err := vm.charge(int64(max(to-c.char, c.char-to)) >> 3); err != nil {
		return c.chars, false, err
	}
	for c.char < to {
		_, size := utf8.DecodeRuneInString(text[c.off:])
		c.char, c.off = c.char+1, c.off+size
	}
	for c.char > to {
		_, size := utf8.DecodeLastRuneInString(text[:c.off])
		c.char, c.off = c.char-1, c.off-size
	}
	return c.chars, true, nil
}
